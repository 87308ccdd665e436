"""What a retriever refuses, each in a sentence that names it; never a wrong answer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin

from skencoder import Corpus, EncoderRetriever, EncoderVectorizer
from skencoder.errors import CheckpointNotFoundError, ParameterError, TextInputError

TEXTS = ["Cats purr.", "Trains leave at noon.", "Bread is baked.", "Dogs bark."]
NAMES = ["cats", "trains", "bread", "dogs"]


@pytest.fixture(scope="module")
def make(tiny_bert):
    def make(**parameters):
        return EncoderRetriever(EncoderVectorizer(tiny_bert), **parameters)

    return make


@pytest.fixture
def fitted(make):
    return make(n_neighbors=2).fit(TEXTS, NAMES)


def test_more_neighbours_than_documents(make, fitted):
    for attempt in (fitted.kneighbors, fitted.search):
        with pytest.raises(ParameterError, match="n_neighbors=5, but there are only 4 documents"):
            attempt(["kitten"], 5)
    with pytest.raises(ParameterError, match="n_neighbors=10, but there are only 4 documents"):
        make().fit(TEXTS).transform(["kitten"])
    fitted.remove(["cats", "dogs"])
    assert fitted.kneighbors(["kitten"])[1].shape == (1, 2)
    with pytest.raises(ParameterError, match="n_neighbors=3, but there are only 2"):
        fitted.kneighbors(["kitten"], 3)


def test_more_than_a_stage_gives(make):
    hybrid = make(lexical="bm25", n_candidates=3).fit(TEXTS)
    with pytest.raises(ParameterError, match="4 documents are to be ranked, but only n_cand.*=3"):
        hybrid.kneighbors(["kitten"], 4)
    reranked = make(reranker=lambda pairs: [0] * len(pairs), n_reranked=3).fit(TEXTS)
    with pytest.raises(ParameterError, match="4 documents are to be ranked, but only n_reran.*=3"):
        reranked.kneighbors(["kitten"], 4)
    both = make(lexical="bm25", n_candidates=2, reranker=len, n_reranked=3).fit(TEXTS)
    with pytest.raises(ParameterError, match="3 documents are to be ranked, but only n_cand.*=2"):
        both.kneighbors(["kitten"], 1)


@pytest.mark.parametrize(
    "documents", [[], (), np.array([]), pd.Series([], dtype=object), iter(())]
)
def test_an_empty_corpus(make, documents):
    with pytest.raises(TextInputError, match="empty; at least one text is needed"):
        make().fit(documents)
    with pytest.raises(TextInputError, match="empty; at least one text is needed"):
        Corpus(documents)


def test_an_emptied_corpus(fitted):
    with pytest.raises(ParameterError, match="names all 4 documents, and none would be left"):
        fitted.remove(NAMES)
    assert fitted.n_documents_ == 4


@pytest.mark.parametrize("ids", [["a", "b", "c", "a"], [1, 2, 3, 1], np.array([7, 7, 8, 9])])
def test_ids_that_are_there_twice(make, ids):
    with pytest.raises(ParameterError, match=r"y holds \S+ twice, in rows \d and \d"):
        make().fit(TEXTS, ids)
    with pytest.raises(ParameterError, match=r"y holds \S+ twice, in rows \d and \d"):
        Corpus(TEXTS, ids)


def test_an_id_that_is_added_again(fitted):
    with pytest.raises(ParameterError, match="y holds 'bread', which is a document's id already"):
        fitted.partial_fit(["Buns"], ["bread"])
    with pytest.raises(ParameterError, match="y must hold ids, because"):
        fitted.partial_fit(["Buns"])
    with pytest.raises(ParameterError, match="ids of the type that is there"):
        fitted.partial_fit(["Buns"], [3])
    assert fitted.n_documents_ == len(fitted.index_) == 4


def test_numbers_are_not_mixed_with_ids(make):
    numbered = make().fit(TEXTS)
    with pytest.raises(ParameterError, match="y must be None, because"):
        numbered.partial_fit(["Buns"], [9])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b"], "y has 2 values for 4 documents"),
        (["a", "b", "c", 4], "all str or all int; got int, str"),
        ([1.0, 2.0, 3.0, 4.0], "all str or all int; got float"),
        ([None, "b", "c", "d"], "all str or all int; got NoneType, str"),
        ([True, False, 2, 3], "all str or all int"),
        ("abcd", "y must be a list, array or Series"),
        ({"a", "b", "c", "d"}, "y must be a list, array or Series"),
        (5, "y must be a list, array or Series"),
        (np.zeros((4, 2)), r"y must have one dimension; got shape \(4, 2\)"),
    ],
)
def test_ids_of_another_kind(make, ids, message):
    with pytest.raises(ParameterError, match=message):
        make().fit(TEXTS, ids)


def test_unknown_ids(fitted):
    with pytest.raises(ParameterError, match="ids holds 'mice', which is no document's id"):
        fitted.remove(["cats", "mice"])
    with pytest.raises(ParameterError, match="ids holds 0, which is no document's id"):
        fitted.remove(0)
    assert fitted.n_documents_ == 4
    for relevant in (["mice", "cats"], [{"cats", "mice"}, "cats"], [{"mice": 2}, "cats"]):
        with pytest.raises(ParameterError, match=r"relevant\[0\] holds 'mice', which is no docum"):
            fitted.score(["kitten", "cat"], relevant)
    with pytest.raises(
        ParameterError, match="holds 0, which is no document's id; the ids are str"
    ):
        fitted.score(["kitten"], [0])


@pytest.mark.parametrize(
    ("relevant", "message"),
    [
        (["cats", "dogs"], "relevant has 2 entries for 1 queries"),
        ("cats", "relevant must be a list with one entry per query"),
        ({"cats"}, "relevant must be a list with one entry per query"),
        ({"q": "cats"}, "relevant must be a list with one entry per query"),
        (None, "relevant must be a list with one entry per query"),
        ([set()], r"relevant\[0\] holds no relevant document"),
        ([3.5], r"relevant\[0\] is 3.5"),
    ],
)
def test_what_is_relevant_is_checked(fitted, relevant, message):
    with pytest.raises(ParameterError, match=message):
        fitted.score(["kitten"], relevant)


@pytest.mark.parametrize(
    "queries", ["kitten", b"kitten", 7, [7], [["kitten"]], [None], {"q": "kitten"}, np.eye(2), []]
)
def test_queries_of_another_type(fitted, queries):
    for attempt in (fitted.kneighbors, fitted.search, fitted.predict, fitted.transform):
        with pytest.raises(TextInputError):
            attempt(queries)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metric": "manhattan"}, "metric must be one of cosine, dot, euclidean"),
        ({"index": "tree"}, "index must be one of"),
        ({"index": 3}, "index must be one of"),
        ({"index_options": [1]}, "index_options must be a dict"),
        ({"target": "names"}, "target must be one of ids, labels"),
        ({"target": "labels"}, "y is None, but target='labels'"),
        ({"mode": "graph"}, "mode must be one of distance, similarity"),
        ({"lexical": "tfidf"}, "lexical must be None, 'bm25' or BM25Options"),
        ({"lexical": True}, "lexical must be None"),
        ({"fusion_weights": 2}, "fusion_weights must be two numbers"),
        ({"fusion_weights": (1, 2, 3)}, "fusion_weights must be two numbers"),
        ({"fusion_weights": (0, 0)}, "not both 0"),
        ({"fusion_weights": (1, -1)}, "none negative"),
        ({"fusion_weights": (1, np.nan)}, "fusion_weights must be a finite number"),
        ({"rank_constant": -1}, "rank_constant must not be negative"),
        ({"rank_constant": "60"}, "rank_constant must be a finite number"),
        ({"n_candidates": 0}, "n_candidates must be an integer of at least 1"),
        ({"n_reranked": 2.5}, "n_reranked must be an integer of at least 1"),
        ({"reranker": 3}, r"reranker must have a method predict\(pairs\)"),
        ({"query_prompt": 3}, "query_prompt must be a str or None"),
        ({"document_prompt": ["P"]}, "document_prompt must be a str or None"),
        ({"encoder": "all-MiniLM-L6-v2"}, "encoder must be a transformer"),
        ({"encoder": EncoderVectorizer}, "encoder must be a transformer"),
        ({"encoder": EncoderVectorizer(input="filename")}, "encoder reads input='filename'"),
    ],
)
def test_garbage_is_refused_by_fit(make, parameters, message):
    with pytest.raises(ParameterError, match=message):
        make().set_params(**parameters).fit(TEXTS)


def test_a_search_checks_what_it_reads(fitted):
    fitted.set_params(fusion_weights=(0, 0))
    with pytest.raises(ParameterError, match="fusion_weights"):
        fitted.kneighbors(["kitten"])


def test_a_model_that_is_not_there():
    with pytest.raises(CheckpointNotFoundError):
        EncoderRetriever(EncoderVectorizer("./nowhere")).fit(TEXTS)


class Faulty(TransformerMixin, BaseEstimator):
    """Gives something else than one vector per text."""

    def __init__(self, given):
        self.given = given

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return self.given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones((3, 2)), r"gave shape \(3, 2\).*for 4 texts"),
        (np.ones(4), "one vector per text"),
        (np.array([[1.0], [2.0], [np.nan], [3.0]]), "gave NaN or infinity for text 2"),
        (np.array([["a"]] * 4), "one vector per text"),
    ],
)
def test_an_encoder_that_gives_no_vectors(given, message):
    with pytest.raises(ParameterError, match=message):
        EncoderRetriever(Faulty(given)).fit(TEXTS)


def test_missing_documents_are_refused_or_empty(make, tiny_bert):
    with pytest.raises(TextInputError, match="Row 1 of documents is missing"):
        make().fit(["a", None])
    lenient = EncoderRetriever(EncoderVectorizer(tiny_bert, missing="empty"), n_neighbors=1)
    assert list(lenient.fit(["a", None]).documents_) == ["a", ""]
    assert lenient.predict([np.nan]).tolist() == [1]
