"""ExtractiveSummarizer: what is kept, where it stands, how it behaves among estimators."""

import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skencoder import EncoderVectorizer, ExtractiveSummarizer
from skencoder.errors import ParameterError, TextInputError
from skencoder.sentences import split_sentences
from skencoder.summarization import take_best

LIBRARY = (
    "The library opens at nine. Books about cats fill three shelves of the library. It rained. "
    "Readers may take home five books of the library. The library lends books to all readers."
)
METHODS = ["mmr", "centroid", "lexrank"]


@pytest.fixture
def summarizer(text_encoder):
    return ExtractiveSummarizer(EncoderVectorizer(text_encoder))


@pytest.fixture
def words():
    """Needs no model, so that many texts take no time."""
    return ExtractiveSummarizer(TfidfVectorizer())


@pytest.mark.parametrize("method", METHODS)
def test_what_the_text_is_about_is_kept_in_its_order(summarizer, method):
    summarizer.set_params(method=method, max_sentences=2)
    table = summarizer.fit([LIBRARY]).select([LIBRARY])
    assert "It rained." not in table["content"].tolist()
    assert table["start"].is_monotonic_increasing
    assert sorted(table["rank"]) == [1, 2]
    for row in table.itertuples():
        assert LIBRARY[row.start : row.stop] == row.content
        start, stop = split_sentences(LIBRARY)[row.sentence]
        assert (row.start, row.stop) == (start, stop)
    assert summarizer.transform([LIBRARY]).tolist() == [" ".join(table["content"])]


def test_marginal_relevance_does_not_say_the_same_twice(summarizer):
    text = "Cats like milk. Cats are fond of milk. Cats love milk. Dogs guard the house."
    kept = {
        method: summarizer.set_params(method=method, max_sentences=2, trade_off=0.4)
        .fit([text])
        .transform([text])[0]
        for method in ("centroid", "mmr")
    }
    assert "Dogs" not in kept["centroid"]
    assert "Dogs" in kept["mmr"]


def test_one_call_encodes_the_sentences_of_all_texts(summarizer):
    fitted = summarizer.fit([LIBRARY])
    calls = []

    class Counting:
        def transform(self, texts):
            calls.append(list(texts))
            return encoder.transform(texts)

    encoder, fitted.encoder_ = fitted.encoder_, Counting()
    fitted.transform([LIBRARY, "", "One. Two.", LIBRARY])
    assert len(calls) == 1
    assert len(calls[0]) == 12


def test_texts_do_not_influence_each_other(summarizer, docs):
    texts = [text for text in docs.data[:200] if len(split_sentences(text)) > 4][:12]
    fitted = summarizer.fit(texts)
    together = fitted.transform(texts)
    for row in (0, 5, 11):
        assert fitted.transform([texts[row]])[0] == together[row]
    assert fitted.transform(texts[::-1]).tolist() == together[::-1].tolist()


def test_short_and_empty_texts_stay_as_they_are(words):
    texts = ["", "  \n", "Only one", "First one. Second one."]
    assert words.fit([LIBRARY, *texts]).transform(texts).tolist() == [
        "",
        "",
        "Only one",
        "First one. Second one.",
    ]
    assert words.transform([""]).tolist() == [""]
    assert len(words.select(["", " "])) == 0


def test_the_budget_is_in_the_model_s_tokens(summarizer, text_encoder, docs):
    texts = [text for text in docs.data[:300] if len(split_sentences(text)) > 5][:10]
    summarizer.set_params(max_sentences=None, max_tokens=40)
    for text, summary in zip(texts, summarizer.fit_transform(texts), strict=True):
        sentences = [text[start:stop] for start, stop in split_sentences(text)]
        kept = [sentence for sentence in sentences if sentence in summary]
        assert sum(map(text_encoder.tokenizer.count, kept)) <= 40
    assert all(summarizer.transform(texts)[:5])


def test_the_budget_is_in_words_where_there_are_no_tokens(words):
    words.set_params(max_sentences=None, max_tokens=9)
    for summary in words.fit_transform([LIBRARY] * 2):
        assert 0 < len(summary.split()) <= 9
    assert words.set_params(max_tokens=1).fit_transform([LIBRARY]).tolist() == [""]


def test_both_budgets_hold(words):
    words.set_params(max_sentences=1, max_tokens=6)
    (summary,) = words.fit_transform([LIBRARY])
    assert summary in {"The library opens at nine.", "It rained."}


def test_a_method_of_one_s_own(words):
    def first(vectors, budget):
        return take_best(-np.arange(len(vectors)), budget)

    words.set_params(method=first, max_sentences=2)
    expected = "The library opens at nine. Books about cats fill three shelves of the library."
    assert words.fit_transform([LIBRARY]).tolist() == [expected]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (lambda vectors, _: [len(vectors)], "chosen by 5; numbers from 0 to 4 were expected"),
        (lambda vectors, _: [-1], "chosen by -1"),
        (lambda vectors, _: None, "chosen by None; a list was expected"),
        (lambda vectors, _: [0.5], "chosen by 0.5"),
        (lambda vectors, _: [True], "chosen by True"),
        (lambda vectors, _: [1, 1], "Sentence 1 was chosen as number 2, but is taken already"),
        (lambda vectors, _: [0, 1, 2], "Sentence 2 .* max_sentences=2 and max_length=None"),
    ],
)
def test_what_a_method_of_one_s_own_chooses_is_checked(words, chosen, message):
    words.set_params(method=chosen, max_sentences=2).fit([LIBRARY])
    for method in (words.transform, words.select):
        with pytest.raises(ParameterError, match=message):
            method([LIBRARY, LIBRARY])


def test_a_method_of_one_s_own_keeps_to_the_length(words):
    words.set_params(method=lambda vectors, _: [0, 1], max_sentences=None, max_tokens=9)
    with pytest.raises(ParameterError, match="Sentence 1 .* max_length=9"):
        words.fit_transform([LIBRARY])
    words.set_params(method=lambda vectors, _: np.array([2, 0]))
    assert words.fit_transform([LIBRARY]).tolist() == ["The library opens at nine. It rained."]


def test_sparse_vectors_are_made_dense_text_by_text(words):
    """All at once would be 300 sentences of 40,000 features, 96 MB."""

    class Wide(TfidfVectorizer):
        def transform(self, texts):
            narrow = super().transform(texts)
            return csr_array((narrow.data, narrow.indices, narrow.indptr), (len(texts), 40_000))

    texts = [LIBRARY] * 60
    summarizer = ExtractiveSummarizer(Wide()).fit([LIBRARY])
    tracemalloc.start()
    summaries = summarizer.transform(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert summaries.tolist() == words.fit([LIBRARY]).transform(texts).tolist()


def test_tokens_are_those_of_the_encoder_a_pipeline_starts_with(text_encoder):
    encoder = make_pipeline(EncoderVectorizer(text_encoder), Normalizer())
    summarizer = ExtractiveSummarizer(encoder, max_sentences=None, max_tokens=6)
    # Six words, but eight tokens.
    text = "Antidisestablishmentarianism is old. It is so."
    assert summarizer.fit_transform([text]).tolist() == ["It is so."]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_sentences": None}, "max_sentences and max_tokens are both None"),
        ({"max_sentences": "2"}, "max_sentences must be an integer of at least 1; got '2'"),
        ({"trade_off": 2}, "trade_off must be a number from 0 to 1"),
    ],
)
def test_garbage_that_is_set_later_is_refused_too(words, parameters, message):
    words.fit([LIBRARY]).set_params(**parameters)
    for method in (words.transform, words.select):
        with pytest.raises(ParameterError, match=message):
            method([LIBRARY])


def test_one_vector_per_sentence_is_expected(words):
    class Short(TfidfVectorizer):
        def transform(self, texts):
            return super().transform(texts[:-1])

    with pytest.raises(ParameterError, match="one vector of finite numbers per text.* 5 texts"):
        ExtractiveSummarizer(Short()).fit_transform([LIBRARY])


def test_it_shortens_texts_in_a_pipeline_and_is_searched(docs):
    texts, labels = docs.data[::160], docs.target[::160] % 2
    pipeline = make_pipeline(
        ExtractiveSummarizer(TfidfVectorizer()), TfidfVectorizer(), LogisticRegression()
    )
    grid = {
        "extractivesummarizer__max_sentences": [1, 2],
        "extractivesummarizer__method": ["lexrank", "centroid"],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(texts, labels)
    assert set(search.best_params_) == set(grid)


def test_it_is_an_estimator_like_any_other(summarizer, words):
    assert clone(summarizer).get_params().keys() == summarizer.get_params().keys()
    with pytest.raises(NotFittedError):
        words.transform([LIBRARY])
    fitted = words.fit([LIBRARY])
    copied = pickle.loads(pickle.dumps(fitted))
    assert copied.transform([LIBRARY]).tolist() == fitted.transform([LIBRARY]).tolist()
    first = fitted.transform([LIBRARY])
    assert first.dtype == object
    assert first.shape == (1,)
    assert fitted.__sklearn_tags__().input_tags.string


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "best"}, "method must be one of mmr, centroid, lexrank"),
        ({"max_sentences": 0}, "max_sentences must be an integer of at least 1"),
        ({"max_sentences": None}, "max_sentences and max_tokens are both None"),
        ({"max_tokens": 1.5}, "max_tokens must be an integer"),
        ({"trade_off": 1.1}, "trade_off must be a number from 0 to 1"),
        ({"language": "english"}, "language must be a code"),
        ({"encoder": "all-MiniLM-L6-v2"}, "encoder must be a transformer"),
    ],
)
def test_garbage_is_refused_in_fit_and_not_before(parameters, message):
    summarizer = ExtractiveSummarizer(**parameters)
    with pytest.raises(ParameterError, match=message):
        summarizer.fit([LIBRARY])


@pytest.mark.parametrize("wrong", ["one text", [], [None], [3], [["a"]]])
def test_what_is_no_collection_of_texts_is_refused(words, wrong):
    with pytest.raises(TextInputError):
        words.fit(wrong)
    with pytest.raises(TextInputError):
        words.fit([LIBRARY]).transform(wrong)
