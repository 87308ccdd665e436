"""What encoding options mean for one model: every "auto" decided, every misfit refused."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from skencoder.checkpoint_files import SentenceSettings
from skencoder.encoding_options import EncodingOptions
from skencoder.errors import ParameterError

# Large enough for matrix products to run at full rate, small enough for a CPU's activations to
# stay in its cache.
BATCH_TOKENS = {"cpu": 2048}
BATCH_TOKENS_ELSEWHERE = 16384
# Without layers there are no activations.
BATCH_TOKENS_STATIC = 2**15
# The part of a window's tokens that the next window of the same text repeats.
CHUNK_OVERLAP = 0.25
# From this likeness on, of 1, one word is taken for a mistyped other.
SAME_NAME = 0.8


@dataclass(frozen=True, kw_only=True)
class EncodingPlan:
    """Options that one model can follow without asking again.

    Parameters
    ----------
    poolings : tuple of str
        From (tokens, hidden) to (batch, hidden) each; the vectors are put side by side.
    pools_prompt : bool
        Whether the prompt's tokens are pooled too.
    layer : int
        Which hidden state is pooled.
    normalize : bool
        Whether vectors have unit length.
    n_features : int
        Width of a vector.
    full_width : int
        The same before ``truncate_dim``.
    max_length : int
        Tokens per text, special tokens included.
    body_length : int
        The same without special tokens.
    overlap : float or None
        Part of a window that the next window of a long text repeats; None reads one window only.
    overflow : str
        What happens to a longer text.
    prompt : str
        Text put before every input.
    prompt_tokens : int
        The same in tokens, without special tokens.
    batch_tokens : int
        Most tokens encoded at once.
    verbose : int
        1 shows a progress bar.
    """

    poolings: tuple[str, ...]
    pools_prompt: bool
    layer: int
    normalize: bool
    n_features: int
    full_width: int
    max_length: int
    body_length: int
    overlap: float | None
    overflow: str
    prompt: str
    prompt_tokens: int
    batch_tokens: int
    verbose: int


def plan_from_json(fields: dict[str, Any]) -> EncodingPlan:
    """Read a plan that was written as JSON.

    Parameters
    ----------
    fields : dict
        As `dataclasses.asdict` gave them.

    Returns
    -------
    EncodingPlan
        The same.
    """
    return EncodingPlan(**fields | {"poolings": tuple(fields["poolings"])})


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of a model without having it in memory.

    Parameters
    ----------
    hidden_size : int
        Width of a token vector.
    num_hidden_layers : int
        Layers in the stack.
    max_position_embeddings : int
        Longest text, in tokens.
    settings : SentenceSettings
        Of its authors.
    projection_widths : pair of int or None
        What the linear maps after pooling take and give; None where there are none.
    n_special : int
        Special tokens around every text, in tokens.
    device_type : str
        Where it runs: "cpu", "cuda" or "mps".
    precision : str
        In what it computes: "float32", "bfloat16", "float16" or "int8".
    shares_pass : bool
        Whether one pass gives the hidden states of all layers.
    """

    hidden_size: int
    num_hidden_layers: int
    max_position_embeddings: int
    settings: SentenceSettings
    projection_widths: tuple[int, int] | None
    n_special: int
    device_type: str
    precision: str
    shares_pass: bool


def plan_encoding(
    options: EncodingOptions, model: ModelFacts, count_tokens: Callable[[str], int]
) -> EncodingPlan:
    """Decide every option for one model.

    Parameters
    ----------
    options : EncodingOptions
        As the user gave them.
    model : ModelFacts
        What the model is and where it runs.
    count_tokens : callable
        From a text to its length in tokens, without special tokens; asked for a prompt only.

    Returns
    -------
    EncodingPlan
        Without "auto" or None.

    Raises
    ------
    ParameterError
        If a value does not fit this model.
    """
    settings = model.settings
    max_length = _resolve_max_length(options, model)
    body_length = max_length - model.n_special
    pooling = settings.pooling if options.pooling == "auto" else options.pooling
    poolings = tuple(pooling.split("+"))
    full_width = _full_width(options, model, len(poolings))
    prompt = _resolve_prompt(options.prompt, settings)
    normalize = settings.normalize if options.normalize == "auto" else bool(options.normalize)
    batch_tokens = options.batch_tokens
    if batch_tokens == "auto":
        batch_tokens = _usual_batch_tokens(model)
    return EncodingPlan(
        poolings=poolings,
        pools_prompt=settings.include_prompt,
        layer=_check_layer(int(options.layer), model.num_hidden_layers),
        normalize=normalize,
        n_features=_resolve_width(options, model, full_width),
        full_width=full_width,
        max_length=max_length,
        body_length=body_length,
        overlap=CHUNK_OVERLAP if options.overflow == "chunk" else None,
        overflow=options.overflow,
        prompt=prompt,
        prompt_tokens=_count_prompt(prompt, body_length, max_length, count_tokens),
        batch_tokens=int(batch_tokens),
        verbose=int(options.verbose),
    )


def _usual_batch_tokens(model: ModelFacts) -> int:
    if not model.num_hidden_layers:
        return BATCH_TOKENS_STATIC
    return BATCH_TOKENS.get(model.device_type, BATCH_TOKENS_ELSEWHERE)


def _resolve_max_length(options: EncodingOptions, model: ModelFacts) -> int:
    reach, n_special = model.max_position_embeddings, model.n_special
    max_length = options.max_length or min(model.settings.max_length or reach, reach)
    if not n_special < max_length <= reach:
        raise ParameterError(
            f"max_length={max_length} must lie between {n_special + 1} and {reach}: the model has "
            f"positions for {reach} tokens and puts {n_special} special tokens around each text."
        )
    return int(max_length)


def _full_width(options: EncodingOptions, model: ModelFacts, n_poolings: int) -> int:
    pooled = model.hidden_size * n_poolings
    taken, full = model.projection_widths or (pooled, pooled)
    if taken != pooled:
        raise ParameterError(
            f"pooling={options.pooling!r} gives {pooled} dimensions, but the model's Dense module "
            f"takes {taken}; pooling='auto' is what it was trained with."
        )
    return full


def _resolve_width(options: EncodingOptions, model: ModelFacts, full: int) -> int:
    width = options.truncate_dim or model.settings.truncate_dim or full
    if width > full:
        raise ParameterError(
            f"truncate_dim={width} is above the width of the model's vectors, {full}; take at "
            f"most that, or None for all."
        )
    return int(width)


def _check_layer(layer: int, layers: int) -> int:
    if not -layers - 1 <= layer <= layers:
        raise ParameterError(
            f"layer={layer} is not there; this model has {layers} layers: 0 is the embeddings, "
            f"{layers} or -1 the last layer."
        )
    return layer % (layers + 1)


def _resolve_prompt(prompt: str | None, settings: SentenceSettings) -> str:
    if prompt is None:
        return settings.prompts.get(settings.default_prompt or "", "")
    meant = get_close_matches(prompt, settings.prompts, 1, SAME_NAME)
    if meant and prompt not in settings.prompts and prompt.isidentifier():
        warnings.warn(
            f"prompt={prompt!r} is put before every text as it is; the checkpoint's prompt of "
            f"that kind is called {meant[0]!r} ({', '.join(settings.prompts)} are there).",
            UserWarning,
            stacklevel=5,
        )
    return settings.prompts.get(prompt, prompt)


def _count_prompt(
    prompt: str, room: int, max_length: int, count_tokens: Callable[[str], int]
) -> int:
    n_tokens = count_tokens(prompt) if prompt else 0
    if n_tokens >= room:
        raise ParameterError(
            f"prompt has {n_tokens} tokens, which leaves no room for a text: max_length="
            f"{max_length} is {room} tokens beside the special ones. Shorten it, or raise "
            f"max_length."
        )
    return n_tokens
