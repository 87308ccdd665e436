"""Which texts of a batch are no negatives of an anchor."""

import numpy as np

from skencoder import EncoderVectorizer
from skencoder.objectives import PairRanking, Training
from skencoder.objectives.equality import equal_texts, no_negatives


def numbers(*sides):
    flat = equal_texts([text for side in sides for text in side])
    return flat.reshape(len(sides), -1)


def test_answers_of_equal_questions_and_equal_answers():
    """Rows 0 and 1 ask the same, rows 2 and 3 have one answer."""
    found = no_negatives(numbers("qqrs", "abcc"))
    expected = np.eye(4, dtype=bool)
    expected[0, 1] = expected[1, 0] = expected[2, 3] = expected[3, 2] = True
    assert np.array_equal(found, expected)
    # As true from the other side.
    assert np.array_equal(found, found.T)


def test_pairs_given_both_ways_round():
    """Of (a, b), (b, a), (c, d): neither a nor b is a wrong answer to itself."""
    found = no_negatives(numbers("abc", "bad"))
    assert found.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_negatives_of_one_s_own_stay():
    """Those of another row with the same question do not, nor a negative that is an answer."""
    found = no_negatives(numbers("qqr", "abc", "xya"))
    assert found[:, 3:].tolist() == [
        [False, True, True],
        [True, False, False],
        [False, False, False],
    ]


def first_loss(folder, texts, y, **parameters):
    training = Training(max_steps=1, batch_size=len(texts))
    objective = PairRanking(training=training, **parameters)
    vectorizer = EncoderVectorizer(folder, fine_tune=objective, random_state=0, device="cpu")
    return vectorizer.fit(texts, y).history_.loss[0]


def test_the_loss_asks_only_for_what_is_wrong(small_folder):
    """Two rows that are no negatives of each other leave nothing to ask."""
    for symmetric in (False, True):
        both_ways = first_loss(small_folder, ["one", "two"], ["two", "one"], symmetric=symmetric)
        assert both_ways == 0
        assert first_loss(small_folder, ["one", "two"], ["1", "2"], symmetric=symmetric) > 0
