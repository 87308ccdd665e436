"""What encoding options mean for one model: every "auto" decided, every misfit refused."""

from dataclasses import dataclass
from typing import cast

from skencoder.checkpoints import SentenceSettings
from skencoder.encoder import POOLINGS, EncoderConfig
from skencoder.encoder.pooling import Pooling
from skencoder.encoding_options import EncodingOptions
from skencoder.errors import ParameterError

# Large enough for matrix products to run at full rate, small enough for a CPU's activations to
# stay in its cache.
BATCH_TOKENS = {"cpu": 2048}
BATCH_TOKENS_ELSEWHERE = 16384
# The part of a window's tokens that the next window of the same text repeats.
CHUNK_OVERLAP = 0.25


@dataclass(frozen=True, kw_only=True)
class EncodingPlan:
    """Options that one model can follow without asking again.

    Parameters
    ----------
    pool : callable
        From (tokens, hidden) and ``cu_seqlens`` to (batch, hidden).
    layer : int
        Which hidden state is pooled.
    normalize : bool
        Whether vectors have unit length.
    n_features : int
        Width of a vector.
    max_length : int
        Tokens per text, special tokens included.
    body_length : int
        The same without special tokens.
    overlap : int or None
        Tokens that neighbouring windows of a long text share; None reads one window only.
    overflow : str
        What happens to a longer text.
    prompt : str
        Text put before every input.
    batch_tokens : int
        Most tokens encoded at once.
    verbose : int
        1 shows a progress bar.
    """

    pool: Pooling
    layer: int
    normalize: bool
    n_features: int
    max_length: int
    body_length: int
    overlap: int | None
    overflow: str
    prompt: str
    batch_tokens: int
    verbose: int


def plan_encoding(
    options: EncodingOptions,
    config: EncoderConfig,
    settings: SentenceSettings,
    n_special: int,
    device_type: str,
) -> EncodingPlan:
    """Decide every option for one model.

    Parameters
    ----------
    options : EncodingOptions
        As the user gave them.
    config : EncoderConfig
        Of the model.
    settings : SentenceSettings
        Of the model.
    n_special : int
        Special tokens around every text, in tokens.
    device_type : str
        "cpu", "cuda" or "mps".

    Returns
    -------
    EncodingPlan
        Without "auto" or None.

    Raises
    ------
    ParameterError
        If a value does not fit this model.
    """
    max_length = _resolve_max_length(options, config, settings, n_special)
    body_length = max_length - n_special
    pooling = settings.pooling if options.pooling == "auto" else options.pooling
    normalize = settings.normalize if options.normalize == "auto" else bool(options.normalize)
    batch_tokens = options.batch_tokens
    if batch_tokens == "auto":
        batch_tokens = BATCH_TOKENS.get(device_type, BATCH_TOKENS_ELSEWHERE)
    return EncodingPlan(
        pool=POOLINGS[pooling],
        layer=_check_layer(int(options.layer), config),
        normalize=normalize,
        n_features=_resolve_width(options, config),
        max_length=max_length,
        body_length=body_length,
        overlap=int(body_length * CHUNK_OVERLAP) if options.overflow == "chunk" else None,
        overflow=options.overflow,
        prompt=_resolve_prompt(options.prompt, settings),
        batch_tokens=cast(int, batch_tokens),
        verbose=options.verbose,
    )


def _resolve_max_length(
    options: EncodingOptions, config: EncoderConfig, settings: SentenceSettings, n_special: int
) -> int:
    reach = config.max_position_embeddings
    max_length = options.max_length or min(settings.max_length or reach, reach)
    if not n_special < max_length <= reach:
        raise ParameterError(
            f"max_length={max_length} must lie between {n_special + 1} and {reach}: the model has "
            f"positions for {reach} tokens and puts {n_special} special tokens around each text."
        )
    return max_length


def _resolve_width(options: EncodingOptions, config: EncoderConfig) -> int:
    width = options.truncate_dim or config.hidden_size
    if width > config.hidden_size:
        raise ParameterError(
            f"truncate_dim={width} is above the width of the model's vectors, "
            f"{config.hidden_size}; take at most that, or None for all."
        )
    return width


def _check_layer(layer: int, config: EncoderConfig) -> int:
    layers = config.num_hidden_layers
    if not -layers - 1 <= layer <= layers:
        raise ParameterError(
            f"layer={layer} is not there; this model has {layers} layers: 0 is the embeddings, "
            f"{layers} or -1 the last layer."
        )
    return layer


def _resolve_prompt(prompt: str | None, settings: SentenceSettings) -> str:
    if prompt is None:
        return settings.prompts.get(settings.default_prompt or "", "")
    return settings.prompts.get(prompt, prompt)
