"""Progress: silent unless asked, texts per second if asked, and scikit-learn's own bars."""

import pytest

from skencoder import EmbeddingCache, EncoderVectorizer
from tests.cache.scripts import run


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


@pytest.fixture(scope="module")
def texts(docs):
    return [text for text in docs.data if len(text.split()) < 25][:60]


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    monkeypatch.delenv("HF_HUB_DISABLE_PROGRESS_BARS", raising=False)


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_printed_unasked(tiny_bert, texts, cache, kept, capfd):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache if kept else None)
    vectorizer.fit_transform(texts)
    vectorizer.transform(texts)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kept", [True, False])
def test_verbose_shows_texts_per_second_once(tiny_bert, texts, cache, kept, capfd):
    vectorizer = EncoderVectorizer(tiny_bert, cache=cache if kept else None, verbose=1)
    vectorizer.fit_transform(texts)
    out, err = capfd.readouterr()
    assert out == ""
    assert "60/60" in err
    assert "texts/s" in err
    assert err.endswith("\n")
    vectorizer.transform(texts)
    again = capfd.readouterr().err
    assert ("60/60" in again) == (not kept)
    vectorizer.transform([*texts, "new"])
    assert ("1/1" if kept else "61/61") in capfd.readouterr().err


def test_precompute_shows_a_bar_in_any_case(tiny_bert, texts, cache, capfd):
    EncoderVectorizer(tiny_bert, cache=cache).precompute([*texts, *texts])
    out, err = capfd.readouterr()
    assert out == ""
    assert "60/60" in err
    assert "texts/s" in err


SEARCH = """
import json, sys, warnings
import numpy as np
from sklearn.callback import ProgressBar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skencoder import EncoderVectorizer

if __name__ == "__main__":
    warnings.simplefilter("error")
    model, n_jobs, place = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
    texts = [f"this is text number {number}" for number in range(40)]
    pipeline = make_pipeline(EncoderVectorizer(model, cache=place), LogisticRegression())
    grid = {"logisticregression__C": [1, 10], "encodervectorizer__pooling": ["mean", "cls"]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise")
    search.set_callbacks(ProgressBar())
    search.fit(texts, np.arange(40) % 2)
    assert len(search.cv_results_["params"]) == 4
    # Again, with everything in the cache, and alone.
    search.fit(texts, np.arange(40) % 2)
    alone = EncoderVectorizer(model, cache=place).set_callbacks(ProgressBar())
    assert alone.fit_transform(texts).shape == (40, 32)
    assert alone.fit(texts).transform(texts).shape == (40, 32)
    print("done")
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("place", ["'session'", "None"])
def test_a_search_with_a_progress_bar(tmp_path, tiny_bert, n_jobs, place):
    pytest.importorskip("rich")
    assert "done" in run(tmp_path, SEARCH, tiny_bert, n_jobs, place, timeout=200)
