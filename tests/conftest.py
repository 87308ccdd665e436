"""Fixtures shared by all tests: real texts, the embedded model, and small models made here."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from skencoder import EncoderVectorizer, TextEncoder
from skencoder.checkpoints import locate_checkpoint
from skencoder.datasets import load_python_docs

REPOSITORY = Path(__file__).parents[1]

HOSTILE_TEXTS = [
    "",
    " ",
    "\N{GRINNING FACE}",
    "a" * 100_000,
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\x00\x01\x02\x1f\x7f",
    "tab\tnewline\ncarriage\rreturn\u2028separator",
    "[CLS] [SEP] [MASK] [PAD] [UNK]",
    "e\u0301 \u00e9 \ufb01 \u212b \u1e9e",
    "\u4f60\u597d\u4e16\u754c",
    "zero\u200bwidth\u200djoiner\ufeff",
]


@pytest.fixture(scope="session")
def docs():
    """The standard library's documentation, as `load_python_docs` gives it."""
    return load_python_docs()


@pytest.fixture(scope="session")
def long_and_short_texts(docs):
    """1,000 real texts of 1 to 2,000 words."""
    words = " ".join(docs.data).split()
    lengths = np.unique(np.geomspace(1, 2000, 120).astype(int))
    rng = np.random.default_rng(0)
    drawn = rng.choice(lengths, 1000, p=(1 / lengths) / (1 / lengths).sum())
    drawn[: len(lengths)] = lengths
    starts = rng.integers(0, len(words) - 2000, 1000)
    return [" ".join(words[start : start + n]) for start, n in zip(starts, drawn, strict=True)]


@pytest.fixture(scope="session")
def embedded_folder():
    """The folder of the embedded all-MiniLM-L6-v2."""
    return locate_checkpoint("all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def text_encoder():
    """The embedded model in float32 on the CPU."""
    return TextEncoder.load("all-MiniLM-L6-v2", precision="float32", device="cpu")


@pytest.fixture
def vectorizer(text_encoder):
    """An unfitted vectorizer around the loaded model, so that fitting takes no time."""
    return EncoderVectorizer(text_encoder)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory, embedded_folder):
    """A random two-layer BERT in the published layout, written by transformers."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny-bert")
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    shutil.copy(embedded_folder / "tokenizer.json", folder)
    return folder


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """A small BERT with a tokenizer of its own, its masked-language-model head, random weights."""
    from tests.training.small import write_small

    return write_small(tmp_path_factory.mktemp("small"))


@pytest.fixture
def tiny_bert_copy(tiny_bert, tmp_path):
    """A copy of the small BERT that a test may damage."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "checkpoint"))


@pytest.fixture(scope="session")
def data_root():
    """Benchmark data in the hub's layout; skips where they are not."""
    root = Path(os.environ.get("SKENCODER_TEST_DATA", REPOSITORY.parent / "shared"))
    if not (root / "mteb").is_dir():
        pytest.skip(f"no benchmark data at {root / 'mteb'}; set SKENCODER_TEST_DATA")
    return root
