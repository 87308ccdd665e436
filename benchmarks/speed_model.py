"""What a checkpoint is to a benchmark: sizes of its matrices, limits, tokens, operations.

Operations are counted for the texts alone; what an engine pads or skips is not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from skencoder.checkpoints import load_checkpoint
from skencoder.encoder import Encoder
from skencoder.errors import ParameterError


@dataclass(frozen=True)
class ModelFacts:
    """Sizes and sentence settings of a checkpoint.

    Parameters
    ----------
    folder : Path
        Where configuration, weights and tokenizer lie.
    fingerprint : str
        Of weights, tokenizer and settings.
    max_length : int
        Tokens a text is cut to, special tokens included.
    pooling : str
        Name of the pooling.
    normalize : bool
        Whether vectors are scaled to unit length.
    lowercase : bool
        Whether texts are lowercased before the tokenizer sees them.
    projected : bool
        Whether linear maps follow the pooling.
    linears : tuple of (int, int)
        Inputs and outputs of every linear map of every layer, maps that share an input as one;
        empty for an encoder whose operations are not counted.
    hidden_size : int
        Width of a token's vector.
    windows : tuple of (int or None)
        For each layer, how far attention reaches to either side; None is the whole text.
    """

    folder: Path
    fingerprint: str
    max_length: int
    pooling: str
    normalize: bool
    lowercase: bool
    projected: bool
    linears: tuple[tuple[int, int], ...]
    hidden_size: int
    windows: tuple[int | None, ...]

    def tokenizer(self) -> Tokenizer:
        """Load the tokenizer, set to cut at the model's limit and not to pad.

        Returns
        -------
        Tokenizer
            A new one at each call.

        Raises
        ------
        ParameterError
            If the folder has no ``tokenizer.json``.
        """
        path = self.folder / "tokenizer.json"
        if not path.is_file():
            raise ParameterError(f"model: there is no {path}; tokens cannot be counted.")
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_length)
        return tokenizer


def describe_model(name: str) -> ModelFacts:
    """Read what a benchmark has to know of a checkpoint.

    Parameters
    ----------
    name : str
        Name or folder of a checkpoint.

    Returns
    -------
    ModelFacts
        Sizes and settings; no weights are kept.

    Raises
    ------
    CheckpointNotFoundError
        If no checkpoint stands behind the name.
    """
    checkpoint = load_checkpoint(name)
    encoder, settings, config = checkpoint.encoder, checkpoint.settings, checkpoint.encoder.config
    counted = isinstance(encoder, Encoder)
    reach = int(getattr(config, "max_position_embeddings", settings.max_length or 512))
    return ModelFacts(
        folder=checkpoint.folder,
        fingerprint=checkpoint.fingerprint,
        max_length=min(settings.max_length or reach, reach),
        pooling=settings.pooling,
        normalize=settings.normalize,
        lowercase=settings.lowercase,
        projected=checkpoint.projection is not None,
        linears=_linears(encoder) if counted else (),
        hidden_size=int(config.hidden_size),
        windows=_windows(config) if counted else (),
    )


def _linears(encoder: Any) -> tuple[tuple[int, int], ...]:
    """List the linear maps of all layers; layers that share weights compute once each."""
    times = encoder.config.num_hidden_layers // len(encoder.layers)
    shapes: list[tuple[int, int]] = []
    for layer in encoder.layers:
        merged: dict[str, tuple[int, int]] = {}
        for name, module in layer.named_modules():
            if isinstance(module, nn.Linear):
                part = _same_input(name)
                before = merged.get(part, (0, 0))[1]
                merged[part] = (module.in_features, before + module.out_features)
        shapes += list(merged.values()) * times
    return tuple(shapes)


def _same_input(name: str) -> str:
    """Name linear maps of the same input alike: they are one multiplication."""
    path, _, last = name.rpartition(".")
    groups = {"key": "query", "value": "query", "gate": "expand"}
    return f"{path}.{groups.get(last, last)}"


def _windows(config: Any) -> tuple[int | None, ...]:
    return tuple(config.windows or (None,) * config.num_hidden_layers)


def count_tokens(texts: Sequence[str], facts: ModelFacts) -> NDArray[np.int64]:
    """Count the tokens a model sees of each text.

    Parameters
    ----------
    texts : sequence of str of length n_texts
        At least one.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    int64 of shape (n_texts,)
        Special tokens included, cut at the model's limit.
    """
    prepared = [text.lower() if facts.lowercase else text for text in texts]
    encodings = facts.tokenizer().encode_batch(prepared)
    return np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)


def count_operations(tokens: NDArray[np.int64], facts: ModelFacts) -> float | None:
    """Count multiplications and additions that a model needs for texts.

    A linear map of ``i`` inputs and ``o`` outputs takes ``2 i o`` per token; that is
    ``L (8 h^2 + 4 h f)`` for L plain layers of width h and feed-forward f. Attention takes
    ``4 S h`` per token and layer of a text of S tokens, scores and weighted sum together.

    Parameters
    ----------
    tokens : int64 of shape (n_texts,)
        Tokens of each text.
    facts : ModelFacts
        Of the model.

    Returns
    -------
    float or None
        Operations for all texts; None for an encoder that is not counted.
    """
    if not facts.linears:
        return None
    linear = 2.0 * sum(inputs * outputs for inputs, outputs in facts.linears) * tokens.sum()
    seen = [tokens if w is None else np.minimum(tokens, 2 * w + 1) for w in facts.windows]
    attention = 4.0 * facts.hidden_size * sum(float((tokens * keys).sum()) for keys in seen)
    return float(linear + attention)
