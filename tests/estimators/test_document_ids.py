"""Ids and labels are taken as they are, or refused by name; when they came does not matter."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skencoder import Corpus, EncoderRetriever
from skencoder.errors import ParameterError
from skencoder.metrics import make_retrieval_scorer
from tests.estimators.planted import Planted

VECTORS = {
    "red cat": [3, 1, 0],
    "blue dog": [0, 3, 1],
    "green fish": [1, 0, 3],
    "cat": [2, 0, 0],
    "fish": [0, 0, 2],
    "": [0, 0, 0],
}
DOCUMENTS = ["red cat", "blue dog", "green fish", "red cat"]


def make(**parameters):
    return EncoderRetriever(Planted(VECTORS), **{"n_neighbors": 2} | parameters)


def found(retriever, query, k):
    return retriever.search([query], k)["id"].tolist()


# --- ids that come later


@pytest.mark.parametrize("lexical", [None, "bm25"])
@pytest.mark.parametrize("index", ["exact", "hnsw", "faiss"])
@pytest.mark.parametrize("as_id", [int, lambda number: f"doc-{number}"], ids=["int", "str"])
def test_of_equal_documents_the_lower_id_comes_first(lexical, index, as_id, tmp_path):
    """However the documents came in, and of queries that are near to none as well."""
    for library in {"hnsw": ["usearch"], "faiss": ["faiss"]}.get(index, []):
        pytest.importorskip(library)
    rng = np.random.default_rng(0)
    texts = [text for text in DOCUMENTS[:3] for _ in range(8)]
    names = [as_id(number) for number in rng.permutation(24)]
    parameters = {"lexical": lexical, "index": index}
    whole = make(**parameters).fit(texts, names)
    grown = make(**parameters).fit(texts[::3], names[::3])
    grown.partial_fit(texts[1::3], names[1::3]).partial_fit(texts[2::3], names[2::3])
    less = make(**parameters).fit(texts[2:], names[2:])

    def same(one, other):
        assert [found(one, query, 12) for query in VECTORS] == [
            found(other, query, 12) for query in VECTORS
        ]

    same(grown, whole)
    same(pickle.loads(pickle.dumps(grown)), whole)
    # Another encoder than an EncoderVectorizer is given when a folder is opened.
    folder = grown.save(tmp_path / "saved")
    loaded = EncoderRetriever.load(folder, encoder=grown.document_encoder_)
    same(loaded, whole)
    same(loaded.remove(names[:2]), less)
    same(grown.remove(names[:2]), less)
    positions = grown.kneighbors(["cat"], 3, return_distance=False)[0]
    assert [grown.documents_[position] for position in positions] == ["red cat"] * 3


# --- ids of all kinds


@pytest.mark.parametrize("first", [2**31 - 2, 2**40, -(2**63)])
def test_large_numbers_are_ids(first):
    names = [first + row for row in range(4)]
    retriever = make().fit(DOCUMENTS, names)
    assert retriever.remove([names[1], np.int64(names[2])]).ids_.tolist() == [names[0], names[3]]
    assert retriever.score(["cat"], [names[3]]) < 1


def test_numbers_beyond_64_bits_are_refused():
    with pytest.raises(ParameterError, match=f"y holds {2**63} in row 1; an int must fit 64 bits"):
        make().fit(DOCUMENTS, [1, 2**63, 3, 4])
    with pytest.raises(ParameterError, match="an int must fit 64 bits"):
        Corpus(DOCUMENTS, np.arange(4, dtype=np.uint64) + 2**63)
    with pytest.raises(ParameterError, match=f"ids holds {2**70}, which is no document's id"):
        make().fit(DOCUMENTS).remove([2**70])


def test_a_zero_byte_at_the_end_is_refused():
    """An array of numpy forgets it, so that two ids would become one."""
    with pytest.raises(ParameterError, match=r"y holds 'a\\x00' in row 1;.*a zero byte"):
        make().fit(DOCUMENTS, ["a", "a\0", "b", "c"])
    retriever = make().fit(DOCUMENTS, ["a", "\0b", "c", "d"])
    with pytest.raises(ParameterError, match="ids holds 'a.x00', which is no document's id"):
        retriever.remove("a\0")
    assert retriever.remove("\0b").ids_.tolist() == ["a", "c", "d"]


@pytest.mark.parametrize("ids", [None, 1.0, b"1", object(), np.array(1)])
def test_what_is_no_id_is_not_removed(ids):
    with pytest.raises(ParameterError, match="ids must be a document's id, or a list of ids; got"):
        make().fit(DOCUMENTS).remove(ids)


@pytest.mark.parametrize("ids", [True, [True], [1.0], [None], ["1"], [[1]], np.array([0.5])])
def test_what_is_not_equal_to_an_id_in_type_is_not_removed(ids):
    retriever = make().fit(DOCUMENTS)
    with pytest.raises(ParameterError, match="which is no document's id"):
        retriever.remove(ids)
    assert retriever.ids_.tolist() == [0, 1, 2, 3]


# --- labels


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (["a", "b", "a", "b"], np.dtype("U1")),
        ([1, 2, 1, 2], np.dtype(np.int64)),
        (np.array([1, 2, 1, 2], np.uint8), np.dtype(np.int64)),
        ([True, False, True, False], np.dtype(bool)),
        ([0.5, 1.5, 0.5, 1.5], np.dtype(np.float64)),
        (pd.Series(["a", "b", "a", "b"], dtype="category"), np.dtype("U1")),
    ],
)
def test_labels_keep_their_type(labels, dtype, tmp_path):
    retriever = make(target="labels", n_neighbors=1).fit(DOCUMENTS, labels)
    assert retriever.labels_.dtype == dtype
    assert retriever.predict(["fish"]).tolist() == [list(labels)[2]]
    retriever.partial_fit(["fish"], labels[:1])
    assert retriever.labels_.dtype == dtype
    folder = retriever.set_params(target="ids").save(tmp_path / "saved")
    loaded = EncoderRetriever.load(folder, encoder=retriever.document_encoder_)
    assert loaded.labels_.tolist() == [*labels, next(iter(labels))]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["a", 1, "a", 2], "int, str"),
        (["a", None, "a", "b"], "NoneType, str"),
        ([1.0, np.nan, 1.0, 2.0], "float, nan"),
        ([["a"], ["a", "b"], [], ["b"]], "list"),
        ([1, True, 1, 2], "bool, int"),
        ([b"a", b"b", b"a", b"b"], "bytes"),
    ],
)
def test_labels_of_several_types_are_refused(labels, shown):
    with pytest.raises(ParameterError, match=f"labels, all of the same type.*got {shown}. Conv"):
        make(target="labels").fit(DOCUMENTS, labels)


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ParameterError, match=r"y must have one dimension; got shape \(4, 1\)"):
        make(target="labels").fit(DOCUMENTS, np.array([["a"], ["b"], ["a"], ["b"]]))
    with pytest.raises(ParameterError, match="an int must fit 64 bits"):
        make(target="labels").fit(DOCUMENTS, [1, 2, 3, 2**64])


def test_added_labels_have_the_type_that_is_there():
    retriever = make(target="labels").fit(DOCUMENTS, [0, 1, 0, 1])
    for labels, message in (
        (["a"], "labels of the type that is there, int64"),
        (None, "y is None"),
    ):
        with pytest.raises(ParameterError, match=message):
            retriever.partial_fit(["cat"], labels)
    assert retriever.n_documents_ == len(retriever.index_) == len(retriever.labels_) == 4


def test_what_fit_was_told_of_y_counts_for_what_is_added():
    """A changed target takes effect at the next fit, and leaves nothing half done before."""
    retriever = make().fit(DOCUMENTS).set_params(target="labels")
    with pytest.raises(ParameterError, match="y must be None, because"):
        retriever.partial_fit(["cat"], ["a"])
    assert retriever.partial_fit(["cat"]).ids_.tolist() == [0, 1, 2, 3, 4]
    assert not hasattr(retriever, "labels_")
    labelled = make(target="labels").fit(DOCUMENTS, [0, 1, 0, 1]).set_params(target="ids")
    assert labelled.partial_fit(["cat"], [7]).labels_.tolist() == [0, 1, 0, 1, 7]
    assert not hasattr(labelled.fit(DOCUMENTS), "labels_")


def test_of_a_label_that_is_relevant_all_documents_are():
    """By hand: of the two documents of label 1 one comes first, the other third."""
    retriever = make(target="labels").fit(DOCUMENTS[:3], [1, 0, 1])
    assert found(retriever, "cat", 3) == [0, 2, 1]
    assert retriever.score(["cat"], [1]) == 1
    assert retriever.score(["cat"], [0]) == pytest.approx(1 / np.log2(4))
    graded = (1 + 1 / np.log2(3) + 2 / np.log2(4)) / (2 + 1 / np.log2(3) + 1 / np.log2(4))
    assert retriever.score(["cat"], [{1: 1, 0: 2}]) == pytest.approx(graded)
    assert make_retrieval_scorer("recall@1")(retriever, ["cat"], [{1}]) == 0.5
    assert make(target="labels").fit(DOCUMENTS, list("aaab")).score(DOCUMENTS, list("aaaa")) > 0.9
    with pytest.raises(
        ParameterError, match=r"relevant\[0\] holds 5, which is no document's label"
    ):
        retriever.score(["cat"], [5])


# --- read once


def test_documents_are_read_once():
    graph = make().fit_transform(text for text in DOCUMENTS)
    expected = make().fit(DOCUMENTS).transform(DOCUMENTS)
    assert (graph != expected).nnz == 0
    steps = make_pipeline(FunctionTransformer(lambda texts: (text for text in texts)), make())
    assert (steps.fit_transform(DOCUMENTS) != expected).nnz == 0
    labelled = make(target="labels")
    assert labelled.fit_transform(iter(DOCUMENTS), iter("abab")).shape == (4, 4)
    assert labelled.labels_.tolist() == list("abab")
