"""What is asked, what is kept, and what happens when somebody is interrupted."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skencoder import EmbeddingCache, EncoderVectorizer
from skencoder.encode_once.facts import facts_from_json
from skencoder.encode_once.service import Service, Worker
from skencoder.errors import CacheWarning, OverlongTextWarning

TEXTS = [f"text {number} of this test" for number in range(20)]
LABELS = [number % 2 for number in range(20)]


class Message:
    """Asks for the facts of no model at all."""

    def __init__(self, number):
        self.number = number

    def to_bytes(self):
        return json.dumps({"number": self.number}).encode()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "s"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def echo(folder, monkeypatch):
    """A service that sends back what it was sent, and a worker of it."""
    monkeypatch.setattr(Service, "_respond", lambda self, content: [content])
    monkeypatch.setattr("skencoder.encode_once.service.is_alive", lambda *_, **__: True)
    service = Service(folder)
    yield Worker(folder)
    service.close()


def test_an_interrupted_request_does_not_answer_the_next(echo):
    def read(head, connection):
        return head["number"]

    def interrupt(head, connection):
        raise KeyboardInterrupt

    assert echo.ask(Message(1), read) == 1
    with pytest.raises(KeyboardInterrupt):
        echo.ask(Message(2), interrupt)
    assert echo.ask(Message(3), read) == 3


def test_somebody_who_connects_and_says_nothing_keeps_nobody_waiting(folder, echo):
    from multiprocessing.connection import Client

    address = json.loads((folder / "service.json").read_text())["address"]
    with Client(address):
        assert echo.ask(Message(1), lambda head, _: head["number"]) == 1


def test_a_wrong_key_is_refused(folder, echo):
    known = json.loads((folder / "service.json").read_text())
    (folder / "service.json").write_text(json.dumps(known | {"key": "00" * 32}))
    assert echo.ask(Message(1), lambda head, _: head["number"]) is None


def test_a_callback_may_encode(tiny_bert, tmp_path):
    from sklearn.callback import ProgressBar  # noqa: F401 - callbacks are there

    class Encodes:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            EncoderVectorizer(tiny_bert, cache=tmp_path).fit_transform(["from a callback"])

    vectorizer = EncoderVectorizer(tiny_bert, cache=tmp_path).set_callbacks(Encodes())
    assert vectorizer.fit_transform(TEXTS).shape == (20, 32)


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_length": np.int64(16)},
        {"layer": np.int64(1)},
        {"truncate_dim": np.int32(8)},
        {"batch_tokens": np.int64(64)},
        {"normalize": np.True_},
    ],
)
def test_numbers_of_numpy_s(tiny_bert, tmp_path, parameters):
    plain = {name: value.item() for name, value in parameters.items()}
    vectors = EncoderVectorizer(tiny_bert, cache=tmp_path / "c", **parameters)
    expected = EncoderVectorizer(tiny_bert, cache=None, **plain).fit_transform(TEXTS)
    np.testing.assert_allclose(vectors.fit_transform(TEXTS), expected, atol=1e-6)
    saved = vectors.save(tmp_path / "saved")
    again = EncoderVectorizer.load(saved, cache=None).fit_transform(TEXTS)
    np.testing.assert_allclose(again, expected, atol=1e-6)


def test_what_another_version_knew_of_a_model_is_left_alone():
    assert facts_from_json({"hidden_size": 3}) is None
    assert facts_from_json({"settings": {"new": 1}, "projection_widths": None}) is None


def test_after_a_search_a_new_text_takes_one_row(tiny_bert, tmp_path):
    cache = EmbeddingCache(tmp_path)
    pipeline = make_pipeline(EncoderVectorizer(tiny_bert, cache=cache), LogisticRegression())
    grid = {"encodervectorizer__layer": [1, 2], "encodervectorizer__pooling": ["mean", "cls"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert cache.stats().texts_encoded == len(TEXTS)
    before = cache.stats().rows
    search.predict(["brand new"])
    assert cache.stats().rows == before + 1


def test_joined_poolings_are_stored_one_by_one_and_once(tiny_bert, tmp_path):
    cache = EmbeddingCache(tmp_path)
    vectorizer = EncoderVectorizer(tiny_bert, pooling="mean+cls", cache=cache)
    vectorizer.precompute(TEXTS, poolings=["mean", "cls", "max"])
    assert cache.stats().rows == 3 * len(TEXTS)


def test_half_precision_gives_the_same_answer_first_and_later(tiny_bert, tmp_path):
    vectorizer = EncoderVectorizer(tiny_bert, cache=EmbeddingCache(tmp_path, dtype="float16"))
    first = vectorizer.fit_transform(TEXTS)
    assert np.array_equal(vectorizer.fit_transform(TEXTS), first)
    exact = EncoderVectorizer(tiny_bert, cache=None).fit_transform(TEXTS)
    np.testing.assert_allclose(first, exact, atol=1e-3)


@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("cache", [None, "folder"])
@pytest.mark.parametrize("method", ["fit_transform", "transform"])
def test_a_warning_points_to_the_user_s_line(tiny_bert, tmp_path, output, cache, method):
    vectorizer = EncoderVectorizer(
        tiny_bert, max_length=8, output=output, cache=cache and tmp_path
    ).fit(["a"])
    with pytest.warns(OverlongTextWarning) as told:
        getattr(vectorizer, method)(["word " * 20])
    assert told[0].filename == __file__


def test_everything_cached_needs_no_model_for_tensors(tiny_bert, tmp_path):
    cache = EmbeddingCache(tmp_path)
    EncoderVectorizer(tiny_bert, cache=cache).fit_transform(TEXTS)
    loads = cache.stats().model_loads
    from skencoder import release

    release()
    tensors = EncoderVectorizer(tiny_bert, cache=cache, output="torch").fit_transform(TEXTS)
    assert tensors.shape == (20, 32)
    assert cache.stats().model_loads == loads


def test_asking_a_pickled_model_for_another_precision(tiny_bert, tmp_path):
    import pickle

    from skencoder import TextEncoder

    loaded = TextEncoder.load(tiny_bert, device="cpu")
    vectorizer = pickle.loads(pickle.dumps(EncoderVectorizer(loaded, cache=tmp_path)))
    vectorizer.set_params(precision="float32").fit(TEXTS)
    assert vectorizer.encoder_.precision == "float32"


def test_a_cache_that_cannot_be_used_costs_nothing_but_a_warning(tiny_bert, tmp_path):
    (tmp_path / "file").write_text("no folder")
    vectorizer = EncoderVectorizer(tiny_bert, cache=tmp_path / "file")
    expected = EncoderVectorizer(tiny_bert, cache=None).fit_transform(TEXTS)
    with pytest.warns(CacheWarning, match="cannot be used"):
        vectors = vectorizer.fit_transform(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
