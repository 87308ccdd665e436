"""Trained vectorizers in scikit-learn's searches: a model per fold, and none left behind."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from skencoder import TextEncoder
from skencoder.objectives import Matryoshka, SupervisedContrastive, Training
from skencoder.session import session
from tests.estimators.test_fine_tune import LABELS, TEXTS, make

ONE_STEP = Training(max_steps=1, batch_size=4)


def pipeline(folder, **parameters):
    objective = SupervisedContrastive(training=ONE_STEP)
    return make_pipeline(make(folder, objective, **parameters), LogisticRegression())


def tuned_folders():
    return {path.name for path in (session().folder / "tuned").glob("*")}


def living_models():
    gc.collect()
    return sum(type(thing) is TextEncoder for thing in gc.get_objects())


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds_train_their_own_models(small_folder, n_jobs):
    before = tuned_folders()
    found = cross_validate(
        pipeline(small_folder),
        TEXTS,
        LABELS,
        cv=2,
        n_jobs=n_jobs,
        return_estimator=True,
        error_score="raise",
    )
    assert np.isfinite(found["test_score"]).all()
    first, second = (fold[0] for fold in found["estimator"])
    assert first.model_fingerprint_ != second.model_fingerprint_
    # What came back from another process works here.
    assert not np.allclose(first.transform(TEXTS), second.transform(TEXTS), atol=1e-5)
    assert len(first.history_) == 1
    del found, first, second
    gc.collect()
    assert tuned_folders() <= before


def test_a_search_over_what_is_trained(small_folder):
    before = tuned_folders()
    search = GridSearchCV(
        pipeline(small_folder),
        {"encodervectorizer__fine_tune__training__learning_rate": [1e-4, 0.3]},
        cv=2,
        error_score="raise",
    ).fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 2
    assert search.predict(TEXTS).shape == (16,)
    chosen = search.best_estimator_[0]
    rate = search.best_params_["encodervectorizer__fine_tune__training__learning_rate"]
    assert chosen.history_["learning_rate"].tolist() == [rate]
    assert len(tuned_folders() - before) == 1  # the best one's
    # What was given was copied.
    assert ONE_STEP.learning_rate is None


def test_a_search_over_what_is_wrapped(small_folder):
    wrapped = Matryoshka(SupervisedContrastive(training=ONE_STEP), dims=(8,))
    search = GridSearchCV(
        make_pipeline(make(small_folder, wrapped), LogisticRegression()),
        {"encodervectorizer__fine_tune__objective__temperature": [0.05, 0.5]},
        cv=2,
        error_score="raise",
    ).fit(TEXTS, LABELS)
    assert search.best_estimator_[0].fine_tune.objective.temperature in (0.05, 0.5)


def test_finished_models_are_released(small_folder):
    cross_val_score(pipeline(small_folder), TEXTS, LABELS, cv=2)
    models, folders = living_models(), tuned_folders()
    cross_val_score(pipeline(small_folder), TEXTS, LABELS, cv=4, error_score="raise")
    assert living_models() <= models
    assert tuned_folders() == folders


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def session_bytes():
    folder = session().folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    # Vectors are kept as long as there is room, 2 GiB, for whoever trains the same again.
    return sum(path.stat().st_size for path in files if path.parent.name != "vectors")


@pytest.mark.minutes
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_stays_flat_over_a_hundred_fits(small_folder):
    used = []
    for seed in range(100):
        make(small_folder, random_state=seed).fit_transform(TEXTS, LABELS)
        if seed + 1 in (20, 100):
            gc.collect()
            used.append((resident_bytes(), session_bytes()))
    (memory, disk), (memory_later, disk_later) = used
    # One model and its training are half a megabyte; eighty of them would be forty.
    assert memory_later - memory < 10e6
    assert disk_later == disk
