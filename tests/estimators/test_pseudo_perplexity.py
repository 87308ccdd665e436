"""PseudoPerplexityScorer in scikit-learn's shape; scores themselves: tests/pseudo_likelihood."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_outlier_detector
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skencoder import PseudoPerplexityScorer
from skencoder.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    ParameterError,
    TextInputError,
)
from tests.pseudo_likelihood.models import TEXTS, write_family, write_known


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    write_family("bert", folder)
    return folder


@pytest.fixture(scope="module")
def scorer(bert):
    return PseudoPerplexityScorer(bert, device="cpu").fit(TEXTS)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = write_known(tmp_path_factory.mktemp("known"), {"the": 1 / 2, "cat": 1 / 4})
    return PseudoPerplexityScorer(folder, device="cpu").fit()


def test_by_hand(known):
    texts = ["the cat", "the"]
    np.testing.assert_allclose(known.score_samples(texts), [-3 * np.log(2), -np.log(2)], 1e-6)
    assert known.score(texts) == pytest.approx(-4 / 3 * np.log(2))
    assert known.perplexity(texts) == pytest.approx(2 ** (4 / 3))
    table = known.text_scores(texts)
    assert table["tokens"].tolist() == [2, 1]
    assert table["words"].tolist() == [2, 1]
    assert table["bytes"].tolist() == [7, 3]
    assert table["windows"].tolist() == [1, 1]


@pytest.mark.parametrize(("per", "divisor"), [("token", 2), ("word", 2), ("byte", 7)])
def test_per(known, per, divisor):
    other = clone(known).set_params(per=per).fit()
    found = other.score_samples(["the cat", ""])
    np.testing.assert_allclose(found, [-3 * np.log(2) / divisor, np.nan], 1e-6)
    assert known.score_samples([""]).tolist() == [0]


def test_token_table(scorer):
    text = "The unbelievable [SEP] xyzzy"
    table = scorer.token_scores(["a cat", text])
    rows = table[table["text"] == 1]
    assert rows["token"].tolist() == ["the", "un", "##believ", "##able", "[SEP]", "[UNK]"]
    shown = [text[a:b] for a, b in zip(rows["start"], rows["stop"], strict=True)]
    assert shown == ["The", "un", "believ", "able", "[SEP]", "xyzzy"]
    assert rows["word"].tolist() == [0, 1, 1, 1, 2, 3]
    assert rows["log_probability"].isna().tolist() == [False] * 4 + [True, False]
    sums = table.groupby("text")["log_probability"].sum()
    np.testing.assert_allclose(sums, scorer.score_samples(["a cat", text]))


def test_parameters_are_stored_and_read_by_fit(bert, tmp_path):
    model = PseudoPerplexityScorer(tmp_path / "nowhere", method="?", stride=-3)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(ParameterError, match="method must be"):
        model.fit()
    with pytest.raises(CheckpointNotFoundError):
        model.set_params(method="pll", stride=None).fit()
    fitted = model.set_params(model=bert, max_length=12).fit(["a"])
    assert (fitted.max_length_, fitted.stride_) == (12, 5)
    before = fitted.score_samples(TEXTS)
    fitted.set_params(method="whole-word", per="token")
    np.testing.assert_array_equal(fitted.score_samples(TEXTS), before)
    assert not np.allclose(fitted.fit().score_samples(TEXTS[:3]), before[:3])


def test_a_model_without_a_head_is_refused_by_fit():
    with pytest.raises(CheckpointError, match="has no masked-language-model head"):
        PseudoPerplexityScorer("all-MiniLM-L6-v2").fit(["a text"])


def test_not_fitted(bert):
    for method in ("score_samples", "token_scores", "text_scores", "score", "perplexity"):
        with pytest.raises(NotFittedError):
            getattr(PseudoPerplexityScorer(bert), method)(["a"])


@pytest.mark.parametrize("wrong", ["a bare string", [], [1], [None], {"a": 1}])
def test_what_is_no_text(scorer, wrong):
    with pytest.raises(TextInputError):
        scorer.score_samples(wrong)
    with pytest.raises(TextInputError):
        clone(scorer).fit(wrong)


def test_containers(scorer):
    expected = scorer.score_samples(TEXTS)
    for X in (tuple(TEXTS), np.array(TEXTS), pd.Series(TEXTS), pd.DataFrame({"text": TEXTS})):
        np.testing.assert_allclose(scorer.score_samples(X), expected, atol=1e-5)
    empty = clone(scorer).set_params(missing="empty").fit([None])
    assert empty.score_samples([None, float("nan")]).tolist() == [0, 0]


def test_last_step_of_a_pipeline(bert):
    """The unlikely text has the lowest score."""
    upper = FunctionTransformer(lambda X: [text.upper() for text in X])
    pipeline = make_pipeline(upper, PseudoPerplexityScorer(bert, per="token", device="cpu"))
    scores = pipeline.fit(TEXTS).score_samples(TEXTS[:3])
    plain = PseudoPerplexityScorer(bert, per="token", device="cpu").fit()
    np.testing.assert_allclose(scores, plain.score_samples(TEXTS[:3]), atol=1e-5)
    assert pipeline.score(TEXTS[:3]) == pytest.approx(plain.score(TEXTS[:3]), abs=1e-5)


def test_outliers_are_the_share_that_was_asked_for(known):
    """Scores per token are -ln 2, -ln 4 and their means; a quarter of eight texts is two."""
    texts = [*["the the"] * 5, "the cat", "cat cat", "cat"]
    detector = clone(known).set_params(per="token", contamination=0.25)
    assert detector.fit_predict(texts).tolist() == [1] * 6 + [-1] * 2
    scores = detector.score_samples(texts)
    assert detector.offset_ == pytest.approx(np.percentile(scores, 25))
    np.testing.assert_allclose(detector.decision_function(texts), scores - detector.offset_)
    # What has no score is not normal either, nor does it move the threshold.
    assert detector.predict(["the", "cat", ""]).tolist() == [1, -1, -1]
    with_empty = clone(detector).set_params(missing="empty").fit([*texts, None, ""])
    assert with_empty.offset_ == detector.offset_
    again = pickle.loads(pickle.dumps(detector))
    assert again.predict(texts).tolist() == detector.predict(texts).tolist()
    pipeline = make_pipeline(FunctionTransformer(), clone(detector))
    assert pipeline.fit(texts).predict(["cat"]).tolist() == [-1]


def test_without_contamination_nothing_is_judged(known):
    assert known.offset_ is None
    for method in (known.predict, known.decision_function):
        with pytest.raises(ParameterError, match="contamination=None: no threshold"):
            method(["the"])
    assert not is_outlier_detector(known)
    assert is_outlier_detector(clone(known).set_params(contamination=0.1))


@pytest.mark.parametrize("contamination", [0, 0.6, -0.1, float("nan"), "auto", True])
def test_contamination_that_is_no_share(known, contamination):
    with pytest.raises(ParameterError, match="contamination="):
        clone(known).set_params(contamination=contamination).fit(["the"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [(None, "to learn a threshold from"), ([""], "to learn a threshold from"), ([], "X is empty")],
)
def test_a_threshold_needs_texts(known, texts, message):
    with pytest.raises(TextInputError, match=message):
        clone(known).set_params(contamination=0.1, per="token").fit(texts)


def test_a_search_chooses_the_likelier_model(bert, tmp_path):
    likely = write_known(tmp_path, {"the": 0.5, "cat": 0.4})
    search = GridSearchCV(
        PseudoPerplexityScorer(device="cpu"), {"model": [bert, likely]}, cv=2
    ).fit(["the cat", "cat the cat", "the", "cat"])
    assert search.best_params_ == {"model": likely}


def test_pickles_are_small_and_refer_to_the_weights(bert, tmp_path, monkeypatch):
    folder = shutil.copytree(bert, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    scorer = PseudoPerplexityScorer(Path("model"), device="cpu").fit()
    expected, pickled = scorer.score_samples(TEXTS), pickle.dumps(scorer)
    assert len(pickled) < 5000
    monkeypatch.chdir(os.sep)
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.score_samples(TEXTS), expected)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"gelu"', '"relu"'))
    with pytest.raises(CheckpointError, match="not the one this estimator was fitted with"):
        pickle.loads(pickled).score_samples(TEXTS)


def test_a_bar_is_shown_on_standard_error(bert, capsys):
    PseudoPerplexityScorer(bert, device="cpu", verbose=1).fit().score_samples(TEXTS)
    captured = capsys.readouterr()
    assert "Scoring: 100%" in captured.err
    assert not captured.out


def test_tags(scorer):
    tags = scorer.__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
