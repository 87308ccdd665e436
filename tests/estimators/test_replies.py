"""ReplySelector: scores by hand, what must not matter, and real pairs against word counts."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags

from skencoder import EncoderVectorizer, ReplySelector
from skencoder.errors import ParameterError, TextInputError, UnknownReplyWarning
from skencoder.estimators import replies as module
from tests.estimators.planted import Planted

PLANTED = Planted(
    {
        "east": [1, 0],
        "north": [0, 1],
        "northeast": [2, 2],
        "west": [-3, 0],
        "to the east": [4, 3],
        "to the north": [3, 4],
    }
)
CONTEXTS = ["east", "north", "west", "northeast"]
# One of the texts below is a few tokens too long.
WHOLE = EncoderVectorizer(overflow="truncate")
REPLIES = ["to the east", "to the north", "to the east", "to the north"]


@pytest.fixture(scope="module")
def selector():
    return ReplySelector(PLANTED).fit(CONTEXTS, REPLIES)


@pytest.fixture(scope="module")
def pairs(docs):
    """Two turns, what a function is called and does in short; the reply is all else it says."""
    contexts, replies = [], []
    for name, text in zip(docs.names, docs.data, strict=True):
        head, blank, body = text.partition("\n\n")
        if blank and 5 <= len(head.split()) <= 30 and 10 <= len(body.split()) <= 60:
            contexts.append([name.rpartition(".")[2], head])
            replies.append(body)
    rows = np.random.default_rng(0).choice(len(replies), 300, replace=False)
    return [contexts[row] for row in rows], [replies[row] for row in rows]


def test_the_bank_holds_each_reply_once(selector):
    assert selector.replies_.tolist() == ["to the east", "to the north"]


def test_scores_are_those_of_the_best_context_and_of_the_reply(selector):
    found = selector.select(["east", "west"], 2)
    # "east" equals a context of "to the east"; of the other's, "northeast" is closest.
    expected = [(1 + 0.8) / 2, (0.5**0.5 + 0.6) / 2, (1 - 0.8) / 2, (0 - 0.6) / 2]
    np.testing.assert_allclose(found["score"], expected)
    assert found["context"].tolist() == [0, 0, 1, 1]
    assert found["rank"].tolist() == [1, 2, 1, 2]
    assert found["reply"].tolist() == ["to the east", "to the north"] * 2


@pytest.mark.parametrize(("weight", "expected"), [(0.0, [0.8, 0.6]), (1.0, [1.0, 0.5**0.5])])
def test_context_weight_at_its_ends(weight, expected):
    selector = ReplySelector(PLANTED, context_weight=weight).fit(CONTEXTS, REPLIES)
    np.testing.assert_allclose(selector.select(["east"], 2)["score"], expected)


def test_turns_count_less_the_older_they_are():
    selector = ReplySelector(PLANTED, decay=0.5, context_weight=0).fit(CONTEXTS, REPLIES)
    # (1, 0) and half of (0, 1), at length one.
    vector = np.array([1, 0.5]) / 1.25**0.5
    (scores,) = selector.score_candidates([["north", "east"]], [["to the east", "to the north"]])
    np.testing.assert_allclose(scores, [vector @ [0.8, 0.6], vector @ [0.6, 0.8]])
    np.testing.assert_allclose(
        selector.select([["north", "east"]], 2)["score"], np.sort(scores)[::-1]
    )


def test_with_no_decay_left_only_the_last_turn_is_read():
    selector = ReplySelector(PLANTED, decay=0).fit(CONTEXTS, REPLIES)
    assert selector.predict([["west", "west", "north"]]) == selector.predict(["north"])
    np.testing.assert_array_equal(
        selector.select([["west", "north"]], 2)["score"], selector.select(["north"], 2)["score"]
    )


def test_a_text_is_a_context_of_one_turn(selector):
    texts = selector.select(CONTEXTS, 2)
    assert texts.equals(selector.select([[text] for text in CONTEXTS], 2))
    assert texts.equals(selector.select(np.array(CONTEXTS), 2))


def test_candidates_may_be_as_many_as_one_likes(selector):
    scores = selector.score_candidates(["east", "north"], [["west"], ["east", "north", "west"]])
    assert [len(row) for row in scores] == [1, 3]
    np.testing.assert_allclose(scores[0], [-1])
    np.testing.assert_allclose(scores[1], [0, 1, 0], atol=1e-12)


def test_score_is_the_share_of_contexts_given_their_own_reply(selector):
    assert selector.score(CONTEXTS, REPLIES) == 1.0
    assert selector.score(["east"] * 4, REPLIES) == 0.5


def test_contexts_in_any_order_and_block_have_the_same_replies(pairs, monkeypatch):
    contexts, replies = pairs
    selector = ReplySelector(WHOLE).fit(contexts[:100], replies[:100])
    whole = selector.select(contexts[100:160], 3)
    order = np.random.default_rng(1).permutation(60)
    shuffled = selector.select([contexts[100 + place] for place in order], 3)
    monkeypatch.setattr(module, "BLOCK", 700)  # seven contexts at a time
    blocks = selector.select(contexts[100:160], 3)
    for other, places in ((shuffled, order), (blocks, range(60))):
        expected = np.stack([whole["reply"][whole["context"] == place] for place in places])
        assert np.array_equal(other["reply"].to_numpy().reshape(60, 3), expected)
    np.testing.assert_allclose(blocks["score"], whole["score"], atol=1e-6)


def test_the_order_of_the_bank_does_not_matter(pairs):
    contexts, replies = pairs
    order = np.random.default_rng(2).permutation(100)
    one = ReplySelector(WHOLE).fit(contexts[:100], replies[:100])
    other = ReplySelector(WHOLE).fit([contexts[i] for i in order], [replies[i] for i in order])
    assert np.array_equal(one.predict(contexts[100:150]), other.predict(contexts[100:150]))


def test_real_replies_are_found_more_often_than_by_word_counts(pairs):
    contexts, replies = pairs
    ours, counts = (
        ReplySelector(encoder, context_weight=0).fit(contexts, replies).score(contexts, replies)
        for encoder in (
            WHOLE,
            TfidfVectorizer(sublinear_tf=True, stop_words="english"),
        )
    )
    assert ours > counts + 0.03
    assert ours > 0.5


def test_sparse_vectors_are_vectors_too(pairs):
    contexts, replies = pairs
    selector = ReplySelector(TfidfVectorizer(), decay=0.5).fit(contexts, replies)
    options = [replies[:5]] * 3
    for scores, context in zip(
        selector.score_candidates(contexts[:3], options), contexts[:3], strict=True
    ):
        name, head = selector.encoder_.transform(context).toarray()
        vector = head + 0.5 * name
        vector /= np.linalg.norm(vector) or 1
        np.testing.assert_allclose(
            scores, selector.encoder_.transform(replies[:5]) @ vector, atol=1e-12
        )


def test_replies_that_cannot_be_found_are_told_of(selector):
    with pytest.warns(UnknownReplyWarning, match="3 of the 4 replies in y are not in the bank"):
        assert selector.score(CONTEXTS, [REPLIES[0], "west", "east", "west"]) == 0.25
    assert selector.score(CONTEXTS, [*REPLIES[:2], "west", "east"]) == 0.5


def test_what_is_set_later_counts_from_the_next_fit():
    selector = ReplySelector(PLANTED, decay=0.5).fit(CONTEXTS, REPLIES)
    dialogues = [["north", "east"], ["west", "west", "north"]]
    before = selector.select(dialogues, 2)
    selector.set_params(decay=0.0, context_weight=1.0)
    assert selector.select(dialogues, 2).equals(before)
    assert not selector.fit(CONTEXTS, REPLIES).select(dialogues, 2).equals(before)


def test_in_a_grid(pairs):
    contexts, replies = pairs
    same = [(np.arange(100), np.arange(100))]  # each reply stands once, so it must be in the bank
    search = GridSearchCV(
        ReplySelector(WHOLE, context_weight=0),
        {"decay": [0.0, 0.5, 1.0]},
        cv=same,
        error_score="raise",
    ).fit(contexts[:100], replies[:100])
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_parameters_clone_pickle_and_tags(selector):
    garbage = {"encoder": object(), "decay": object(), "context_weight": object()}
    assert ReplySelector(**garbage).get_params(deep=False) == garbage
    copied = clone(ReplySelector(decay="much"))
    assert copied.decay == "much"
    again = pickle.loads(pickle.dumps(selector))
    assert again.select(CONTEXTS, 2).equals(selector.select(CONTEXTS, 2))
    assert get_tags(copied).input_tags.string


def test_not_fitted():
    for attempt in (
        lambda s: s.predict(["a"]),
        lambda s: s.select(["a"]),
        lambda s: s.score_candidates(["a"], [["b"]]),
        lambda s: s.score(["a"], ["b"]),
    ):
        with pytest.raises(NotFittedError):
            attempt(ReplySelector())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"decay": 1.5}, "decay must be a number from 0 to 1; got 1.5"),
        ({"decay": None}, "decay must be a number"),
        ({"context_weight": -0.1}, "context_weight must be a number from 0 to 1"),
        ({"encoder": "TF-IDF"}, "encoder must be a transformer"),
    ],
)
def test_bad_parameters_are_refused_by_fit(parameters, message):
    with pytest.raises(ParameterError, match=message):
        ReplySelector(**parameters).fit(["a"], ["b"])


@pytest.mark.parametrize(
    ("contexts", "replies", "message"),
    [
        (["a", "b"], ["c"], "X holds 2 contexts and y 1 replies"),
        ([], [], "X is empty; at least one row is needed"),
        (["a"], [], "Replies: y is empty"),
        ("a text", ["b"], "string object received"),
        (3, ["b"], "X is a int; a list was expected"),
        ({"a"}, ["b"], "X is a set; a list was expected"),
        ({"a": "c"}, ["b"], "X is a dict; a list was expected"),
        ({"a": "c"}.keys(), ["b"], "X is a dict_keys; a list was expected"),
        (["a", []], ["b", "c"], r"Row 1 of X is \[\]; a text or a list of texts"),
        (["a", None], ["b", "c"], "Row 1 of X is None; a text or a list of texts"),
        (["a", {"user": "hello"}], ["b", "c"], "Row 1 of X is {'user': 'hello'}"),
        ([["a", None]], ["b"], "Text 1 in row 0 of X is None; a str was expected"),
        ([["a", 3]], ["b"], "Text 1 in row 0 of X is 3; a str was expected"),
        (["a"], "b", "Replies: .*string object received"),
        (["a", "b"], ["c", None], "Replies: Row 1 of y is missing"),
    ],
)
def test_what_is_no_dialogue_is_refused(contexts, replies, message):
    with pytest.raises(TextInputError, match=message):
        ReplySelector().fit(contexts, replies)


def test_wrong_numbers_are_refused(selector):
    with pytest.raises(ParameterError, match="n_replies=3 is above the size of the bank, 2"):
        selector.select(["east"], 3)
    with pytest.raises(ParameterError, match="n_replies must be an integer of at least 1"):
        selector.select(["east"], 0)
    with pytest.raises(TextInputError, match="X holds 1 contexts and candidates 2 rows"):
        selector.score_candidates(["east"], ["west", "north"])
    for wrong, message in (
        ([None], "Row 0 of candidates is None"),
        ([["west", None]], "Text 1 in row 0 of candidates is None"),
        ([], "candidates is empty"),
        ({"west"}, "candidates is a set"),
    ):
        with pytest.raises(TextInputError, match=message):
            selector.score_candidates(["east"], wrong)
    with pytest.raises(TextInputError, match="X holds 1 contexts and y 2 replies"):
        selector.score(["east"], ["west", "north"])
