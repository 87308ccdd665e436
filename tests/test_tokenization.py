"""Ids equal the reference tokenizer's; windows cover; batches fit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.batching import plan_batches
from skencoder.errors import CheckpointError, TextInputError
from skencoder.text_checks import check_texts
from skencoder.tokenization import TextTokenizer, TokenizedTexts, plan_windows
from tests.conftest import HOSTILE_TEXTS


@pytest.fixture(scope="module")
def tokenizer(embedded_folder):
    return TextTokenizer.load(embedded_folder)


def flat(lengths):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenizedTexts(np.arange(offsets[-1], dtype=np.int32), offsets)


@pytest.mark.parity
@pytest.mark.parametrize("max_length", [3, 16, 256])
def test_ids_equal_transformers(tokenizer, embedded_folder, docs, max_length):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(embedded_folder)
    texts = [*HOSTILE_TEXTS, *docs.data[:200]]
    expected = theirs(texts, truncation=True, max_length=max_length)["input_ids"]
    tokens = tokenizer.tokenize(texts)
    windows = plan_windows(tokens, max_length - tokenizer.n_special, None)
    framed = tokenizer.add_special_tokens(tokens, windows)
    found = np.split(framed.input_ids, framed.offsets[1:-1])
    assert [ids.tolist() for ids in found] == expected


def test_special_tokens_come_from_the_file(tokenizer):
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.vocab_size) == ([101], [102], 30522)


def test_many_texts_equal_one_by_one(tokenizer, monkeypatch):
    monkeypatch.setattr("skencoder.tokenization.TOKENIZE_AT_ONCE", 3)
    together = tokenizer.tokenize(HOSTILE_TEXTS)
    alone = [tokenizer.tokenize([text]).input_ids for text in HOSTILE_TEXTS]
    assert np.array_equal(together.input_ids, np.concatenate(alone))
    assert together.lengths.tolist() == [len(ids) for ids in alone]


def test_no_text_has_no_token(tokenizer):
    assert len(tokenizer.tokenize([])) == 0


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "\u00e9", "ok\ud83d"], r"Row 2 holds half a character .*place 2"),
        (["a", b"b"], "Row 1 is a bytes; a str was expected"),
        ("one string", "got one string, 'one string'"),
    ],
)
def test_what_no_tokenizer_can_read(texts, message):
    with pytest.raises(TextInputError, match=message):
        check_texts(texts)


@pytest.mark.parametrize("content", ["", "{}", '{"version": "1.0"}', "no json"])
def test_file_that_is_no_tokenizer(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is not a tokenizer file"):
        TextTokenizer.load(tmp_path)


LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=20)


@settings(deadline=None)
@given(lengths=LENGTHS, limit=st.integers(1, 20))
def test_one_window_is_the_beginning(lengths, limit):
    tokens = flat(lengths)
    windows = plan_windows(tokens, limit, None)
    assert windows.rows.tolist() == list(range(len(lengths)))
    assert windows.starts.tolist() == tokens.offsets[:-1].tolist()
    assert (windows.stops - windows.starts).tolist() == [min(n, limit) for n in lengths]


@settings(deadline=None)
@given(lengths=LENGTHS, limit=st.integers(1, 20), share=st.floats(0, 0.99))
def test_windows_cover_every_token_and_overlap(lengths, limit, share):
    tokens, overlap = flat(lengths), min(int(limit * share), limit - 1)
    windows = plan_windows(tokens, limit, overlap)
    for row, length in enumerate(lengths):
        mine = windows.rows == row
        spans = list(zip(windows.starts[mine], windows.stops[mine], strict=True))
        assert spans[0][0] == tokens.offsets[row]
        assert spans[-1][1] == tokens.offsets[row + 1]
        assert all(stop - start <= limit for start, stop in spans)
        assert all(stop - start == limit for start, stop in spans[:-1])
        assert all(a[1] - b[0] == overlap for a, b in pairwise(spans))
        assert len(spans) == 1 or length > limit


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=60), budget=st.integers(1, 600))
def test_batches_hold_every_row_within_the_budget(lengths, budget):
    lengths = np.array(lengths)
    batches = plan_batches(lengths, budget)
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()
    sizes = [lengths[batch].sum() for batch in batches]
    assert all(size <= budget or len(b) == 1 for size, b in zip(sizes, batches, strict=True))
    # No two neighbours could have been one.
    assert all(
        size + lengths[after[0]] > budget for size, after in zip(sizes, batches[1:], strict=False)
    )
