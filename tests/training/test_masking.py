"""Masking of real packed text: shares, whole words, special tokens, determinism."""

import numpy as np
import pytest
from scipy.stats import binom

from skencoder.errors import ParameterError, TrainingError
from skencoder.tokenization import TextTokenizer
from skencoder.training.masking import choose_places, mask_tokens, ordinary_tokens

SURE = 1e-6  # by chance a right share is outside its bounds once in a million draws


class Packed:
    """Real text, and a batch of it: each text between [CLS] and [SEP]."""

    def __init__(self, folder, texts):
        tokenizer = TextTokenizer.load(folder)
        names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        self.special = {name: tokenizer.token_id(name) for name in names}
        self.mask_id = self.special["[MASK]"]
        self.ordinary = ordinary_tokens(tokenizer.vocab_size, self.special.values())
        worded = tokenizer.read_words(texts)
        starts, ends = worded.tokens.offsets[:-1], worded.tokens.offsets[1:]
        ids, words = worded.tokens.input_ids, worded.words
        ids, words = np.insert(ids, ends, self.special["[SEP]"]), np.insert(words, ends, -1)
        # Each [SEP] before it moved a text's start by one.
        starts = starts + np.arange(len(starts))
        self.ids = np.insert(ids, starts, self.special["[CLS]"])
        self.words = np.insert(words, starts, -1)
        self.maskable = self.ordinary[self.ids]

    def choose(self, seed=0, **options):
        generator = np.random.default_rng(seed)
        return choose_places(self.maskable, generator=generator, **options)

    def mask(self, places, seed=1):
        return mask_tokens(
            self.ids,
            places,
            mask_id=self.mask_id,
            random_ids=np.flatnonzero(self.ordinary),
            generator=np.random.default_rng(seed),
        )


@pytest.fixture(scope="module")
def packed(embedded_folder, docs):
    texts = [*docs.data[:1800], "[SEP] stands in the text itself, and [MASK]"]
    packed = Packed(embedded_folder, texts)
    assert len(packed.ids) > 100_000
    assert set(packed.ids[packed.words < 0]) == {packed.special["[CLS]"], packed.special["[SEP]"]}
    return packed


def is_likely(count, n, share):
    return binom.ppf(SURE, n, share) <= count <= binom.isf(SURE, n, share)


@pytest.mark.parametrize("probability", [0.15, 0.4])
def test_each_token_is_drawn_with_the_probability(packed, probability):
    places = packed.choose(probability=probability)
    assert is_likely(len(places), packed.maskable.sum(), probability)
    assert (np.diff(places) > 0).all()


def test_each_word_is_drawn_with_the_probability_and_whole(packed):
    places = packed.choose(words=packed.words)
    chosen = np.isin(np.arange(len(packed.ids)), places)
    words = packed.words[packed.maskable]
    drawn = np.unique(packed.words[places])
    np.testing.assert_array_equal(chosen[packed.maskable], np.isin(words, drawn))
    assert is_likely(len(drawn), len(np.unique(words)), 0.15)
    # Real text has words of several tokens, or this would say nothing.
    assert len(np.unique(words)) < 0.9 * len(words)


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_special_is_ever_masked_or_put_in(packed, whole):
    words = packed.words if whole else None
    special = list(packed.special.values())
    masked = packed.mask(packed.choose(probability=1.0, words=words))
    assert not np.isin(masked.targets, special).any()
    changed = masked.input_ids != packed.ids
    assert not np.isin(packed.ids[changed], special).any()
    put_in = masked.input_ids[changed]
    assert not np.isin(put_in[put_in != packed.mask_id], special).any()
    # All that can be drawn was drawn, and special tokens stand in the middle of it too.
    np.testing.assert_array_equal(masked.places, np.flatnonzero(packed.maskable))


def test_eighty_ten_ten(packed):
    masked = packed.mask(packed.choose(probability=1.0))
    read, n = masked.input_ids[masked.places], len(masked.places)
    assert n > 100_000
    is_mask, kept = read == packed.mask_id, read == masked.targets
    replaced = ~is_mask & ~kept
    assert is_likely(is_mask.sum(), n, 0.8)
    # A token that is replaced may come back, once in 30,000 times.
    assert is_likely(replaced.sum(), n, 0.1 * (1 - 1 / packed.ordinary.sum()))
    assert is_likely(kept.sum(), n, 0.1 * (1 + 1 / packed.ordinary.sum()))
    # All parts of the vocabulary stand in alike.
    cut = np.median(np.flatnonzero(packed.ordinary))
    assert is_likely((read[replaced] < cut).sum(), replaced.sum(), 0.5)


def test_the_fate_of_a_token_does_not_depend_on_where_it_stands(packed):
    masked = packed.mask(packed.choose(probability=1.0))
    for half in np.array_split(np.arange(len(masked.places)), 2):
        is_mask = masked.input_ids[masked.places[half]] == packed.mask_id
        assert is_likely(is_mask.sum(), len(half), 0.8)


def test_targets_put_back_give_the_text(packed):
    before = packed.ids.copy()
    masked = packed.mask(packed.choose())
    assert masked.input_ids.dtype == masked.targets.dtype == packed.ids.dtype
    np.testing.assert_array_equal(packed.ids, before)
    assert (masked.input_ids != before).any()
    restored = masked.input_ids.copy()
    restored[masked.places] = masked.targets
    np.testing.assert_array_equal(restored, before)


@pytest.mark.parametrize("whole", [False, True])
def test_one_seed_gives_one_masking_and_another_another(packed, whole):
    words = packed.words if whole else None
    first, again, other = (packed.choose(seed, words=words) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    ids = [packed.mask(first, seed).input_ids for seed in (3, 3, 4)]
    np.testing.assert_array_equal(ids[0], ids[1])
    assert not np.array_equal(ids[0], ids[2])


def test_a_second_draw_of_one_generator_is_another(packed):
    generator = np.random.default_rng(0)
    epochs = [choose_places(packed.maskable, generator=generator) for _ in range(2)]
    both = len(np.intersect1d(*epochs))
    assert is_likely(both, packed.maskable.sum(), 0.15**2)


def test_how_words_are_numbered_does_not_count(packed):
    shifted = packed.choose(words=packed.words * 7 + 11)
    np.testing.assert_array_equal(shifted, packed.choose(words=packed.words))


@pytest.mark.parametrize("words", [None, np.array([-1, 4, 4, 9, -1])])
def test_a_batch_always_has_something_to_guess(words):
    maskable = np.array([False, True, True, True, False])
    drawn = [
        choose_places(
            maskable, probability=1e-9, words=words, generator=np.random.default_rng(seed)
        ).tolist()
        for seed in range(50)
    ]
    expected = [[1], [2], [3]] if words is None else [[1, 2], [3]]
    assert sorted(set(map(tuple, drawn))) == list(map(tuple, expected))


def test_without_maskable_tokens_it_says_so():
    with pytest.raises(TrainingError, match="all 3 of the batch are special"):
        choose_places(np.zeros(3, bool), generator=np.random.default_rng(0))


def test_words_of_another_batch_are_refused():
    with pytest.raises(TrainingError, match=r"words .* the shape \(3,\); got \(2,\)"):
        choose_places(np.ones(3, bool), words=np.arange(2), generator=np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [0, -0.1, 1.1, np.nan])
def test_wrong_probabilities_are_named(wrong):
    with pytest.raises(ParameterError, match="probability must be above 0 and at most 1"):
        choose_places(np.ones(3, bool), probability=wrong, generator=np.random.default_rng(0))


def test_without_ids_to_stand_in_it_says_so(packed):
    with pytest.raises(TrainingError, match="random_ids is empty"):
        mask_tokens(
            packed.ids,
            np.arange(1, 3),
            mask_id=packed.mask_id,
            random_ids=np.zeros(0, int),
            generator=np.random.default_rng(0),
        )
