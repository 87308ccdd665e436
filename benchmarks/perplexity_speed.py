"""What batches of masked copies are worth: this package's scoring beside a loop, taking turns.

The loop is the one that definitions suggest: transformers, one masked copy at a time, logits of
all its places. Both give the same numbers, which is checked first. Weights may be random: the time
does not depend on them.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from skencoder.checkpoints import load_checkpoint, save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM
from skencoder.errors import ParameterError
from skencoder.pseudo_likelihood import PseudoLikelihood

from .errors import MissingPackageError, VectorsError
from .speed_texts import choose_texts
from .tables import format_table

# Nats by which both may differ.
TOLERANCE = 1e-4
BERT_BASE = EncoderConfig(vocab_size=30522, hidden_size=768, num_hidden_layers=12)


@dataclass(frozen=True)
class PerplexitySpeedReport:
    """Seconds of both on the same texts.

    Parameters
    ----------
    model : str
        What was measured.
    texts : int
        How many.
    tokens : int
        Tokens that are scored, which is as many masked copies.
    ours, loop : tuple of float
        Seconds of each round.
    """

    model: str
    texts: int
    tokens: int
    ours: tuple[float, ...]
    loop: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times as fast, by the median over rounds."""
        return median(b / a for a, b in zip(self.ours, self.loop, strict=True))


def run_perplexity_speed(
    model: str = "minilm",
    *,
    lengths: str = "short",
    texts: int = 8,
    rounds: int = 3,
) -> PerplexitySpeedReport:
    """Time scoring by pseudo-log-likelihood, beside the loop.

    Parameters
    ----------
    model : str, default="minilm"
        "minilm" (all-MiniLM-L6-v2 with a head of random weights), "bert-base" (all weights
        random), or a checkpoint with its head.
    lengths : {"short", "mixed", "long"}, default="short"
        Set of texts, as for speed.
    texts : int, default=8
        How many.
    rounds : int, default=3
        How often each scores them.

    Returns
    -------
    PerplexitySpeedReport
        Of both.

    Raises
    ------
    ParameterError
        If a number is below 1.
    VectorsError
        If both do not agree.
    """
    if rounds < 1:
        raise ParameterError(f"rounds={rounds}: expected 1 or more.")
    chosen = choose_texts(lengths, texts)
    with TemporaryDirectory(prefix="skencoder-perplexity-") as scratch:
        folder = _make_checkpoint(model, Path(scratch))
        ours = PseudoLikelihood.load(folder, device="cpu")
        loop = _Loop(folder, ours)
        scores = ours.score(chosen)
        _check_agreement(scores.sums.tolist(), loop.score(chosen))
        seconds = [(_time(ours.score, chosen), _time(loop.score, chosen)) for _ in range(rounds)]
    mine, theirs = zip(*seconds, strict=True)
    return PerplexitySpeedReport(model, texts, int(scores.counts.sum()), mine, theirs)


def format_perplexity_speed(report: PerplexitySpeedReport) -> str:
    """Write the report as a table.

    Parameters
    ----------
    report : PerplexitySpeedReport
        What was measured.

    Returns
    -------
    str
        A line for each way.
    """
    ways = {"skencoder": report.ours, "transformers, one copy at a time": report.loop}
    rows = [
        [name, f"{report.tokens / median(seconds):.1f}", f"{median(seconds):.2f}"]
        for name, seconds in ways.items()
    ]
    threads = torch.get_num_threads()
    title = (
        f"{report.model}: {report.texts} texts, {report.tokens} masked copies, {threads} threads"
    )
    table = format_table(["pseudo-log-likelihood by", "tokens/s", "seconds"], rows)
    return f"{title}\n\n{table}\n\n{report.ratio:.2f} times as fast (median of rounds)"


class _Loop:
    """One copy after the other, with the logits of all places."""

    def __init__(self, folder: str, ours: PseudoLikelihood) -> None:
        try:
            transformers: Any = import_module("transformers")
        except ImportError as error:
            raise MissingPackageError(
                "the loop is computed by transformers: pip install 'skencoder[transformers]'"
            ) from error
        self._model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
        self._tokenizer = ours.model.tokenizer
        self._mask_id = ours.model.mask_id

    @torch.no_grad()
    def score(self, texts: Sequence[str]) -> list[float]:
        return [self._score_text(text) for text in texts]

    def _score_text(self, text: str) -> float:
        ids = self._tokenizer.read_words([text]).tokens.input_ids.tolist()
        prefix, suffix = self._tokenizer.prefix, self._tokenizer.suffix
        whole = torch.tensor([[*prefix, *ids, *suffix]])
        total = 0.0
        for place in range(len(prefix), len(prefix) + len(ids)):
            copy = whole.clone()
            copy[0, place] = self._mask_id
            logits = self._model(input_ids=copy).logits[0, place]
            total += float(logits.log_softmax(-1)[whole[0, place]])
        return total


def _make_checkpoint(model: str, scratch: Path) -> str:
    if model not in ("minilm", "bert-base"):
        return model
    source = load_checkpoint("all-MiniLM-L6-v2")
    encoder = source.encoder
    torch.manual_seed(0)
    if model == "bert-base" or not isinstance(encoder, Encoder):
        encoder = Encoder(BERT_BASE)
    masked_lm = MaskedLM(encoder, HeadConfig())
    return str(save_checkpoint(scratch / model, masked_lm, tokenizer_folder=source.folder))


def _check_agreement(found: Sequence[float], expected: Sequence[float]) -> None:
    if not all(
        math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for a, b in zip(found, expected, strict=True)
    ):
        raise VectorsError(f"the two do not agree: {list(found)} and {list(expected)}.")


def _time(score: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    start = time.perf_counter()
    score(texts)
    return time.perf_counter() - start
