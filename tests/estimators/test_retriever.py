"""EncoderRetriever finds what a brute force finds, on real text, in any order and batch."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skencoder import EmbeddingCache, EncoderRetriever, EncoderVectorizer
from skencoder.errors import ParameterError, TextInputError
from skencoder.metrics import ndcg_score_at_k
from skencoder.retrieval import BM25Options

PARAMETERS = {
    "encoder": None,
    "metric": "cosine",
    "n_neighbors": 10,
    "index": "exact",
    "index_options": None,
    "query_prompt": None,
    "document_prompt": None,
    "target": "ids",
    "mode": "distance",
    "lexical": None,
    "fusion_weights": (1.0, 1.0),
    "rank_constant": 60,
    "n_candidates": 1000,
    "reranker": None,
    "n_reranked": 100,
}
STAGES = [{}, {"lexical": "bm25"}, {"lexical": "bm25", "n_candidates": 20, "rank_constant": 7}]


@pytest.fixture(scope="module")
def texts(docs):
    """120 short real texts, two of them twice: equal documents must be told apart by their ids."""
    short = [text for text in docs.data if 6 < len(text.split()) < 25][:118]
    return [*short, short[3], short[50]]


@pytest.fixture(scope="module")
def names(texts):
    return [f"doc-{row * 7 % 120:03d}" for row in range(len(texts))]


@pytest.fixture(scope="module")
def queries(docs):
    return [text.split(".")[0] for text in docs.data if 6 < len(text.split()) < 25][200:230]


@pytest.fixture(scope="module")
def make(tiny_bert):
    def make(**parameters):
        # Unit length off, so that the metrics differ.
        encoder = EncoderVectorizer(tiny_bert, precision="float32", normalize=False)
        return EncoderRetriever(encoder, **parameters)

    return make


def found_ids(retriever, queries, k=10):
    return retriever.ids_[retriever.kneighbors(queries, k, return_distance=False)].tolist()


def test_parameters_and_defaults():
    assert EncoderRetriever().get_params() == PARAMETERS


def test_constructor_stores_and_does_nothing_else():
    garbage = {name: object() for name in PARAMETERS}
    retriever = EncoderRetriever(**garbage)
    assert all(getattr(retriever, name) is value for name, value in garbage.items())


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_finds_what_a_brute_force_finds(make, texts, names, queries, metric):
    retriever = make(metric=metric).fit(texts, names)
    distances, positions = retriever.kneighbors(queries)
    rows = retriever.document_encoder_.transform(texts).astype(np.float64)
    asked = retriever.query_encoder_.transform(queries).astype(np.float64)
    scores = asked @ rows.T
    if metric == "cosine":
        scores /= np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(rows, axis=1)
    if metric == "euclidean":
        scores = -np.linalg.norm(asked[:, None] - rows, axis=2)
    # Of the two pairs of equal texts the one with the lower id comes first.
    rank_of_name = np.argsort(np.argsort(names))
    expected = np.stack([np.lexsort((rank_of_name, -row.round(12)))[:10] for row in scores])
    assert np.array_equal(positions, expected)
    best = np.take_along_axis(scores, expected, 1)
    wanted = 1 - best if metric == "cosine" else -best
    np.testing.assert_allclose(distances, wanted, atol=1e-5, rtol=1e-5)
    assert retriever.predict(queries).tolist() == [names[row] for row in expected[:, 0]]


@pytest.mark.parametrize("parameters", STAGES)
def test_documents_in_any_order_give_the_same(make, texts, names, queries, parameters):
    expected = found_ids(make(**parameters).fit(texts, names), queries, 15)
    rng = np.random.default_rng(0)
    for _ in range(3):
        order = rng.permutation(len(texts))
        shuffled = make(**parameters).fit([texts[i] for i in order], [names[i] for i in order])
        assert found_ids(shuffled, queries, 15) == expected


@pytest.mark.parametrize("parameters", STAGES)
def test_queries_in_any_order_and_batch_give_the_same(make, texts, names, queries, parameters):
    retriever = make(**parameters).fit(texts, names)
    expected = found_ids(retriever, queries)
    order = np.random.default_rng(1).permutation(len(queries))
    assert found_ids(retriever, [queries[i] for i in order]) == [expected[i] for i in order]
    assert [found_ids(retriever, [query])[0] for query in queries[:4]] == expected[:4]
    assert [row[:3] for row in expected] == found_ids(retriever, queries, 3)


@pytest.mark.parametrize("parameters", STAGES)
def test_added_and_removed_is_as_if_fitted_so(make, texts, names, queries, parameters):
    order = np.argsort(names)
    texts, names = [texts[i] for i in order], [names[i] for i in order]
    grown = make(**parameters).partial_fit(texts[:50], names[:50])
    grown.partial_fit(texts[50:90], names[50:90]).partial_fit(texts[90:], names[90:])
    assert grown.ids_.tolist() == names
    whole = make(**parameters).fit(texts, names)
    assert found_ids(grown, queries) == found_ids(whole, queries)
    gone = set(names[10:100:3])
    kept = [i for i, name in enumerate(names) if name not in gone]
    less = make(**parameters).fit([texts[i] for i in kept], [names[i] for i in kept])
    grown.remove(sorted(gone, reverse=True))
    assert grown.ids_.tolist() == less.ids_.tolist()
    assert list(grown.documents_) == list(less.documents_)
    assert found_ids(grown, queries) == found_ids(less, queries)
    assert grown.n_documents_ == len(grown.index_) == len(kept)
    # What was taken out may come back.
    back = [i for i, name in enumerate(names) if name in gone]
    grown.partial_fit([texts[i] for i in back], [names[i] for i in back])
    assert sorted(grown.ids_) == names


def test_removing_from_shuffled_documents(make, texts, names, queries):
    retriever = make().fit(texts, names).remove(names[40]).remove([names[0], names[119]])
    kept = [row for row in range(120) if row not in (0, 40, 119)]
    expected = make().fit([texts[i] for i in kept], [names[i] for i in kept])
    assert found_ids(retriever, queries) == found_ids(expected, queries)


def test_numbers_are_never_given_twice(make, texts):
    retriever = make(n_neighbors=1).fit(texts[:3]).remove([2, 0])
    retriever.partial_fit(texts[3:5])
    assert retriever.ids_.tolist() == [1, 3, 4]
    assert retriever.predict(texts[1:5])[[0, 2, 3]].tolist() == [1, 3, 4]


def test_search_is_a_table_to_read(make, texts, names, queries):
    retriever = make().fit(texts, names)
    table = retriever.search(queries[:2], 3)
    assert list(table.columns) == ["query", "rank", "id", "score", "document"]
    assert table["query"].tolist() == [queries[0]] * 3 + [queries[1]] * 3
    assert table["rank"].tolist() == [1, 2, 3, 1, 2, 3]
    distances, positions = retriever.kneighbors(queries[:2], 3)
    assert table["id"].tolist() == retriever.ids_[positions].ravel().tolist()
    assert table["document"].tolist() == [texts[row] for row in positions.ravel()]
    np.testing.assert_allclose(table["score"], 1 - distances.ravel(), atol=1e-6)


def test_labels_may_be_shared(make, texts):
    labels = ["even" if row % 2 == 0 else "odd" for row in range(20)]
    retriever = make(target="labels", n_neighbors=2).fit(texts[:20], labels)
    assert retriever.predict(texts[:20]).tolist() == labels
    assert retriever.search([texts[5]], 1)[["id", "label"]].to_numpy().tolist() == [[5, "odd"]]
    retriever.partial_fit([texts[30]], ["new"]).remove([0, 1])
    assert retriever.predict([texts[30], texts[3]]).tolist() == ["new", "odd"]
    assert not hasattr(retriever.set_params(target="ids").fit(texts[:20]), "labels_")


@pytest.mark.parametrize("container", [list, tuple, np.array, pd.Series, pl.Series, iter])
def test_documents_ids_and_queries_in_any_container(make, texts, names, queries, container):
    expected = found_ids(make().fit(texts, names), queries)
    retriever = make().fit(container(texts), container(names))
    assert found_ids(retriever, container(queries)) == expected
    assert retriever.predict(container(queries)).shape == (30,)


def test_integers_are_ids_too(make, texts):
    retriever = make().fit(texts[:20], np.arange(20) * 10)
    assert retriever.predict([texts[7]]).tolist() == [70]
    assert retriever.score([texts[7]], [70]) == 1


def test_score_is_ndcg_at_10(make, texts, names, queries):
    rng = np.random.default_rng(0)
    relevant = [
        {str(name): int(rng.integers(1, 4)) for name in rng.choice(names, 4, replace=False)}
        for _ in queries
    ]
    retriever = make().fit(texts, names)
    expected = ndcg_score_at_k(relevant, found_ids(retriever, queries))
    assert 0 < expected < 1
    assert retriever.score(queries, relevant) == pytest.approx(expected)
    # The documents that are there are ranked, however few.
    few = make().fit(texts[:4], names[:4])
    assert few.score([texts[2]], [names[2]]) == 1


def test_a_pipeline_prepares_documents_and_queries(make, texts, names, queries):
    clean = FunctionTransformer(lambda rows: [row.replace("#", " ").strip() for row in rows])
    dirty = ["#" + text.replace(" ", "#") for text in texts]
    pipeline = Pipeline([("clean", clean), ("search", make())]).fit(dirty, names)
    retriever = make().fit([text.replace("#", " ").strip() for text in dirty], names)
    noisy = [query.replace(" ", "##") for query in queries]
    cleaned = [query.replace("#", " ").strip() for query in noisy]
    assert pipeline.predict(noisy).tolist() == retriever.predict(cleaned).tolist()
    assert (pipeline.transform(noisy) != retriever.transform(cleaned)).nnz == 0
    relevant = names[:30]
    assert pipeline.score(noisy, relevant) == retriever.score(cleaned, relevant)
    assert pipeline.set_params(search__n_neighbors=3).transform(noisy).nnz == 30 * 4


def test_any_transformer_that_gives_vectors(texts, names):
    encoder = make_pipeline(TfidfVectorizer(), TruncatedSVD(20, random_state=0))
    retriever = EncoderRetriever(encoder).fit(texts, names)
    assert retriever.predict(texts[60:80]).tolist() == names[60:80]
    with pytest.raises(NotFittedError):
        encoder.transform(["a"])
    alone = clone(encoder).fit([texts[row] for row in np.argsort(names)])
    cosines = cosine_similarity(alone.transform(["sort a list"]), alone.transform(texts))
    found = retriever.search(["sort a list"], 1)
    assert found["document"][0] == texts[int(cosines.argmax())]
    assert found["score"][0] == pytest.approx(cosines.max(), abs=1e-5)


def test_a_word_count_alone_is_told_what_to_do(texts):
    with pytest.raises(ParameterError, match="TfidfVectorizer gives sparse.*TruncatedSVD"):
        EncoderRetriever(TfidfVectorizer()).fit(texts)


# --- the stages


def test_fusion_of_vectors_and_words(make, texts, names, queries):
    weights = {w: make(lexical="bm25", fusion_weights=w).fit(texts, names) for w in
               [(1, 0), (0, 1), (1, 1)]}  # fmt: skip
    dense = make().fit(texts, names)
    assert found_ids(weights[1, 0], queries) == found_ids(dense, queries)
    words = weights[0, 1]
    assert words.search(["ast.Tuple"], 1)["document"][0] == texts[1]
    assert found_ids(weights[1, 1], queries) not in (
        found_ids(dense, queries),
        found_ids(words, queries),
    )
    # Weights are read by the search, so they may be changed without a new fit.
    weights[1, 0].set_params(fusion_weights=(0, 1))
    assert found_ids(weights[1, 0], queries) == found_ids(words, queries)
    distances, _ = weights[1, 1].kneighbors(queries)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert distances.min() >= 0
    assert distances.max() < 1


def test_what_fit_reads_takes_effect_at_the_next_fit(make, texts, queries):
    retriever = make(metric="euclidean").fit(texts)
    expected = retriever.kneighbors(queries)
    retriever.set_params(metric="dot", lexical="bm25", query_prompt="Q: ", index="none")
    found = retriever.kneighbors(queries)
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])
    assert retriever.transform(queries).nnz == 30 * 11


def test_a_query_without_known_words_is_found_by_its_vector(make, texts, names):
    hybrid = make(lexical="bm25").fit(texts, names)
    dense = make().fit(texts, names)
    strange = ["\u4f60\u597d", "", "the"]
    assert found_ids(hybrid, strange) == found_ids(dense, strange)


def test_added_words_are_found(make, texts):
    retriever = make(lexical=BM25Options(), fusion_weights=(0, 1)).fit(texts)
    assert retriever.partial_fit(["A quokka smiles."]).predict(["quokkas"]).tolist() == [120]
    assert retriever.remove(120).search(["quokka"], 1)["score"][0] == 0


def test_the_reranker_orders_the_first(make, texts, names, queries):
    dense = make().fit(texts, names)
    first = dense.search(queries, 20)

    def shortest(pairs):
        return [-len(document) for _, document in pairs]

    retriever = make(reranker=shortest, n_reranked=20).fit(texts, names)
    table = retriever.search(queries, 5)
    for query in queries:
        candidates = first[first["query"] == query]["document"]
        expected = sorted(candidates, key=len)[:5]
        assert table[table["query"] == query]["document"].str.len().tolist() == [
            len(document) for document in expected
        ]
    distances, _ = retriever.kneighbors(queries[:1], 1)
    assert distances[0, 0] == len(table["document"][0])


def test_a_cross_encoder_reranks(make, texts, names, tiny_bert):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = sentence_transformers.CrossEncoder(str(tiny_bert), num_labels=1, device="cpu")
    retriever = make(reranker=model, n_reranked=8).fit(texts, names)
    candidates = make().fit(texts, names).search(["sort a list"], 8)["document"].tolist()
    scores = model.predict([("sort a list", text) for text in candidates])
    found = retriever.search(["sort a list"], 8)
    assert found["document"].tolist() == [candidates[i] for i in np.argsort(-scores)]
    np.testing.assert_allclose(found["score"], np.sort(scores)[::-1], atol=1e-6)


def test_clones_share_the_reranker_and_nothing_else(make, texts):
    class Model:
        def predict(self, pairs):
            return np.zeros(len(pairs))

        def __deepcopy__(self, memo):
            raise AssertionError("a large model was copied")

    retriever = make(reranker=Model(), n_neighbors=3).fit(texts)
    copied = clone(retriever)
    assert copied.reranker is retriever.reranker
    assert copied.encoder is not retriever.encoder
    assert copied.get_params()["n_neighbors"] == 3
    with pytest.raises(NotFittedError):
        copied.predict(["a"])
    assert retriever.predict(["a"]).shape == (1,)


# --- prompts


@pytest.fixture
def prompted(tiny_bert_copy):
    path = tiny_bert_copy / "config_sentence_transformers.json"
    path.write_text('{"prompts": {"query": "Q: ", "passage": "P: ", "other": "O: "}}')
    return tiny_bert_copy


@pytest.mark.parametrize(
    ("encoder", "parameters", "expected"),
    [
        ({}, {}, ("Q: ", "P: ")),
        ({}, {"query_prompt": "other"}, ("O: ", "P: ")),
        ({}, {"query_prompt": "find ", "document_prompt": ""}, ("find ", "")),
        ({}, {"query_prompt": "", "document_prompt": ""}, ("", "")),
        ({"prompt": "U: "}, {}, ("U: ", "U: ")),
        ({"prompt": "U: "}, {"query_prompt": "query"}, ("Q: ", "U: ")),
    ],
)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_each_role_has_its_prompt(prompted, texts, encoder, parameters, expected, in_pipeline):
    query, document = expected
    vectorizer = EncoderVectorizer(prompted, precision="float32", **encoder)
    plain = EncoderVectorizer(prompted, precision="float32", prompt="").fit(texts)
    whole = make_pipeline(vectorizer, FunctionTransformer()) if in_pipeline else vectorizer
    retriever = EncoderRetriever(whole, **parameters).fit(texts[:20])
    rows = plain.transform([document + text for text in texts[:20]])
    found = retriever.document_encoder_.transform(texts[:20])
    np.testing.assert_allclose(found, rows, atol=1e-6)
    asked = plain.transform([query + "sort a list"])
    np.testing.assert_allclose(
        retriever.query_encoder_.transform(["sort a list"]), asked, atol=1e-6
    )
    distances, positions = retriever.kneighbors(["sort a list"], 20)
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (asked, rows)]
    np.testing.assert_allclose(1 - distances[0], (unit[0] @ unit[1].T)[0, positions[0]], atol=1e-5)


def test_prompts_of_other_encoders_are_put_before_texts(texts):
    encoder = make_pipeline(
        TfidfVectorizer(token_pattern=r"\w+:?"), TruncatedSVD(15, random_state=0)
    )
    retriever = EncoderRetriever(encoder, query_prompt="q: ", document_prompt="d: ").fit(texts)
    words = retriever.document_encoder_[0].vocabulary_
    assert "d:" in words
    assert "q:" not in words


def test_a_text_is_encoded_once_per_prompt(prompted, texts, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    encoder = EncoderVectorizer(prompted, cache=cache)
    # A text that is query and document has two vectors with two prompts, one with one.
    EncoderRetriever(encoder).fit(texts[:30]).predict(texts[:30])
    assert cache.stats().texts_encoded == 60
    EncoderRetriever(encoder).fit(texts[:30]).predict(texts[:30])
    assert cache.stats().texts_encoded == 60
    same = {"query_prompt": "S: ", "document_prompt": "S: "}
    EncoderRetriever(encoder, **same).fit(texts[:30]).predict(texts[:30])
    assert cache.stats().texts_encoded == 90
    assert cache.stats().model_loads == 1


# --- as scikit-learn sees it


def test_pickles_search_on(make, texts, names, queries):
    for parameters in STAGES:
        retriever = make(**parameters).fit(texts, names)
        loaded = pickle.loads(pickle.dumps(retriever))
        assert found_ids(loaded, queries) == found_ids(retriever, queries)


def test_fit_forgets_what_was_before_and_changes_no_parameter(make, texts, names):
    retriever = make(lexical="bm25")
    before = retriever.get_params()
    retriever.fit(texts, names).fit(texts[:12])
    assert retriever.ids_.tolist() == list(range(12))
    assert retriever.get_params() == before
    assert not hasattr(retriever.encoder, "n_features_out_")


def test_a_failed_fit_leaves_the_old_documents(make, texts, names):
    retriever = make().fit(texts, names)
    with pytest.raises(ParameterError):
        retriever.fit(texts, [*names[:-1], names[0]])
    assert retriever.ids_.tolist() == names


def test_tags_and_feature_names(make, texts):
    tags = get_tags(EncoderRetriever())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.requires_fit
    retriever = make().fit(texts)
    assert len(retriever.get_feature_names_out()) == 120
    assert issparse(retriever.fit_transform(texts))


def test_unfitted():
    for attempt in (
        lambda r: r.predict(["a"]),
        lambda r: r.kneighbors(["a"]),
        lambda r: r.search(["a"]),
        lambda r: r.transform(["a"]),
        lambda r: r.score(["a"], [0]),
        lambda r: r.remove([0]),
        lambda r: r.save("somewhere"),
        lambda r: r.ids_,
    ):
        with pytest.raises(NotFittedError):
            attempt(EncoderRetriever())


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None])
def test_n_neighbors_is_checked(make, texts, k):
    with pytest.raises(ParameterError, match="n_neighbors must be an integer of at least 1"):
        make(n_neighbors=k).fit(texts)


def test_text_input_errors(make, texts):
    for wrong in ([], iter([]), "one text", [1, 2], [["a"]], np.zeros((2, 3)), None, [None]):
        with pytest.raises(TextInputError):
            make().fit(wrong)
        with pytest.raises(TextInputError):
            make().fit(texts).kneighbors(wrong)
