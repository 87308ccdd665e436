"""Which new models can be written, decided before anything is trained.

How a configuration is written stands in families.py, how a folder is in save.py.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from skencoder.checkpoints.families import FAMILIES, write_config
from skencoder.encoder import EncoderConfig, HeadConfig
from skencoder.errors import CheckpointError

# One field each that a published family may have otherwise.
_CHANGES: tuple[tuple[str, Any], ...] = (
    ("positions", "none"),
    ("positions", "learned"),
    ("attention_positions", None),
    ("gated", False),
    ("gated", True),
    ("unbiased", ()),
    ("unbiased", ("expand",)),
    ("norm", "layer"),
    ("norm_position", "post"),
    ("embedding_norm", None),
    ("embedding_norm", True),
    ("windows", None),
    ("embedding_size", None),
    ("num_hidden_groups", None),
    ("num_key_value_heads", None),
    ("pad_token_id", None),
    ("layer_norm_eps", 1e-12),
    ("hidden_dropout_prob", 0.0),
)


def check_can_be_written(config: EncoderConfig, head: HeadConfig | None = None) -> None:
    """Refuse what no other library could load, before it is trained.

    Parameters
    ----------
    config : EncoderConfig
        Of the encoder.
    head : HeadConfig or None, default=None
        Of the masked-language-model head, if there is one.

    Raises
    ------
    CheckpointError
        If no family has all these parts; the message says what to change.
    """
    try:
        write_config(config, head)
    except CheckpointError as error:
        raise CheckpointError(f"{error} {_advise(config)}") from error


def writable_model(config: EncoderConfig) -> tuple[EncoderConfig, HeadConfig]:
    """Find the masked-language-model head that a family has for a new encoder.

    Parameters
    ----------
    config : EncoderConfig
        Sizes and choices.

    Returns
    -------
    config : EncoderConfig
        The same but for ``type_vocab_size``: a text by itself is all segment 0, so that the table
        is left out, or has a single row, where the only family with all other parts wants that.
    head : HeadConfig
        Tied, with the family's activation and biases.

    Raises
    ------
    CheckpointError
        If no family has all these parts; the message says what to change.
    """
    found = _find(config)
    if found is None:
        check_can_be_written(config, next(_heads(config)))
        raise AssertionError("a head was found on the second look")
    return found


def _find(config: EncoderConfig) -> tuple[EncoderConfig, HeadConfig] | None:
    for segments in dict.fromkeys((config.type_vocab_size, 0, 1)):
        same = replace(config, type_vocab_size=segments)
        if _is_written(same, None):
            for head in _heads(config):
                if _is_written(same, head):
                    return same, head
    return None


def _heads(config: EncoderConfig) -> Iterator[HeadConfig]:
    yield HeadConfig(activation=config.hidden_act)
    yield HeadConfig()
    # EuroBERT's: no transform, and a bias where the layers have one.
    yield HeadConfig(activation=None, decoder_bias="expand" not in config.unbiased)


def _is_written(config: EncoderConfig, head: HeadConfig | None) -> bool:
    try:
        write_config(config, head)
    except CheckpointError:
        return False
    return True


def _advise(config: EncoderConfig) -> str:
    """Name the fewest changes that make it a family's, by trial."""
    others = [(name, value) for name, value in _CHANGES if getattr(config, name) != value]
    for count in (1, 2):
        for changes in combinations(others, count):
            change: dict[str, Any] = dict(changes)
            if len(change) == count and _find(replace(config, **change)):
                named = ", ".join(f"{name}={value!r}" for name, value in changes)
                return f"With {named} it can be written."
    return f"See the families' own parts: {', '.join(FAMILIES)}."
