"""A model so small that training it takes no time, and texts that it can tell apart."""

import numpy as np

from skencoder.encoder import EncoderConfig
from skencoder.objectives import Training
from skencoder.training import write_new_model

SIZES = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}
WORDS = {
    "sea": ["boat", "wave", "salt", "fish", "sail", "tide"],
    "farm": ["cow", "hay", "barn", "plough", "milk", "seed"],
    "city": ["tram", "shop", "crowd", "tower", "noise", "park"],
}
# Enough to learn something in a moment.
QUICK = {"max_steps": 3, "batch_size": 8, "learning_rate": 1e-3, "precision": "float32"}


def plant(n_texts, seed=0):
    """Texts of four words each, and the topic that the words are drawn from."""
    rng = np.random.default_rng(seed)
    topics = rng.permutation(np.resize(sorted(WORDS), n_texts))
    return [" ".join(rng.choice(WORDS[topic], 4)) for topic in topics], topics


def small_config(**changes):
    return EncoderConfig(**SIZES | changes)


def write_small_model(folder):
    """A checkpoint of random weights."""
    return write_new_model(
        small_config(), plant(200)[0], folder, kind="wordpiece", lowercase=True, seed=0
    )


def quick(**changes):
    return Training(**QUICK | changes)
