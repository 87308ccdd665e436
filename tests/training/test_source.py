"""A model learns from the tokens that it will encode."""

import numpy as np
import pytest
import torch

from skencoder import EncodingOptions, TextEncoder
from skencoder.encoder import Readout
from skencoder.errors import OverlongTextError, OverlongTextWarning, TextInputError
from skencoder.tokenization import TextTokenizer
from skencoder.training.parts import load_parts
from skencoder.training.source import TextSource
from skencoder.training.tuning import text_source
from tests.static_models import write_model2vec
from tests.tokenizers import sentence_pieces
from tests.training.corpora import docstrings
from tests.training.small import embed, make_learner

TEXTS = [text[: 5 + 20 * row] for row, text in enumerate(docstrings()[:12])]
OPTIONS = {
    "plain": {},
    "prompt": {"prompt": "query: "},
    "first": {"pooling": "cls"},
    "two": {"pooling": "mean+max"},
    "lower": {"layer": 1},
    "narrow": {"truncate_dim": 8},
    "short": {"max_length": 12, "prompt": "a: "},
}


def source_of(folder, **options):
    return text_source(load_parts(folder), EncodingOptions(**{"overflow": "truncate"} | options))


@pytest.mark.parametrize("name", OPTIONS)
def test_it_learns_from_what_it_will_encode(name, small_folder):
    """The vectors while it learns are those that it gives, before they are scaled."""
    options = EncodingOptions(overflow="truncate", normalize=False, **OPTIONS[name])
    parts = load_parts(small_folder)
    source = text_source(parts, options)
    plan = source.plan
    learner = make_learner(
        parts.model,
        readout=Readout(plan.layer, plan.poolings, source.skip),
        truncate_dim=plan.n_features if plan.n_features < plan.full_width else None,
    )
    learner.train(False)
    with torch.no_grad():
        found = embed(learner, source.read(TEXTS)).numpy()
    encoder = TextEncoder.load(small_folder, precision="float32", device="cpu")
    expected = encoder.encode(TEXTS, options).vectors.numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_prompt_that_is_not_pooled(small_folder):
    source = source_of(small_folder, prompt="query: ")
    assert source.skip == 0
    left_out = TextSource(
        source.tokenizer, type(source.plan)(**vars(source.plan) | {"pools_prompt": False})
    )
    prompt = source.tokenizer.tokenize(["query: "]).input_ids.tolist()
    assert left_out.skip == 1 + len(prompt)
    read = left_out.read(["one", "another"])
    for start in read.offsets[:-1]:
        first = read.input_ids[start : start + left_out.skip].tolist()
        assert first == [*source.tokenizer.prefix, *prompt]


def test_long_texts(small_folder):
    texts = ["a b", "a " * 100, "a " * 200]
    with pytest.warns(OverlongTextWarning, match="2 of 3 texts have more than max_length=64"):
        read = source_of(small_folder, overflow="warn").read(texts)
    assert read.lengths.tolist() == [4, 64, 64]
    assert read.input_ids[-1] == source_of(small_folder).tokenizer.suffix[0]
    # Windows are for encoding.
    with pytest.warns(OverlongTextWarning):
        source_of(small_folder, overflow="chunk").read(texts)
    with pytest.raises(OverlongTextError, match="Row 1 has 102 tokens"):
        source_of(small_folder, overflow="error").read(texts)
    assert source_of(small_folder).read(texts).lengths.tolist() == [4, 64, 64]


def test_empty_texts_have_special_tokens(small_folder):
    assert source_of(small_folder).read(["", "a", " "]).lengths.tolist() == [2, 3, 2]


def test_a_text_without_any_token(small_folder):
    """Where a tokenizer puts no special token around a text, nothing is left of an empty one."""
    bare = TextTokenizer(sentence_pieces(docstrings()))
    assert bare.n_special == 0
    source = TextSource(bare, source_of(small_folder).plan)
    assert source.read(["a text"]).lengths.min() > 0
    with pytest.raises(TextInputError, match="Text 1 has no token"):
        source.read(["a text", "", ""])


def test_half_a_character(small_folder):
    with pytest.raises(TextInputError, match="Row 1 holds half a character"):
        source_of(small_folder).read(["whole", "half \ud83d"])


def test_a_static_model_reads_unknown_tokens_as_none(tmp_path):
    source = source_of(write_model2vec(tmp_path / "static"))
    read = source.read(["the cat", "xylophone", "", "xylophone cat"])
    assert read.lengths.tolist() == [2, 1, 1, 1]
    assert (read.input_ids[2:4] < 0).all()
