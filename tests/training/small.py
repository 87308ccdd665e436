"""Small models, texts and tasks that the training is tried on."""

import copy

import numpy as np
import torch

from skencoder.checkpoints import SentenceSettings, save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM, Readout
from skencoder.tokenization import TokenizedTexts
from skencoder.training.batches import pack_texts
from skencoder.training.learner import Learner
from skencoder.training.losses import ranking_loss
from skencoder.training.new_models import create_masked_lm
from skencoder.training.new_tokenizers import train_tokenizer
from skencoder.training.options import LoopOptions
from skencoder.training.tasks import EmbeddingTask

SIZES = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LENGTHS = [5, 17, 3, 9, 9, 1, 30, 2, 9, 12, 4, 21]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def stir(module, seed=1):
    """Give every weight a value of its own: norms and biases begin as 1 and 0."""
    generator = seeded(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape, generator=generator))
    return module


def make_encoder(**changes):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return stir(Encoder(EncoderConfig(**SIZES | changes)))


def make_masked_lm(**changes):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return stir(MaskedLM(make_encoder(**changes), HeadConfig()))


def make_learner(model=None, **changes):
    """A learner of mean vectors; the model is changed, unless it is left out."""
    fields = {"projection": None, "truncate_dim": None, "autocast": False}
    fields |= {"readout": Readout(2, ("mean",), 0)}
    return Learner(model=make_encoder() if model is None else model, **fields | changes)


def draw_texts(lengths=LENGTHS, seed=0):
    """Texts of random tokens."""
    ids = np.random.default_rng(seed).integers(5, SIZES["vocab_size"], sum(lengths))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenizedTexts(ids.astype(np.int32), offsets)


def pair_task(n_rows=12, loss=None, **changes):
    """Rows of two texts each, and the loss that asks which belong together."""
    lengths = np.random.default_rng(3).integers(1, 30, 2 * n_rows).tolist()
    members = np.arange(2 * n_rows).reshape(2, n_rows)
    return EmbeddingTask(draw_texts(lengths), members, loss or rank, **changes)


def rank(vectors, rows):
    return ranking_loss(vectors[0], vectors[1], temperature=0.3)


def loop_options(**changes):
    fields = {
        "epochs": 2,
        "max_steps": None,
        "batch_size": 4,
        "batch_tokens": 10_000,
        "learning_rate": 1e-2,
        "schedule": "linear",
        "warmup": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "precision": "float32",
        "gradient_checkpointing": False,
        "adapters": None,
        "validation_share": 0.0,
        "patience": None,
        "folder": None,
        "save_seconds": 0.0,
    }
    return LoopOptions(**fields | changes)


def gradients(learner):
    """Copy the gradients, by name."""
    return {
        f"{kind}.{name}": parameter.grad.clone()
        for kind, module in learner.modules.items()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def weights(modules):
    """Copy all weights, by name."""
    return {
        f"{kind}.{name}": parameter.detach().cpu().clone()
        for kind, module in modules.items()
        for name, parameter in module.named_parameters()
    }


def assert_close(found, expected, tolerance):
    """Compare tensors by name, each against the largest number in it."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        largest = max(1.0, value.abs().max().item())
        difference = (found[name].cpu() - value.cpu()).abs().max().item()
        assert difference <= tolerance * largest, f"{name}: {difference}"


def assert_equal(found, expected):
    """Compare tensors by name, bit by bit."""
    assert found.keys() == expected.keys()
    different = [name for name in expected if not torch.equal(found[name], expected[name])]
    assert not different, different


def cloned(module):
    return copy.deepcopy(module)


def embed(learner, texts):
    return learner.embed(pack_texts(texts, learner.device))


def write_small(folder, kind="wordpiece", **changes):
    """Write a checkpoint with its tokenizer and its head; its weights are stirred."""
    # Processes that are killed need no corpus.
    from tests.training.corpora import docstrings

    tokenizer = train_tokenizer(docstrings(), folder / "tokenizer", kind=kind, vocab_size=200)
    model = create_masked_lm(
        EncoderConfig(**SIZES | changes), tokenizer.folder, generator=seeded(0)
    )
    settings = SentenceSettings(pooling="mean", normalize=True, similarity="cosine")
    return save_checkpoint(
        folder / "model", stir(model), tokenizer_folder=tokenizer.folder, settings=settings
    )
