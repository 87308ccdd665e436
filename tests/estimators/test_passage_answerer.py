"""PassageAnswerer: the right sentence and its place, silence, and refusals."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skencoder import EncoderRetriever, EncoderVectorizer, PassageAnswerer
from skencoder.errors import ParameterError, TextInputError

PASSAGES = {
    "river": "The Rhine rises in the Alps. It flows into the sea. The Rhine is 1,230 km long.",
    "cheese": "Cheese is made of milk. It was known to the Romans. Some cheeses ripen two years.",
    "tower": "The tower was completed in 1889. The tower is 330 metres tall. It is made of iron.",
    "bees": "A bee colony has one queen. Worker bees collect nectar. In winter they form a ball.",
}
QUESTIONS = {
    "Where does the Rhine begin?": "Alps",
    "How long is the Rhine?": "1,230 km",
    "What is cheese made from?": "milk",
    "How long do some cheeses ripen?": "two years",
    "When was the tower completed?": "1889",
    "How tall is the tower?": "330",
    "How many queens does a bee colony have?": "one queen",
    "What do worker bees gather?": "nectar",
}
OWNERS = ["river", "river", "cheese", "cheese", "tower", "tower", "bees", "bees"]


def make(text_encoder, **parameters):
    retriever = EncoderRetriever(EncoderVectorizer(text_encoder, overflow="truncate"))
    return PassageAnswerer(retriever, **parameters)


@pytest.fixture
def answerer(text_encoder):
    return make(text_encoder).fit(list(PASSAGES.values()), list(PASSAGES))


def test_questions_are_answered_with_the_sentence_and_its_place(answerer):
    table = answerer.answer(list(QUESTIONS))
    for row, wanted, owner in zip(table.itertuples(), QUESTIONS.values(), OWNERS, strict=True):
        assert wanted in row.answer
        assert row.passage == owner
        assert PASSAGES[owner][row.start : row.stop] == row.answer
    assert answerer.predict(list(QUESTIONS)).tolist() == table["answer"].tolist()
    assert answerer.score(list(QUESTIONS), list(QUESTIONS.values())) == 1
    assert answerer.n_sentences_ == 12


def test_the_score_is_what_it_is_said_to_be(answerer, text_encoder):
    question, sentence = "How tall is the tower?", "The tower is 330 metres tall."
    row = answerer.answer([question]).iloc[0]
    assert row["answer"] == sentence
    encode = EncoderVectorizer(text_encoder).fit(["."]).transform
    asked, own, passage = encode([question, sentence, PASSAGES["tower"]]).astype(float)
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    sentences = [s for text in PASSAGES.values() for s in text.replace(". ", ".\n").split("\n")]
    words.fit(sentences)
    shared = (words.transform([question]) @ words.transform([sentence]).T).toarray()[0, 0]
    expected = (asked @ own + 0.3 * asked @ passage + 1.0 * shared) / 2.3
    assert row["score"] == pytest.approx(expected, abs=1e-5)


def test_no_other_sentence_is_worth_more(text_encoder, docs):
    """Each passage alone gives no better one than all together, and one as good."""
    texts = docs.data[:300:25].tolist()
    questions = [text.partition("\n")[0] for text in docs.data[5:300:50]]
    # Words weigh differently in another corpus.
    answerer = make(text_encoder, n_passages=12, word_weight=0.0)
    together = answerer.fit(texts).answer(questions)["score"].to_numpy()
    alone = [answerer.fit([text]).answer(questions)["score"].to_numpy() for text in texts]
    np.testing.assert_allclose(together, np.max(alone, axis=0), atol=1e-6)


def test_questions_and_passages_in_any_order_give_the_same(answerer):
    table = answerer.answer(list(QUESTIONS))
    back = answerer.fit(list(PASSAGES.values())[::-1], list(PASSAGES)[::-1]).answer(
        list(QUESTIONS)[::-1]
    )
    assert back["answer"].tolist()[::-1] == table["answer"].tolist()
    np.testing.assert_allclose(back["score"].to_numpy()[::-1], table["score"], atol=1e-6)


def test_many_questions_are_compared_block_by_block(answerer):
    questions = list(QUESTIONS) * 40
    table = answerer.answer(questions)
    assert table["answer"].tolist() == answerer.predict(list(QUESTIONS)).tolist() * 40


def test_a_question_whose_passage_is_left_out_is_answered_from_another(answerer):
    table = answerer.answer(list(QUESTIONS), exclude=OWNERS)
    assert all(one != other for one, other in zip(table["passage"], OWNERS, strict=True))
    assert (table["score"] < answerer.answer(list(QUESTIONS))["score"]).all()
    some = answerer.answer(list(QUESTIONS)[:2], exclude=["river", None])
    assert some["passage"][0] != "river"
    assert some["passage"][1] == "river"


def test_the_threshold_tells_answers_from_silence(answerer):
    """Half of the questions choose it, the other half, with and without passages, show it."""
    questions, answers = list(QUESTIONS), list(QUESTIONS.values())
    none = [None] * 4
    answerer.calibrate(questions[::2] * 2, [*answers[::2], *none], exclude=[*none, *OWNERS[::2]])
    judged = (questions[1::2] * 2, [*answers[1::2], *none])
    exclude = [*none, *OWNERS[1::2]]
    with_threshold = answerer.score(*judged, exclude=exclude)
    answerer.threshold_ = -np.inf
    assert answerer.score(*judged, exclude=exclude) == 0.5
    assert with_threshold > 0.7


def test_a_precision_can_be_asked_for(answerer):
    questions, answers = list(QUESTIONS), list(QUESTIONS.values())
    answers[0] = "nowhere"
    answerer.calibrate(questions, answers, min_precision=1.0)
    table = answerer.answer(questions)
    assert table["answer"][0] is None or table["score"][0] < table["score"].max()
    assert answerer.threshold_ > table["score"][0]


def test_below_the_threshold_there_is_nothing(text_encoder):
    silent = make(text_encoder, threshold=2.0).fit(list(PASSAGES.values()))
    table = silent.answer(["How tall is the tower?"])
    assert table["answer"][0] is None
    assert table["passage"][0] is None
    assert table[["start", "stop"]].isna().all(axis=None)
    assert np.isfinite(table["score"][0])
    assert silent.predict(["How tall is the tower?"]).tolist() == [None]
    assert silent.score(["How tall is the tower?"], [None]) == 1


def test_answers_may_be_several_and_of_any_case(answerer):
    question = ["How tall is the tower?"]
    assert answerer.score(question, ["METRES"]) == 1
    assert answerer.score(question, ["330\nmetres "]) == 1
    assert answerer.score(question, [["feet", "metres"]]) == 1
    assert answerer.score(question, [["feet", "inches"]]) == 0
    assert answerer.score(question, [[]]) == 0
    assert answerer.score(question, [{"feet", "330"}]) == 1


def test_none_in_a_column_of_a_table_is_nan(text_encoder):
    """What pandas makes of a missing answer, and of an id."""
    silent = make(text_encoder, threshold=2.0).fit(list(PASSAGES.values()), list(PASSAGES))
    questions = list(QUESTIONS)[:3]
    for none in (None, float("nan"), pd.NA):
        assert silent.score(questions, [none, None, "milk"]) == pytest.approx(2 / 3)
    column = pd.Series(["Alps", None, "milk"], dtype="string")
    assert silent.score(questions, column) == pytest.approx(1 / 3)
    excluded = pd.Series(["river", None, float("nan")])
    silent.threshold_ = -np.inf
    found = silent.answer(questions, exclude=excluded)["passage"].tolist()
    assert found[0] != "river"
    assert found[1:] == ["river", "cheese"]


RIVER = "Where does the Rhine begin?"


@pytest.mark.parametrize(
    ("parameters", "scale"),
    [
        ({}, lambda cosine: cosine),
        ({"metric": "dot"}, lambda cosine: cosine),
        ({"metric": "euclidean"}, lambda cosine: -np.sqrt(2 - 2 * cosine)),
        # First in both rankings.
        ({"lexical": "bm25"}, lambda cosine: 1.0),
        ({"reranker": lambda pairs: [40.0 * (RIVER in q) for q, _ in pairs]}, lambda cosine: 1.0),
        ({"reranker": lambda pairs: [-1.0 for _ in pairs]}, lambda cosine: 1 / (1 + np.e)),
    ],
    ids=["cosine", "dot", "euclidean", "fusion", "sure reranker", "unsure reranker"],
)
def test_a_passage_s_score_is_on_the_scale_that_is_said(text_encoder, parameters, scale):
    """By how much the best sentence's worth grows with the passage's weight."""
    if "lexical" in parameters:
        pytest.importorskip("bm25s")
    encoder = EncoderVectorizer(text_encoder)
    retriever = EncoderRetriever(encoder, **parameters)
    cosine = float(np.prod(encoder.fit(["."]).transform([RIVER, PASSAGES["river"]]), 0).sum())
    worth = {}
    for weight in (0.0, 1.0):
        answerer = PassageAnswerer(retriever, passage_weight=weight, word_weight=0.0, n_passages=1)
        table = answerer.fit([PASSAGES["river"]]).answer([RIVER])
        worth[weight] = table["score"][0] * (1 + weight)
    assert worth[1.0] - worth[0.0] == pytest.approx(scale(cosine), abs=1e-4)


@pytest.mark.parametrize(
    "limited",
    [
        {"reranker": lambda pairs: [len(text) for _, text in pairs], "n_reranked": 3},
        {"lexical": "bm25", "n_candidates": 3},
    ],
    ids=["reranker", "fusion"],
)
def test_a_passage_may_be_left_out_where_no_more_are_ranked(text_encoder, limited):
    if "lexical" in limited:
        pytest.importorskip("bm25s")
    retriever = EncoderRetriever(EncoderVectorizer(text_encoder), **limited)
    answerer = PassageAnswerer(retriever, n_passages=3).fit(
        list(PASSAGES.values()), list(PASSAGES)
    )
    questions = list(QUESTIONS)
    plain = answerer.answer(questions)
    pd.testing.assert_frame_equal(answerer.answer(questions, exclude=[None] * 8), plain)
    without = answerer.answer(questions, exclude=OWNERS)
    assert (without["passage"] != OWNERS).all()
    assert without["passage"].notna().all()
    with pytest.raises(ParameterError, match="4 documents are to be ranked"):
        answerer.set_params(n_passages=4).fit(list(PASSAGES.values())).answer(questions)


def test_what_is_set_later_counts_from_the_next_fit(answerer):
    questions, answers = list(QUESTIONS), list(QUESTIONS.values())
    answerer.calibrate(questions, answers)
    before = answerer.answer(questions)
    answerer.set_params(word_weight=0.0, passage_weight=9.0, n_passages=1, threshold=2.0)
    pd.testing.assert_frame_equal(answerer.answer(questions), before)
    answerer.fit(list(PASSAGES.values()), list(PASSAGES))
    assert answerer.predict(questions).tolist() == [None] * 8


def test_words_help_where_names_decide(text_encoder):
    passages = [
        f"Part {name} weighs {kilos} kg." for name, kilos in zip("ABCDEFGH", range(8), strict=True)
    ]
    question = ["How much does part F weigh?"]
    assert make(text_encoder).fit(passages).predict(question).tolist() == [passages[5]]


def test_context_gives_pronouns_their_meaning(text_encoder):
    """Only its neighbours say what "it" is; the place stays that of the sentence."""
    passages = [
        "The old bridge crosses the river Aare. It was finished in 1756.",
        "The old church stands on a hill. It was finished in 1421.",
    ]
    question = "When was the church finished?"
    found = {}
    for context in (0, 1):
        answerer = make(text_encoder, context=context, word_weight=0.0, passage_weight=0.0)
        row = answerer.fit(passages).answer([question]).iloc[0]
        assert passages[row["passage"]][row["start"] : row["stop"]] == row["answer"]
        found[context] = row["score"]
    # With its neighbour a sentence is all that the passage says.
    encode = EncoderVectorizer(text_encoder).fit(["."]).transform
    asked, *vectors = encode(
        [question, passages[1], *passages[1].replace(". ", ".\n").split("\n")]
    )
    assert found[1] == pytest.approx(float(asked @ vectors[0]), abs=1e-5)
    assert found[0] == pytest.approx(float(max(asked @ v for v in vectors[1:])), abs=1e-5)
    assert found[1] != pytest.approx(found[0], abs=1e-2)


def test_empty_passages_and_passages_without_words(text_encoder):
    answerer = make(text_encoder).fit(["", "!?", "  ", "\N{GRINNING FACE}"])
    assert answerer.n_sentences_ == 2
    assert answerer.predict(["What is this?"]).tolist() != [None]
    one = make(text_encoder, n_passages=1).fit(["", "A sentence here."])
    # An empty question is nearest to the empty passage, which has no sentence.
    nothing = one.answer([""])
    assert nothing["answer"].tolist() == [None]
    assert nothing["score"].tolist() == [-np.inf]
    assert one.answer(["Which sentence?"])["answer"].tolist() == ["A sentence here."]


def test_any_dense_transformer_serves():
    encoder = make_pipeline(TfidfVectorizer(), TruncatedSVD(8, random_state=0))
    answerer = PassageAnswerer(EncoderRetriever(encoder)).fit(list(PASSAGES.values()))
    assert "1889" in answerer.predict(["When was the tower finished?"])[0]


def test_it_is_an_estimator_like_any_other(answerer):
    assert clone(answerer).get_params().keys() == answerer.get_params().keys()
    with pytest.raises(NotFittedError):
        PassageAnswerer().predict(["Who?"])
    copied = pickle.loads(pickle.dumps(answerer))
    assert copied.predict(list(QUESTIONS)).tolist() == answerer.predict(list(QUESTIONS)).tolist()
    answerer.fit(["Only this."])
    assert answerer.predict(["What?"]).tolist() == ["Only this."]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"retriever": EncoderVectorizer()}, "retriever must be an EncoderRetriever"),
        ({"n_passages": 0}, "n_passages must be an integer of at least 1"),
        ({"context": -1}, "context must be an integer of at least 0"),
        ({"passage_weight": -1}, "passage_weight must not be negative"),
        ({"word_weight": np.inf}, "word_weight must be a finite number"),
        ({"threshold": "high"}, "threshold must be a finite number"),
        ({"language": None}, "language must be a code"),
    ],
)
def test_garbage_is_refused_in_fit_and_not_before(parameters, message):
    answerer = PassageAnswerer(**parameters)
    with pytest.raises(ParameterError, match=message):
        answerer.fit(list(PASSAGES.values()))


def test_wrong_input_is_refused(answerer):
    for wrong in ("one text", [], [None], [3]):
        with pytest.raises(TextInputError):
            answerer.fit(wrong)
        with pytest.raises(TextInputError):
            answerer.answer(wrong)
    with pytest.raises(TextInputError, match="X has no sentence"):
        answerer.fit(["", " "])
    with pytest.raises(ParameterError, match="'lake', which is no passage's id"):
        answerer.answer(["Where?"], exclude=["lake"])
    with pytest.raises(ParameterError, match="exclude must hold one entry per question"):
        answerer.answer(["Where?"], exclude=["river", "bees"])
    with pytest.raises(ParameterError, match="answers must hold one entry per question"):
        answerer.score(["Where?"], "Alps")
    for answer in (" ", 3, ["Alps", None], [float("nan")], {"Alps": 1}):
        with pytest.raises(ParameterError, match="no empty one"):
            answerer.score(["Where?"], [answer])
    with pytest.raises(ParameterError, match="'same' twice"):
        answerer.fit(["One.", "Two."], ["same", "same"])


@pytest.mark.data
@pytest.mark.minutes
def test_xquad_is_answered_better_than_by_words(data_root):
    """The figures of docs/question-answering.md."""
    pytest.importorskip("bm25s")
    from benchmarks.answers import run_answers

    words, vectors, both = run_answers(data_root / "mteb")
    assert len(both.right) == 307
    assert both.right.mean() > words.right.mean()
    assert both.right.mean() > vectors.right.mean()
    assert both.auroc > words.auroc
