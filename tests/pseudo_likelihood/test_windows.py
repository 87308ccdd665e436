"""Windows of long texts: nothing dropped, nothing twice, context on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skencoder.pseudo_likelihood import plan_scoring_windows
from skencoder.tokenization.flat import TokenizedTexts, offsets_of


def texts_of(*lengths):
    offsets = offsets_of(np.array(lengths, np.int64))
    return TokenizedTexts(np.zeros(offsets[-1], np.int32), offsets)


def test_by_hand():
    """Ten tokens, windows of six, four further each: 0..5 and 4..9."""
    windows = plan_scoring_windows(texts_of(10), 6, 4)
    assert windows.starts.tolist() == [0, 4]
    assert windows.stops.tolist() == [6, 10]
    # They share 4 and 5: 4 has one token after it in the first, 5 one before it in the second.
    assert windows.firsts.tolist() == [0, 5]
    assert windows.lasts.tolist() == [5, 10]


def test_the_last_window_is_as_long_as_the_others():
    windows = plan_scoring_windows(texts_of(11), 6, 4)
    assert windows.starts.tolist() == [0, 4, 5]
    assert set(windows.lengths.tolist()) == {6}


@given(
    st.lists(st.integers(0, 70), min_size=1, max_size=5), st.integers(1, 20), st.integers(1, 20)
)
def test_each_token_is_scored_in_the_window_that_shows_most_around_it(lengths, limit, stride):
    stride = min(stride, limit)
    texts = texts_of(*lengths)
    windows = plan_scoring_windows(texts, limit, stride)
    tokens = [range(a, b) for a, b in zip(windows.firsts, windows.lasts, strict=True)]
    assert sorted(t for part in tokens for t in part) == list(range(sum(lengths)))
    assert windows.lengths.max(initial=0) <= limit
    assert windows.counts(len(lengths)).sum() == len(windows.rows)
    assert (windows.counts(len(lengths)) == 0).tolist() == [n == 0 for n in lengths]
    for number, part in enumerate(tokens):
        row = windows.rows == windows.rows[number]
        for t in part:
            context = np.minimum(t - windows.starts[row], windows.stops[row] - 1 - t)
            own = min(t - windows.starts[number], windows.stops[number] - 1 - t)
            assert own == context.max()


@pytest.mark.parametrize("length", [1, 5, 6])
def test_a_text_that_fits_has_one_window(length):
    assert len(plan_scoring_windows(texts_of(length), 6, 2).rows) == 1
