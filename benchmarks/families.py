"""How fast each family's architecture is on this machine, in the sizes that people use.

Weights are random, because time does not depend on them; quality does, and is not looked at here.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from skencoder.encoder import EncoderConfig, RelativeBias, Rotary
from skencoder.errors import ParameterError

from .environment import available_cores, pinned_threads
from .tables import format_table

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
BASE |= {"intermediate_size": 3072, "vocab_size": 30528, "max_position_embeddings": 512}
SMALL = BASE | {"hidden_size": 384, "intermediate_size": 1536}
ROTARY = BASE | {"positions": "none", "gated": True, "max_position_embeddings": 8192}
_WINDOWS = tuple(None if layer % 3 == 0 else 64 for layer in range(22))

# Published sizes; the first is what the others are compared with.
SHAPES: dict[str, Mapping[str, object]] = {
    "BERT, 6 x 384 (all-MiniLM-L6-v2)": SMALL | {"num_hidden_layers": 6},
    "BERT, 3 x 384 (paraphrase-MiniLM-L3-v2)": SMALL | {"num_hidden_layers": 3},
    "BERT, 12 x 384 (bge-small, multilingual-e5-small)": SMALL,
    "ELECTRA, 12 x 256": SMALL
    | {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024}
    | {"embedding_size": 128},
    "DistilBERT, 6 x 768": BASE | {"num_hidden_layers": 6, "type_vocab_size": 0},
    "ALBERT, 6 x 768 (paraphrase-albert-small-v2)": BASE
    | {"num_hidden_layers": 6, "num_hidden_groups": 1, "embedding_size": 128},
    "BERT, RoBERTa, XLM-R, 12 x 768 (bge-base, e5-base)": BASE,
    "MPNet, 12 x 768 (all-mpnet-base-v2)": BASE | {"attention_positions": RelativeBias()},
    "Nomic-BERT, 12 x 768": ROTARY
    | {"hidden_act": "silu", "attention_positions": Rotary(theta=1000.0)}
    | {"unbiased": ("attention", "expand", "contract")},
    "GTE, 12 x 768 (gte-base-en-v1.5)": ROTARY
    | {"attention_positions": Rotary(theta=500000.0), "unbiased": ("expand",)},
    "EuroBERT, 12 x 768 (210m)": ROTARY
    | {"hidden_act": "silu", "norm": "rms", "norm_position": "pre"}
    | {"attention_positions": Rotary(), "unbiased": ("attention", "expand", "contract")},
    "ModernBERT, 22 x 768 (gte-modernbert-base)": ROTARY
    | {"num_hidden_layers": 22, "intermediate_size": 1152, "windows": _WINDOWS}
    | {"norm_position": "pre", "embedding_norm": True}
    | {"attention_positions": Rotary(theta=160000.0, local_theta=10000.0)}
    | {"unbiased": ("attention", "expand", "contract", "norm")},
    "BERT, 24 x 1024 (mxbai-embed-large-v1)": BASE
    | {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    | {"intermediate_size": 4096},
}


@dataclass(frozen=True)
class FamilySpeed:
    """How fast one architecture was.

    Parameters
    ----------
    name : str
        Family and size.
    tokens_per_second : mapping of int to float
        By the length of a text in tokens: median over the rounds.
    ratios : mapping of int to float
        By length: how many times the time of the first architecture it took, median over the
        rounds.
    """

    name: str
    tokens_per_second: Mapping[int, float]
    ratios: Mapping[int, float]


def run_families(
    lengths: tuple[int, ...] = (32, 256, 2048),
    *,
    precision: str = "float32",
    rounds: int = 5,
    tokens: int = 2048,
) -> list[FamilySpeed]:
    """Time every architecture, taking turns.

    Parameters
    ----------
    lengths : tuple of int, default=(32, 256, 2048)
        Lengths of texts, in tokens; an architecture that does not reach one is left out there.
    precision : {"float32", "bfloat16"}, default="float32"
        Of weights and activations.
    rounds : int, default=5
        How often each is timed.
    tokens : int, default=2048
        Encoded per timing and length.

    Returns
    -------
    list of FamilySpeed
        In the order of `SHAPES`.

    Raises
    ------
    ParameterError
        If a number is not positive or the precision has no such choice.
    """
    if min((*lengths, rounds, tokens), default=0) < 1 or precision not in ("float32", "bfloat16"):
        raise ParameterError(
            f"lengths, rounds and tokens must be positive, precision float32 or bfloat16; got "
            f"{lengths}, {rounds}, {tokens}, {precision!r}."
        )
    with pinned_threads(available_cores()):
        encoders = {name: _Timed(shape, precision) for name, shape in SHAPES.items()}
        timed = {n: _time(encoders, n, rounds, max(1, tokens // n)) for n in lengths}
    first = next(iter(SHAPES))
    return [
        FamilySpeed(
            name,
            {n: n * max(1, tokens // n) / median(timed[n][name]) for n in _reached(name, timed)},
            {
                n: median(a / b for a, b in zip(timed[n][name], timed[n][first], strict=True))
                for n in _reached(name, timed)
                if first in timed[n]
            },
        )
        for name in SHAPES
    ]


def _reached(name: str, timed: Mapping[int, Mapping[str, list[float]]]) -> list[int]:
    return [length for length in timed if name in timed[length]]


class _Timed:
    """A random encoder of one shape, ready for timing."""

    def __init__(self, shape: Mapping[str, object], precision: str) -> None:
        import torch

        from skencoder.encoder import Encoder, can_prepack, prepack

        dtype = getattr(torch, precision)
        config = EncoderConfig(**shape)  # type: ignore[arg-type]
        encoder = Encoder(config).to(dtype).eval()
        self.reach = config.max_position_embeddings
        self.encoder = prepack(encoder) if can_prepack(dtype) else encoder

    def encode(self, length: int, batch: int) -> None:
        """Encode a batch of texts of one length.

        Parameters
        ----------
        length : int
            Of each text, in tokens.
        batch : int
            How many texts.
        """
        import torch

        from skencoder.encoder import Boundaries

        input_ids = torch.arange(length * batch) % 30000
        with torch.no_grad():
            self.encoder.forward_packed(input_ids, Boundaries.from_lengths([length] * batch))


def _time(
    encoders: Mapping[str, _Timed], length: int, rounds: int, batch: int
) -> dict[str, list[float]]:
    fitting = {name: encoder for name, encoder in encoders.items() if encoder.reach >= length}
    seconds: dict[str, list[float]] = {name: [] for name in fitting}
    for encoder in fitting.values():
        encoder.encode(length, batch)
    for number in range(rounds):
        for name in list(fitting)[:: 1 if number % 2 == 0 else -1]:
            start = time.perf_counter()
            fitting[name].encode(length, batch)
            seconds[name].append(time.perf_counter() - start)
    return seconds


def format_families(speeds: list[FamilySpeed]) -> str:
    """Lay the figures out as a table.

    Parameters
    ----------
    speeds : list of FamilySpeed
        As `run_families` gives them.

    Returns
    -------
    str
        Markdown: tokens per second, and in brackets the time as a multiple of the first row's.
    """
    lengths = sorted({length for speed in speeds for length in speed.tokens_per_second})
    rows = [[speed.name, *(_cell(speed, length) for length in lengths)] for speed in speeds]
    return format_table(["architecture", *(f"{n} tokens" for n in lengths)], rows)


def _cell(speed: FamilySpeed, length: int) -> str:
    if length not in speed.tokens_per_second:
        return "-"
    rate = f"{speed.tokens_per_second[length]:,.0f}"
    return f"{rate} ({speed.ratios[length]:.2f})" if length in speed.ratios else rate
