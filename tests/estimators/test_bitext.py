"""BitextMiner: translations found, thresholds, copies, and agreement with mteb's evaluator."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score

from skencoder import BitextMiner, EncoderVectorizer
from skencoder.bitext import find_candidates, score_rows
from skencoder.errors import ParameterError, TextInputError
from tests.estimators.planted import Planted

TARGETS = [
    "It is raining heavily.",
    "He sold his car last week.",
    "Cheese is made from milk.",
    "The children sleep upstairs.",
    "The train to Paris is late.",
    "She teaches music at a school.",
]
SOURCES = [
    "Last week his automobile was sold.",
    "There is heavy rain.",
    "One makes cheese out of milk.",
    "At a school she gives music lessons.",
    "The Paris train has a delay.",
    "The kids are asleep on the upper floor.",
]
RIGHT = [1, 0, 2, 5, 4, 3]


@pytest.fixture
def encoder(text_encoder):
    return EncoderVectorizer(text_encoder)


@pytest.fixture
def miner(encoder):
    return BitextMiner(encoder).fit(TARGETS)


@pytest.mark.parametrize(
    "parameters",
    [
        {"margin": margin, "matching": matching}
        for margin in ("ratio", "distance", "absolute")
        for matching in ("mutual", "greedy", "optimal", "nearest")
    ],
    ids=lambda parameters: "-".join(parameters.values()),
)
def test_paraphrases_are_found_in_every_way(encoder, parameters):
    miner = BitextMiner(encoder, **parameters).fit(TARGETS)
    assert miner.predict(SOURCES).tolist() == RIGHT
    assert miner.score(SOURCES, RIGHT) == 1


def test_pairs_are_named_by_rows_and_texts(miner):
    table = miner.mine(SOURCES)
    assert dict(zip(table["source"], table["target"], strict=True)) == dict(enumerate(RIGHT))
    assert table["score"].is_monotonic_decreasing
    for row in table.itertuples():
        assert SOURCES[row.source] == row.source_text
        assert TARGETS[row.target] == row.target_text


def test_order_does_not_matter(miner):
    order = [3, 0, 5, 1, 4, 2]
    moved = miner.predict([SOURCES[row] for row in order])
    assert moved.tolist() == [RIGHT[row] for row in order]


def test_a_copy_has_the_partner_of_the_first_one(encoder):
    miner = BitextMiner(encoder).fit([*TARGETS, TARGETS[1], TARGETS[0]])
    assert miner.predict([*SOURCES, SOURCES[0]]).tolist() == [*RIGHT, 1]
    assert len(miner.mine([*SOURCES, SOURCES[0]])) == 6
    # The second copy of a target is right as well.
    assert miner.score(SOURCES, [6, 7, 2, 5, 4, 3]) == 1


def test_copies_do_not_change_the_scores(miner, encoder):
    plain = miner.mine(SOURCES)
    copied = BitextMiner(encoder).fit([*TARGETS, *TARGETS[:3]]).mine([*SOURCES, SOURCES[2]])
    pd.testing.assert_frame_equal(plain, copied)


def test_sentences_without_a_partner_are_left_alone(encoder):
    miner = BitextMiner(encoder, matching="nearest").fit(TARGETS)
    lonely = ["Volcanoes erupt without warning.", "I like the colour blue.", "Ten is even."]
    sources, right = [*SOURCES, *lonely], [*RIGHT, -1, -1, -1]
    # Six right pairs, nine found, six wanted.
    assert miner.score(sources, right) == pytest.approx(12 / 15)
    miner.calibrate([*SOURCES[:3], *lonely[:2]], [*RIGHT[:3], -1, -1])
    assert miner.score(sources, right) > 12 / 15
    assert miner.predict(lonely[2:]).tolist() == [-1]
    assert np.isfinite(miner.threshold_)


def test_the_score_by_hand(encoder):
    """Two found of which one is right, of three that are wanted: 2 * 1 / (2 + 3)."""
    miner = BitextMiner(encoder, threshold=-1.0).fit(TARGETS)
    miner.predict = lambda X: np.array([1, 3, -1, -1])
    assert miner.score(SOURCES[:4], [1, 0, 2, -1]) == pytest.approx(2 / 5)


def test_a_threshold_that_nothing_reaches(encoder):
    miner = BitextMiner(encoder, threshold=99.0).fit(TARGETS)
    assert miner.predict(SOURCES).tolist() == [-1] * 6
    assert miner.score(SOURCES, RIGHT) == 0
    assert miner.score(SOURCES, [-1] * 6) == 1
    assert list(miner.mine(SOURCES)["source"]) == []


def test_parallel_text_is_filtered(miner):
    straight = [TARGETS[row] for row in RIGHT]
    scores = miner.score_pairs(SOURCES, straight)
    wrong = miner.score_pairs(SOURCES, straight[1:] + straight[:1])
    assert scores.min() > 1 > wrong.max()


def test_scores_are_those_of_the_functions(encoder):
    miner = BitextMiner(encoder, n_neighbors=2).fit(TARGETS)
    vectors = encoder.fit(TARGETS).transform(SOURCES), encoder.transform(TARGETS)
    pairs = find_candidates(*vectors, n_neighbors=2)
    expected = dict(zip(zip(pairs.source, pairs.target, strict=True), pairs.scores, strict=True))
    for row in miner.mine(SOURCES).itertuples():
        assert row.score == pytest.approx(expected[row.source, row.target])
    np.testing.assert_allclose(
        miner.score_pairs(SOURCES, TARGETS), score_rows(*vectors, n_neighbors=2), rtol=1e-5
    )


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_copies_do_not_change_the_scores_of_given_pairs(encoder, margin):
    miner = BitextMiner(encoder, margin=margin).fit(TARGETS)
    straight = [TARGETS[row] for row in RIGHT]
    plain = miner.score_pairs(SOURCES, straight)
    copied = miner.score_pairs([*SOURCES, *SOURCES[:1] * 4], [*straight, *straight[:1] * 4])
    np.testing.assert_allclose(copied[:6], plain, rtol=1e-5)
    np.testing.assert_allclose(copied[6:], plain[0], rtol=1e-5)
    # A sentence may also stand in two different pairs.
    both = miner.score_pairs([*SOURCES, SOURCES[0]], [*straight, straight[1]])
    np.testing.assert_allclose(both[:6], plain, rtol=1e-5)
    assert both[6] < plain[0]


def test_a_margin_of_given_pairs_needs_more_of_them_than_a_neighbourhood(encoder):
    miner = BitextMiner(encoder).fit(TARGETS)
    for n in (1, 4):
        with pytest.raises(
            ParameterError, match="more different sentences than the n_neighbors=4"
        ):
            miner.score_pairs([*SOURCES[:n]] * 3, [*TARGETS[:n]] * 3)
    assert len(miner.score_pairs(SOURCES[:5], TARGETS[:5])) == 5
    cosine = BitextMiner(encoder, margin="absolute").fit(TARGETS)
    vectors = encoder.fit(TARGETS).transform([SOURCES[0], TARGETS[1]])
    assert cosine.score_pairs(SOURCES[:1], TARGETS[1:2]) == pytest.approx(vectors[0] @ vectors[1])


def test_a_threshold_leaves_out_pairs_and_changes_none():
    """0.6 + 0.55 is more than 0.7 + 0.1; without the pair of 0.55 that of 0.7 would be taken."""
    planted = {"s": [0.7, 0.6, 0.15**0.5], "t": [0.55, 0.1, 0.6875**0.5]}
    planted |= {"one": [1, 0, 0], "other": [0, 1, 0]}
    miner = BitextMiner(Planted(planted), margin="absolute", matching="optimal")
    miner.fit(["one", "other"])
    every = {(row.source, row.target): row.score for row in miner.mine(["s", "t"]).itertuples()}
    assert set(every) == {(0, 1), (1, 0)}
    for threshold in sorted(every.values()):
        miner.threshold_ = threshold
        found = miner.mine(["s", "t"])
        assert {(row.source, row.target) for row in found.itertuples()} == {
            pair for pair, score in every.items() if score >= threshold
        }


@pytest.mark.parametrize("matching", ["mutual", "greedy", "optimal", "nearest"])
def test_the_promised_precision_is_kept_on_what_it_was_chosen_on(matching):
    rng = np.random.default_rng(3)
    names = [f"{side}{number}" for side in "st" for number in range(60)]
    miner = BitextMiner(Planted(dict(zip(names, rng.normal(size=(120, 3)), strict=True))))
    miner.set_params(matching=matching).fit(names[60:])
    # Every other pair that is found is called right.
    everything = miner.predict(names[:60])
    right = np.where(np.arange(60) % 3 > 0, everything, -1)
    miner.calibrate(names[:60], right, min_precision=0.7)
    found = miner.predict(names[:60])
    shown = found >= 0
    assert shown.any()
    assert (found == right)[shown].mean() >= 0.7
    assert (found[shown] == everything[shown]).all()


def test_what_is_set_later_counts_from_the_next_fit(encoder):
    miner = BitextMiner(encoder).fit(TARGETS)
    miner.calibrate(SOURCES, RIGHT)
    before = miner.mine(SOURCES)
    miner.set_params(margin="absolute", n_neighbors=1, matching="nearest", threshold=2.0)
    pd.testing.assert_frame_equal(miner.mine(SOURCES), before)
    assert miner.score_pairs(SOURCES, TARGETS).max() > 1
    assert miner.fit(TARGETS).predict(SOURCES).tolist() == [-1] * 6


def test_any_transformer_serves():
    miner = BitextMiner(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3))).fit(TARGETS)
    assert miner.predict([text.upper() for text in TARGETS]).tolist() == list(range(6))


def test_it_is_an_estimator_like_any_other(miner):
    assert clone(miner).get_params().keys() == miner.get_params().keys()
    with pytest.raises(NotFittedError):
        BitextMiner().predict(SOURCES)
    copied = pickle.loads(pickle.dumps(miner))
    assert copied.predict(SOURCES).tolist() == RIGHT
    again = miner.fit(TARGETS[:2])
    assert again is miner
    assert miner.predict(SOURCES).max() < 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"margin": "cosine"}, "margin must be one of"),
        ({"matching": "all"}, "matching must be one of"),
        ({"n_neighbors": 0}, "n_neighbors must be an integer of at least 1"),
        ({"threshold": np.nan}, "threshold must be a finite number"),
        ({"encoder": 3}, "encoder must be a transformer"),
    ],
)
def test_garbage_is_refused_in_fit_and_not_before(parameters, message):
    miner = BitextMiner(**parameters)
    with pytest.raises(ParameterError, match=message):
        miner.fit(TARGETS)


@pytest.mark.parametrize("right", [[0] * 5, [0.5] * 6, [6, 0, 0, 0, 0, 0], [-2] * 6, "012345"])
def test_rows_that_are_no_targets_are_refused(miner, right):
    with pytest.raises(ParameterError, match="y must hold one target row"):
        miner.score(SOURCES, right)
    with pytest.raises(ParameterError, match="y must hold one target row"):
        miner.calibrate(SOURCES, right)


def test_what_is_no_collection_of_texts_is_refused(miner):
    for wrong in ("one text", [], [None], [3]):
        with pytest.raises(TextInputError):
            miner.predict(wrong)
    with pytest.raises(ParameterError, match="as many texts"):
        miner.score_pairs(SOURCES, TARGETS[:2])


@pytest.mark.data
def test_nearest_neighbours_have_mteb_s_f1(text_encoder, data_root):
    """Tatoeba deu-eng: 0.0789 is published for the embedded model."""
    table = pd.read_json(data_root / "mteb/mteb/tatoeba-bitext-mining/test.jsonl", lines=True)
    table = table[table["lang"] == "deu-eng"]
    encoder = EncoderVectorizer(text_encoder, overflow="truncate")
    miner = BitextMiner(encoder, margin="absolute", matching="nearest")
    found = miner.fit(table["sentence2"].tolist()).predict(table["sentence1"].tolist())
    score = f1_score(np.arange(len(found)), found, average="weighted", zero_division=0)
    assert score == pytest.approx(0.0789, abs=5e-5)
