"""Ids equal the reference tokenizer's; windows cover; batches fit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skencoder.batching import cut_batches, order_by_length
from skencoder.errors import CheckpointError, TextInputError
from skencoder.text_checks import check_texts
from skencoder.tokenization import TextTokenizer, TokenizedTexts, plan_windows
from skencoder.tokenization.library import library_ids
from skencoder.tokenization.reader import known_ids
from skencoder.tokenizer_files import NO_TOKEN, StaticTokenizer, read_tokenizer
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


@pytest.mark.parametrize("at_once", [1, 700, 1 << 20])
def test_many_texts_equal_one_by_one(tokenizer, monkeypatch, at_once):
    monkeypatch.setattr("skencoder.tokenization.reader.CHARACTERS_AT_ONCE", at_once)
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
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=20), data=st.data())
def test_rows_are_taken_in_the_order_asked_for(lengths, data):
    tokens = flat(lengths)
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1)))
    taken = tokens.take_rows(np.array(rows, np.int64))
    pieces = np.split(tokens.input_ids, tokens.offsets[1:-1])
    assert taken.lengths.tolist() == [lengths[row] for row in rows]
    assert taken.input_ids.tolist() == [id_ for row in rows for id_ in pieces[row]]
    assert (taken.input_ids.dtype, taken.offsets.dtype) == (np.int32, np.int64)


@settings(deadline=None)
@given(texts=st.lists(st.lists(st.integers(0, 3)), max_size=10), unknown=st.none() | st.just(2))
def test_a_static_model_s_unknown_tokens_are_left_out(texts, unknown):
    ids = np.array([id_ for text in texts for id_ in text], np.int32)
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    found = known_ids(TokenizedTexts(ids, offsets), unknown)
    expected = [[id_ for id_ in text if id_ != unknown] or [NO_TOKEN] for text in texts]
    assert found.lengths.tolist() == [len(text) for text in expected]
    assert found.input_ids.tolist() == [id_ for text in expected for id_ in text]
    assert (found.input_ids.dtype, found.offsets.dtype) == (np.int32, np.int64)


@pytest.mark.parametrize("drop_unknown", [False, True])
def test_a_static_model_s_ids_equal_its_own_tokenizer_s(embedded_folder, docs, drop_unknown):
    static = StaticTokenizer(read_tokenizer(embedded_folder), drop_unknown=drop_unknown)
    texts = [*HOSTILE_TEXTS, *docs.data[:50]]
    found = TextTokenizer(static).tokenize(texts)
    expected = library_ids(static, texts)
    assert np.array_equal(found.input_ids, expected.input_ids)
    assert np.array_equal(found.offsets, expected.offsets)


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
    order = order_by_length(lengths)
    batches = [order[cut] for cut in cut_batches(lengths[order], budget)]
    assert np.array_equal(np.concatenate(batches), order)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()
    sizes = [lengths[batch].sum() for batch in batches]
    assert all(size <= budget or len(b) == 1 for size, b in zip(sizes, batches, strict=True))
    # No two neighbours could have been one.
    assert all(
        size + lengths[after[0]] > budget for size, after in zip(sizes, batches[1:], strict=False)
    )
