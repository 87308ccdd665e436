"""What is masked together, worked by hand; and the draw of the masked-LM loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skencoder.batching import TokenBudget
from skencoder.errors import MaskingError
from skencoder.pseudo_likelihood import MASKINGS, METHODS, CopyBatch, check_masked
from skencoder.pseudo_likelihood.copies import MaskedWindow, pack_copies
from skencoder.pseudo_likelihood.masking import WindowTokens, draw_tokens

# "un ##believ ##able cats": a word of three pieces and one of one.
WORDS = np.array([4, 4, 4, 5])


def window(words=WORDS, scored=None, drawn=None):
    everything = np.ones(len(words), bool)
    return WindowTokens(
        np.asarray(words),
        everything if scored is None else np.array(scored, bool),
        ~everything if drawn is None else np.array(drawn, bool),
    )


def shown(copies):
    """Each copy as a string: M masked and scored, m masked, . seen."""
    rows = slice(0, len(copies))
    pairs = zip(copies.masked(rows), copies.scored(rows), strict=True)
    return [
        "".join("M" if s else "m" if m else "." for m, s in zip(*pair, strict=True))
        for pair in pairs
    ]


def test_every_method_has_its_masking():
    assert set(MASKINGS) == set(METHODS)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("pll", ["M...", ".M..", "..M.", "...M"]),
        ("pll-word-l2r", ["Mmm.", ".Mm.", "..M.", "...M"]),
        ("whole-word", ["MMM.", "...M"]),
        ("mlm-loss", ["M..M"]),
    ],
)
def test_by_hand(method, expected):
    copies = MASKINGS[method](window(drawn=[1, 0, 0, 1]))
    assert shown(copies) == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("pll", [".M..", "..M."]),
        ("pll-word-l2r", [".Mm.", "..M."]),
        ("whole-word", ["mMM."]),
        ("mlm-loss", ["m.M."]),
    ],
)
def test_only_part_of_a_window_is_scored_and_masks_go_beyond_it(method, expected):
    copies = MASKINGS[method](window(scored=[0, 1, 1, 0], drawn=[1, 0, 1, 0]))
    assert shown(copies) == expected


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_score(method):
    assert shown(MASKINGS[method](window(scored=[0, 0, 0, 0], drawn=[1, 0, 0, 0]))) == []


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_each_token_is_scored_once_and_masked_where_it_is(begins, data):
    words = np.cumsum(begins)
    scored = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    for method in ("pll", "pll-word-l2r"):
        copies = MASKINGS[method](window(words, scored))
        rows = slice(0, len(copies))
        assert copies.scored(rows).sum(0).tolist() == np.array(scored, int).tolist()
        assert not (copies.scored(rows) & ~copies.masked(rows)).any()


@given(st.integers(1, 400), st.floats(0.01, 1), st.integers(0, 5))
def test_a_draw_is_a_share_of_the_ordinary_tokens(length, share, seed):
    ids = np.arange(length, dtype=np.int32)
    ordinary = ids % 7 != 3
    drawn = draw_tokens(ids, ordinary, share, seed)
    assert drawn.sum() == max(1, round(share * ordinary.sum()))
    assert not drawn[~ordinary].any()
    assert np.array_equal(drawn, draw_tokens(ids, ordinary, share, seed))


def test_draws_differ_by_seed_and_text():
    ids, ordinary = np.arange(200, dtype=np.int32), np.ones(200, bool)
    first = draw_tokens(ids, ordinary, 0.15, 0)
    assert not np.array_equal(first, draw_tokens(ids, ordinary, 0.15, 1))
    assert not np.array_equal(first, draw_tokens(ids[::-1].copy(), ordinary, 0.15, 0))


def test_nothing_is_drawn_of_nothing():
    assert not draw_tokens(np.zeros(3, np.int32), np.zeros(3, bool), 1.0, 0).any()


def masked_windows(lengths):
    for start, length in enumerate(lengths):
        body = np.arange(10, 10 + length, dtype=np.int32)
        framed = np.concatenate([[1], body, [2]]).astype(np.int32)
        copies = MASKINGS["pll"](window(np.arange(length)))
        yield MaskedWindow(framed, 1, 100 * start, copies)


@pytest.mark.parametrize("batch_tokens", [1, 7, 20, 64, 1000])
def test_copies_fill_batches_within_the_budget(batch_tokens):
    lengths = [9, 9, 5, 5, 1]
    batches = list(pack_copies(masked_windows(lengths), 3, batch_tokens, TokenBudget()))
    sources = np.concatenate([batch.sources for batch in batches])
    expected = [100 * start + place for start, n in enumerate(lengths) for place in range(n)]
    assert sources.tolist() == expected
    for batch in batches:
        assert len(batch.input_ids) <= max(batch_tokens, batch.lengths.max())
        assert batch.lengths.sum() == len(batch.input_ids)
        assert (batch.input_ids[batch.positions] == 3).all()
        assert (batch.targets == 10 + batch.sources % 100).all()
        assert (batch.input_ids == 3).sum() == len(batch.lengths)
        check_masked(batch)


def test_halves_are_the_whole():
    (whole,) = pack_copies(masked_windows([5, 4, 4]), 3, 1000, TokenBudget())
    first, second = whole.halves()
    assert len(first.lengths) == 6
    for name in ("input_ids", "lengths", "targets", "sources"):
        parts = (getattr(first, name), getattr(second, name))
        assert np.concatenate(parts).tolist() == getattr(whole, name).tolist()
    for half in (first, second):
        check_masked(half)
        assert (half.input_ids[half.positions] == 3).all()


def test_what_is_not_masked_is_refused():
    """Scored as they stand, tokens would all be certain."""
    batch = next(pack_copies(masked_windows([4]), 3, 1000, TokenBudget()))
    unmasked = batch.input_ids.copy()
    unmasked[batch.positions[1]] = batch.targets[1]
    seen = CopyBatch(unmasked, batch.lengths, batch.positions, batch.targets, batch.sources)
    with pytest.raises(MaskingError, match="1 of 4 tokens to be scored stand unmasked .*id 11"):
        check_masked(seen)
