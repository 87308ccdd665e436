"""A retriever is chosen by GridSearchCV on queries; its corpus is encoded once."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from skencoder import (
    Corpus,
    EmbeddingCache,
    EncoderRetriever,
    EncoderVectorizer,
    FixedCorpusRetriever,
    release,
)
from skencoder.errors import ParameterError, TextInputError
from skencoder.metrics import make_retrieval_scorer
from tests.encode_once.test_workers import run_here


@pytest.fixture(scope="module")
def known_items(docs):
    """First sentences of real documents find the rest of them."""
    parts = [text.partition(".") for text in docs.data if 12 < len(text.split()) < 60]
    pairs = [(first, rest) for first, _, rest in parts if len(rest.split()) > 6][:60]
    queries = [first for first, _ in pairs[::2]]
    documents = [rest.strip() for _, rest in pairs]
    names = [f"doc-{row:02d}" for row in range(len(documents))]
    return queries, names[::2], documents, names


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


def test_a_search_encodes_the_corpus_once(tiny_bert, cache, known_items):
    queries, relevant, documents, names = known_items
    encoder = EncoderVectorizer(tiny_bert, cache=cache)
    release()
    search = GridSearchCV(
        FixedCorpusRetriever(EncoderRetriever(encoder), Corpus(documents, names)),
        {
            "retriever__encoder__truncate_dim": [8, 32],
            "retriever__encoder__pooling": ["mean", "cls", "max"],
            "retriever__metric": ["cosine", "euclidean"],
            "retriever__lexical": [None, "bm25"],
        },
        cv=3,
        error_score="raise",
    ).fit(queries, relevant)
    stats = cache.stats()
    n_texts = len({*documents, *queries})
    # Besides documents and queries, prompts and weights are looked up with the text ".".
    assert n_texts <= stats.texts_encoded <= n_texts + 1
    assert stats.model_loads == 1
    assert len(search.cv_results_["params"]) == 24
    assert search.best_score_ > 0.2
    assert search.best_estimator_.predict(queries[:3]).shape == (3,)
    assert search.score(queries, relevant) == search.best_estimator_.score(queries, relevant)


def test_each_candidate_is_what_it_would_be_alone(tiny_bert, known_items):
    queries, relevant, documents, names = known_items
    corpus = Corpus(documents, names)
    grid = {
        "retriever__encoder__truncate_dim": [4, 32],
        "retriever__query_prompt": ["", "find: "],
        "retriever__document_prompt": ["", "text: "],
        "retriever__fusion_weights": [(1, 0), (1, 2)],
    }
    retriever = EncoderRetriever(EncoderVectorizer(tiny_bert), lexical="bm25")
    folds = [(np.arange(10), np.arange(10, 30)), (np.arange(20, 30), np.arange(20))]
    search = GridSearchCV(
        FixedCorpusRetriever(retriever, corpus), grid, cv=folds, error_score="raise", refit=False
    ).fit(queries, relevant)
    for number in (0, 3, 6, 9, 15):
        parameters = search.cv_results_["params"][number]
        alone = clone(retriever).set_params(
            **{name.removeprefix("retriever__"): value for name, value in parameters.items()}
        )
        alone.fit(documents, names)
        for fold, (_, rows) in enumerate(folds):
            expected = alone.score([queries[i] for i in rows], [relevant[i] for i in rows])
            assert search.cv_results_[f"split{fold}_test_score"][number] == expected
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) > 8


def test_several_metrics_from_one_search(tiny_bert, known_items):
    queries, relevant, documents, names = known_items
    graded = [{name: 2, names[-1]: 1} for name in relevant]
    scorer = make_retrieval_scorer(["ndcg@10", "recall@5", "mrr"])
    retriever = FixedCorpusRetriever(
        EncoderRetriever(EncoderVectorizer(tiny_bert)), Corpus(documents, names)
    )
    search = GridSearchCV(
        retriever,
        {"retriever__encoder__truncate_dim": [4, 32]},
        scoring=scorer,
        refit="recall@5",
        cv=3,
    ).fit(queries, graded)
    assert {"mean_test_ndcg@10", "mean_test_recall@5", "mean_test_mrr"} <= set(search.cv_results_)
    best = search.best_estimator_
    everything = scorer(best, queries, graded)
    assert everything["ndcg@10"] == pytest.approx(best.score(queries, graded))
    single = make_retrieval_scorer("recall@5")(best, queries, graded)
    assert single == everything["recall@5"]
    found = cross_validate(retriever, queries, graded, scoring=scorer, cv=3)
    assert found["test_mrr"].shape == (3,)


def test_workers_search_too(tmp_path, tiny_bert, known_items):
    job = tmp_path / "job.json"
    (tmp_path / "noting.py").write_text("class Noting: ...")
    (tmp_path / "notes").mkdir()
    job.write_text(json.dumps([str(tiny_bert), known_items, str(tmp_path / "notes")]))
    code = """
if __name__ == "__main__":
    from skencoder import Corpus, EncoderRetriever, FixedCorpusRetriever
    queries, relevant, documents, names = texts
    cache = EmbeddingCache()
    retriever = EncoderRetriever(EncoderVectorizer(model, cache=cache), lexical="bm25")
    def search(n_jobs):
        found = GridSearchCV(
            FixedCorpusRetriever(retriever, Corpus(documents, names)),
            {"retriever__fusion_weights": [(1, 0), (1, 1), (0, 1)]},
            cv=3, n_jobs=n_jobs, error_score="raise",
        )
        return found.fit(queries, relevant).cv_results_["mean_test_score"].tolist()
    found = search(2)
    stats = cache.stats()
    assert stats.texts_encoded <= len({*documents, *queries}) + 1, stats
    assert stats.model_loads == 1, stats
    assert found == search(1), found
"""
    run_here(tmp_path, code, job)


class CountingSVD(TruncatedSVD):
    """Counts its fits."""

    fits = 0

    def fit_transform(self, X, y=None):
        type(self).fits += 1
        return super().fit_transform(X, y)


def test_other_encoders_are_fitted_once_per_setting(known_items):
    queries, relevant, documents, names = known_items
    encoder = make_pipeline(TfidfVectorizer(), CountingSVD(5, random_state=0))
    grid = {
        "retriever__encoder__countingsvd__n_components": [5, 20],
        "retriever__query_prompt": [None, "q "],
        "retriever__metric": ["cosine", "dot"],
    }
    CountingSVD.fits = 0
    GridSearchCV(
        FixedCorpusRetriever(EncoderRetriever(encoder), Corpus(documents, names)),
        grid,
        cv=4,
        error_score="raise",
        refit=False,
    ).fit(queries, relevant)
    assert CountingSVD.fits == 2


def test_random_encoders_and_their_index_stay_together(known_items):
    """A setting that fails between two fits must not leave an index of another encoder."""
    queries, _, documents, names = known_items
    corpus = Corpus(documents, names)
    # Without a seed each fit gives other vectors.
    encoder = make_pipeline(TfidfVectorizer(), TruncatedSVD(5, random_state=None))
    retriever = FixedCorpusRetriever(EncoderRetriever(encoder), corpus).fit(queries)
    other = make_pipeline(TfidfVectorizer(), TruncatedSVD(6, random_state=None))
    with pytest.raises(ParameterError, match="index must be one of"):
        FixedCorpusRetriever(EncoderRetriever(other, index="none"), corpus).fit(queries)
    again = FixedCorpusRetriever(EncoderRetriever(encoder), corpus).fit(queries)
    for one in (retriever, again):
        # Each document is where its index says.
        assert one.kneighbors(documents, 1)[0].max() < 1e-5


def test_what_the_user_changes_takes_effect(tiny_bert, known_items):
    queries, _, documents, names = known_items
    encoder = EncoderVectorizer(tiny_bert)
    retriever = FixedCorpusRetriever(EncoderRetriever(encoder), Corpus(documents, names))
    before = retriever.fit(queries).kneighbors(queries)[0]
    encoder.set_params(pooling="max")
    after = retriever.fit(queries).kneighbors(queries)[0]
    alone = EncoderRetriever(clone(encoder)).fit(documents, names).kneighbors(queries)[0]
    assert not np.allclose(before, after)
    assert np.array_equal(after, alone)


def test_documents_may_be_added_to_the_best_one(tiny_bert, known_items):
    queries, _, documents, names = known_items
    corpus = Corpus(documents, names)
    make = FixedCorpusRetriever(EncoderRetriever(EncoderVectorizer(tiny_bert)), corpus)
    one, other = clone(make).fit(queries), clone(make).fit(queries)
    assert one.retriever_.index_ is other.retriever_.index_
    one.retriever_.partial_fit(["A quokka smiles."], ["quokka"]).remove(names[0])
    assert len(one.ids_) == len(names)
    assert len(one.retriever_.index_) == len(names)
    assert other.ids_.tolist() == names
    assert other.retriever_.index_.search(np.ones((1, 32), np.float32), 60)[1].max() == 59
    assert clone(make).fit(queries).predict(documents[:5]).tolist() == names[:5]


def test_a_pipeline_is_a_retriever_too(tiny_bert, known_items):
    queries, relevant, documents, names = known_items
    noisy = ["##" + query for query in queries]
    pipeline = Pipeline(
        [
            ("clean", FunctionTransformer(lambda rows: [row.lstrip("#") for row in rows])),
            ("search", EncoderRetriever(EncoderVectorizer(tiny_bert))),
        ]
    )
    search = GridSearchCV(
        FixedCorpusRetriever(pipeline, Corpus(documents, names)),
        {"retriever__search__metric": ["cosine", "euclidean"]},
        cv=3,
        error_score="raise",
    ).fit(noisy, relevant)
    plain = EncoderRetriever(EncoderVectorizer(tiny_bert)).fit(documents, names)
    assert search.score(noisy, relevant) == plain.score(queries, relevant)
    assert search.predict(noisy).tolist() == plain.predict(queries).tolist()
    found = search.best_estimator_.search(noisy[:1], 2)
    assert found["id"].tolist() == plain.search(queries[:1], 2)["id"].tolist()
    # The pipeline itself can be scored by several metrics.
    scorer = make_retrieval_scorer("mrr")
    assert scorer(search.best_estimator_.retriever_, noisy, relevant) == pytest.approx(
        make_retrieval_scorer("mrr")(plain, queries, relevant)
    )


def test_documents_may_be_a_plain_list(tiny_bert, known_items):
    queries, _, documents, _ = known_items
    retriever = FixedCorpusRetriever(EncoderRetriever(EncoderVectorizer(tiny_bert)), documents)
    assert retriever.fit(queries).ids_.tolist() == list(range(60))
    alone = EncoderRetriever(EncoderVectorizer(tiny_bert)).fit(documents)
    expected = alone.score(queries, range(0, 60, 2))
    assert clone(retriever).fit(queries).score(queries, range(0, 60, 2)) == expected


def test_refusals(tiny_bert, known_items):
    queries, relevant, documents, names = known_items
    corpus = Corpus(documents, names)
    retriever = EncoderRetriever(EncoderVectorizer(tiny_bert))
    with pytest.raises(ParameterError, match=r"relevant\[0\] holds 'x', which is no document's"):
        FixedCorpusRetriever(retriever, corpus).fit(queries, ["x", *relevant[1:]])
    with pytest.raises(ParameterError, match="relevant has 1 entries for 30 queries"):
        FixedCorpusRetriever(retriever, corpus).fit(queries, relevant[:1])
    labelled = clone(retriever).set_params(target="labels")
    with pytest.raises(ParameterError, match="target='labels', but a corpus has ids only"):
        FixedCorpusRetriever(labelled, corpus).fit(queries, relevant)
    with pytest.raises(TextInputError, match="corpus is empty; at least one text is needed"):
        FixedCorpusRetriever(retriever).fit(queries)
    with pytest.raises(TextInputError, match="queries is empty; at least one text is needed"):
        FixedCorpusRetriever(retriever, corpus).fit([])
    with pytest.raises(TextInputError, match="Row 1 of corpus is missing"):
        FixedCorpusRetriever(retriever, ["a", None]).fit(queries)
    for wrong in (TfidfVectorizer(), make_pipeline(TfidfVectorizer()), "exact"):
        with pytest.raises(ParameterError, match="retriever must be an EncoderRetriever"):
            FixedCorpusRetriever(wrong, corpus).fit(queries)
    for attempt in ("predict", "kneighbors", "search"):
        with pytest.raises(NotFittedError):
            getattr(FixedCorpusRetriever(retriever, corpus), attempt)(queries)


def test_missing_texts_are_what_the_encoder_says(tiny_bert):
    encoder = EncoderVectorizer(tiny_bert, missing="empty")
    for retriever in (EncoderRetriever(encoder), make_pipeline(EncoderRetriever(encoder))):
        fixed = FixedCorpusRetriever(retriever, ["a cat", None]).fit(["a", None], [0, 1])
        assert fixed.predict(["a cat", np.nan]).tolist() == [0, 1]
        assert fixed.score(["a cat", None], [0, 1]) == 1
    corpus = FixedCorpusRetriever(EncoderRetriever(encoder), Corpus(["a cat", ""]))
    assert corpus.fit([None]).predict([None]).tolist() == [1]


def test_fitted_encoders_are_told_apart(known_items):
    """What is frozen is not what its parameters say, but what it has learned."""
    queries, _, documents, names = known_items
    corpus = Corpus(documents, names)

    def freeze(texts):
        return FrozenEstimator(
            make_pipeline(TfidfVectorizer(), TruncatedSVD(5, random_state=0)).fit(texts)
        )

    one, other = freeze(documents), freeze(documents[::3])
    for encoder in (one, make_pipeline(other, Normalizer()), other, one):
        shared = FixedCorpusRetriever(EncoderRetriever(encoder), corpus).fit(queries)
        alone = EncoderRetriever(encoder).fit(documents, names)
        for found, expected in zip(
            shared.kneighbors(queries), alone.kneighbors(queries), strict=True
        ):
            assert np.array_equal(found, expected)


def test_a_frozen_encoder_is_used_once_for_all_folds(known_items):
    queries, relevant, documents, names = known_items
    encoder = make_pipeline(TfidfVectorizer(), CountingSVD(5, random_state=0)).fit(documents)
    corpus, indexes = Corpus(documents, names), []
    for _ in range(3):
        retriever = FixedCorpusRetriever(EncoderRetriever(FrozenEstimator(encoder)), corpus)
        indexes.append(clone(retriever).fit(queries, relevant).retriever_.index_)
    # Kept until here: what is gone gives its id to the next.
    assert len({id(index) for index in indexes}) == 3
    frozen = FixedCorpusRetriever(EncoderRetriever(FrozenEstimator(encoder)), corpus)
    indexes = [clone(frozen).fit(queries).retriever_.index_ for _ in range(3)]
    assert len({id(index) for index in indexes}) == 1
