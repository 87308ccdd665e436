"""Records: what goes in comes out, and nothing damaged comes out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skencoder.cache.records import Layout, as_words

WIDTHS = [1, 2, 3, 5, 7, 32, 33, 383, 384]
layouts = st.builds(Layout, st.sampled_from(WIDTHS[:-2]), st.sampled_from(["float32", "float16"]))


def packed(layout, n_rows=3, seed=0):
    rng = np.random.default_rng(seed)
    keys = [rng.bytes(16) for _ in range(n_rows)]
    vectors = rng.standard_normal((n_rows, layout.width)).astype(np.float32)
    lengths = rng.integers(1, 10**6, n_rows)
    return keys, vectors, lengths, layout.pack(keys, vectors, lengths)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("width", WIDTHS)
def test_round_trip(width, dtype):
    layout = Layout(width, dtype)
    keys, vectors, lengths, records = packed(layout, 50)
    assert records.shape == (50, layout.words)
    assert layout.is_whole(records, as_words(keys)).all()
    found, found_lengths = layout.unpack(records)
    assert found.dtype == np.float32
    assert np.array_equal(found, vectors.astype(dtype).astype(np.float32))
    assert np.array_equal(found_lengths, lengths)


def test_what_comes_out_is_a_copy():
    layout = Layout(8, "float32")
    keys, vectors, _, records = packed(layout)
    found, _ = layout.unpack(records)
    found[:] = 0
    assert layout.is_whole(records, as_words(keys)).all()
    assert np.array_equal(layout.unpack(records)[0], vectors)


@given(layout=layouts, seed=st.integers(0, 100), mask=st.integers(1, 255))
def test_any_changed_byte_is_noticed(layout, seed, mask):
    keys, _, _, records = packed(layout, 1, seed)
    n_bytes = layout.words * 8
    damaged = np.repeat(records, n_bytes, 0)
    # In row i, byte i is changed.
    damaged.view(np.uint8)[np.arange(n_bytes), np.arange(n_bytes)] ^= mask
    asked = np.repeat(as_words(keys), n_bytes, 0)
    assert not layout.is_whole(damaged, asked).any()
    # Nor is it taken for whole where the record's own key is what was asked for.
    assert not layout.is_whole(damaged, damaged[:, :2]).any()


@given(layout=layouts, seed=st.integers(0, 100), data=st.data())
def test_words_that_changed_places_are_noticed(layout, seed, data):
    keys, _, _, records = packed(layout, 1, seed)
    one, other = data.draw(
        st.lists(st.integers(0, layout.words - 1), min_size=2, max_size=2, unique=True)
    )
    moved = records.copy()
    moved[0, [one, other]] = records[0, [other, one]]
    assert np.array_equal(moved, records) or not layout.is_whole(moved, moved[:, :2]).any()
    assert layout.is_whole(records, as_words(keys)).all()


@given(layout=layouts, fill=st.sampled_from([0, 0xFF, 0x55]))
def test_a_page_that_was_never_written_is_no_record(layout, fill):
    records = np.full((1, layout.words * 8), fill, np.uint8).view(np.uint64)
    assert not layout.is_whole(records, records[:, :2]).any()


@given(layout=layouts, seed=st.integers(0, 100))
def test_a_row_of_another_key_is_not_an_answer(layout, seed):
    keys, _, _, records = packed(layout, 2, seed)
    assert not layout.is_whole(records, as_words(keys[::-1])).any()
    assert layout.is_whole(records[::-1], as_words(keys[::-1])).all()


@given(layout=layouts, kept=st.integers(0, 100))
def test_a_record_that_was_written_in_part_is_noticed(layout, kept):
    keys, _, _, records = packed(layout, 1)
    kept %= layout.words
    torn = records.copy()
    torn[0, kept:] = 0
    assert not layout.is_whole(torn, as_words(keys)).any()
