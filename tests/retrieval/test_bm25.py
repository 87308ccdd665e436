"""BM25 against its formula, and what it does with words that are not there."""

import math
import sys

import numpy as np
import pytest

pytest.importorskip("bm25s")

from skencoder.errors import IndexFileError, MissingExtraError, ParameterError
from skencoder.retrieval import BM25Index, BM25Options

TEXTS = [
    "The cat sat on the mat.",
    "Cats and dogs are running; the dogs run fast.",
    "A mat, a mat, a mat!",
    "",
    "Nothing of that kind",
]


def formula(texts, query, options):
    """BM25 with Lucene's idf, as bm25s documents it: ln(1 + (N - n + 0.5) / (n + 0.5))."""
    documents, words = options.split(texts), options.split([query])[0]
    average = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for word in words:
            n = sum(word in other for other in documents)
            idf = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            tf = document.count(word)
            norm = options.k1 * (1 - options.b + options.b * len(document) / average)
            score += idf * tf / (tf + norm)
        scores.append(score)
    return np.array(scores)


@pytest.mark.parametrize("query", ["cats on a mat", "running dogs", "mat mat", "nothing"])
@pytest.mark.parametrize("options", [BM25Options(), BM25Options(k1=0.9, b=0.4, language=None)])
def test_scores_are_the_formula(query, options):
    expected = formula(TEXTS, query, options)
    found = BM25Index(TEXTS, options).search([query], 5)
    order = np.argsort(-expected, kind="stable")
    n_found = int((expected > 0).sum())
    assert found.positions[0].tolist() == [*order[:n_found].tolist(), *[-1] * (5 - n_found)]
    np.testing.assert_allclose(found.scores[0, :n_found], expected[order[:n_found]], rtol=1e-5)
    assert np.isneginf(found.scores[0, n_found:]).all()


def test_words_are_brought_to_their_stems_and_stop_words_left_out():
    english = BM25Options().split(["The runners were running to the mats"])
    assert english == [["runner", "were", "run", "mat"]]
    assert BM25Options(language="german").split(["die Häuser"]) == [["haus"]]
    assert BM25Options(language=None).split(["The runners"]) == [["the", "runners"]]
    assert BM25Options(tokenize=list).split(["ab c"]) == [["a", "b", " ", "c"]]


def test_equal_documents_are_ordered_by_position_wherever_the_cut_is():
    index = BM25Index(["same words here"] * 6 + ["other"], BM25Options())
    for n in range(1, 8):
        expected = [*range(min(n, 6)), *[-1] * (n - 6)]
        assert index.search(["words"], n).positions[0].tolist() == expected


def test_queries_in_any_batch_give_the_same(docs):
    texts, queries = list(docs.data[:300]), list(docs.data[300:320])
    index = BM25Index(texts, BM25Options())
    together = index.search(queries, 20)
    for row in (7, 0, 19):
        alone = index.search([queries[row]], 20)
        assert np.array_equal(alone.positions[0], together.positions[row])
        assert np.array_equal(alone.scores[0], together.scores[row])
    fewer = index.search(queries, 3)
    assert np.array_equal(fewer.positions, together.positions[:, :3])


@pytest.mark.parametrize("texts", [["", ""], ["the", "of"]])
def test_documents_without_words_are_found_by_nothing(texts, tmp_path):
    index = BM25Index(texts, BM25Options())
    assert index.search(["the cat", ""], 2).positions.tolist() == [[-1, -1], [-1, -1]]
    index.save(tmp_path / "words")
    loaded = BM25Index.load(tmp_path / "words", 2, BM25Options())
    assert loaded.search(["the"], 2).positions.tolist() == [[-1, -1]]


def test_saved_and_loaded_is_the_same(tmp_path, docs):
    texts = list(docs.data[:100])
    index = BM25Index(texts, BM25Options(k1=1.2))
    index.save(tmp_path / "words")
    loaded = BM25Index.load(tmp_path / "words", 100, BM25Options(k1=1.2))
    queries = list(docs.data[50:60])
    assert np.array_equal(loaded.search(queries, 9).scores, index.search(queries, 9).scores)
    assert np.array_equal(loaded.search(queries, 9).positions, index.search(queries, 9).positions)


def test_damaged_files_are_named(tmp_path):
    BM25Index(TEXTS, BM25Options()).save(tmp_path / "words")
    with pytest.raises(IndexFileError, match="has 5 documents, but 7 were saved"):
        BM25Index.load(tmp_path / "words", 7, BM25Options())
    with pytest.raises(IndexFileError, match="nowhere is missing"):
        BM25Index.load(tmp_path / "nowhere", 5, BM25Options())
    (tmp_path / "words" / "data.csc.index.npy").write_bytes(b"no numbers")
    with pytest.raises(IndexFileError, match="cannot be read as an index"):
        BM25Index.load(tmp_path / "words", 5, BM25Options())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": 3}, "language must be a str or None"),
        ({"k1": -1}, "k1 must be a number from 0 on"),
        ({"k1": math.inf}, "k1 must be a number from 0 on"),
        ({"b": 1.5}, "b must be a number from 0 to 1"),
        ({"b": "much"}, "b must be a number"),
        ({"tokenize": "words"}, "tokenize must be callable"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ParameterError, match=message):
        BM25Options(**options)


def test_what_shows_only_with_texts_is_refused_there():
    with pytest.raises(ParameterError, match="language must be None or one of.*english"):
        BM25Index(TEXTS, BM25Options(language="klingon"))
    with pytest.raises(ParameterError, match="tokenize must give a list of str"):
        BM25Index(TEXTS, BM25Options(tokenize=lambda text: [1, 2]))


@pytest.mark.parametrize("library", ["bm25s", "Stemmer"])
def test_a_missing_library_is_named_with_its_extra(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"needs {library}.*skencoder\[lexical\]"):
        BM25Index(TEXTS, BM25Options())
