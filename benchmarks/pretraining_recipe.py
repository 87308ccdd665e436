"""How a small encoder is trained from nothing, whatever is then measured of it."""

from collections.abc import Mapping
from typing import Any

from skencoder import EncoderVectorizer
from skencoder.encoder import EncoderConfig, Rotary
from skencoder.objectives import MaskedLanguageModeling, Training

from .pretraining_settings import PretrainingSettings

HEAD_DIM = 32
KINDS: Mapping[str, Mapping[str, Any]] = {
    "sinusoidal": {"positions": "sinusoidal"},
    "learned": {"positions": "learned"},
    "rotary": {"positions": "none", "attention_positions": Rotary()},
}


def make_vectorizer(kind: str, settings: PretrainingSettings, steps: int) -> EncoderVectorizer:
    """Say what is trained, and how.

    Parameters
    ----------
    kind : str
        Of positions: a key of `KINDS`.
    settings : PretrainingSettings
        Sizes, rate, seed.
    steps : int
        Steps, in place of those of the settings; 0 leaves the weights as they are drawn.

    Returns
    -------
    EncoderVectorizer
        Not fitted.
    """
    training = Training(
        # As many as it takes: the number of steps is what ends it.
        epochs=max(1, steps),
        max_steps=steps,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        # So small matrices gain nothing by bfloat16, and lose what it costs to convert them.
        precision="float32",
    )
    objective = MaskedLanguageModeling(
        mask_probability=settings.mask_probability, training=training
    )
    return EncoderVectorizer(
        make_config(kind, settings),
        overflow="truncate",
        fine_tune=objective,
        random_state=settings.seed,
    )


def make_config(kind: str, settings: PretrainingSettings) -> EncoderConfig:
    """Say what a new model is made of.

    Parameters
    ----------
    kind : str
        Of positions: a key of `KINDS`.
    settings : PretrainingSettings
        Sizes.

    Returns
    -------
    EncoderConfig
        Without dropout: so short a training has no time to overfit.
    """
    return EncoderConfig(
        vocab_size=settings.vocab_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.hidden_size // HEAD_DIM,
        intermediate_size=4 * settings.hidden_size,
        max_position_embeddings=settings.max_length,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **KINDS[kind],
    )
