"""Trained vectorizers in pickles: all weights, or what was learned beside a named model."""

import pickle
import shutil
import subprocess
import sys

import joblib
import numpy as np
import pytest

from skencoder.encoder import EncoderConfig
from skencoder.errors import CheckpointError, CheckpointNotFoundError
from skencoder.objectives import Distillation, MaskedLanguageModeling, SimCSE, Training
from skencoder.testing.case import Case
from skencoder.testing.runner import CHECKS
from tests.estimators.test_fine_tune import TEXTS, make
from tests.training.corpora import docstrings

ADAPTED = {"max_steps": 2, "batch_size": 8, "lora_rank": 2, "learning_rate": 0.01}
ALL_WEIGHTS = SimCSE(training=Training(max_steps=2, batch_size=8, learning_rate=0.01))
ADAPTERS = {
    "simcse": SimCSE(training=Training(**ADAPTED)),
    "targets": SimCSE(training=Training(**ADAPTED, lora_alpha=4.0, lora_targets=("expand",))),
    "head": MaskedLanguageModeling(training=Training(**ADAPTED)),
    "student": Distillation(num_hidden_layers=1, training=Training(**ADAPTED)),
}


@pytest.fixture
def base(small_folder, tmp_path):
    """A model that a test may take away."""
    return shutil.copytree(small_folder, tmp_path / "base")


@pytest.mark.parametrize("objective", [ALL_WEIGHTS, *ADAPTERS.values()], ids=["all", *ADAPTERS])
def test_a_pickle_gives_the_same_vectors(small_folder, objective):
    vectorizer = make(small_folder, objective, cache=None)
    vectors = vectorizer.fit_transform(TEXTS)
    loaded = pickle.loads(pickle.dumps(vectorizer))
    assert loaded._tuned.path != vectorizer._tuned.path
    np.testing.assert_allclose(loaded.transform(TEXTS), vectors, atol=1e-6)
    assert loaded.history_.equals(vectorizer.history_)
    assert loaded.model_fingerprint_ == vectorizer.model_fingerprint_
    # A pickle of what came out of a pickle.
    again = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_allclose(again.transform(TEXTS), vectors, atol=1e-6)


def test_adapters_make_small_pickles_that_need_their_base(base):
    whole = len(pickle.dumps(make(base, ALL_WEIGHTS).fit(TEXTS)))
    vectorizer = make(base, ADAPTERS["simcse"]).fit(TEXTS)
    small = pickle.dumps(vectorizer)
    # 2 layers, 2 maps, 2 matrices of rank 2 and width 32, 4 bytes: 2 kB, and parameters.
    assert len(small) < 20_000
    assert whole > 100_000
    away = base.rename(base.parent / "away")
    with pytest.raises(CheckpointNotFoundError, match=r"holds the adapters that were trained on"):
        pickle.loads(small)
    away.rename(base)
    (base / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q: "}}')
    with pytest.raises(CheckpointError, match="is not the one that was fitted or pickled"):
        pickle.loads(small)


def test_all_weights_need_no_base(base):
    vectorizer = make(base, ALL_WEIGHTS, cache=None)
    vectors = vectorizer.fit_transform(TEXTS)
    whole = pickle.dumps(vectorizer)
    shutil.rmtree(base)
    assert np.array_equal(pickle.loads(whole).transform(TEXTS), vectors)


def test_adapters_of_a_new_model_bring_it_along():
    config = EncoderConfig(
        vocab_size=150,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    vectorizer = make(config, ADAPTERS["head"], cache=None, overflow="truncate")
    vectors = vectorizer.fit_transform(docstrings())
    loaded = pickle.loads(pickle.dumps(vectorizer))
    assert np.array_equal(loaded.transform(docstrings()), vectors)
    assert loaded.model == config


CODE = """
import sys, joblib, numpy
vectorizers, texts, expected = joblib.load(sys.argv[1])
for vectorizer in vectorizers:
    numpy.testing.assert_allclose(vectorizer.transform(texts), next(expected), atol=1e-6)
print([vectorizer.model_fingerprint_ for vectorizer in vectorizers])
"""


def test_in_another_process_when_this_one_s_files_are_gone(small_folder, tmp_path):
    vectorizers = [
        make(small_folder, each, cache=None) for each in (ALL_WEIGHTS, ADAPTERS["head"])
    ]
    expected = [vectorizer.fit_transform(TEXTS) for vectorizer in vectorizers]
    joblib.dump((vectorizers, TEXTS, iter(expected)), tmp_path / "tuned.joblib")
    fingerprints = [vectorizer.model_fingerprint_ for vectorizer in vectorizers]
    del vectorizers
    told = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "tuned.joblib")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == repr(fingerprints)
    assert "Warning" not in told.stderr


@pytest.mark.filterwarnings("ignore::skencoder.errors.OverlongTextWarning")
@pytest.mark.parametrize(
    "name",
    [
        "check_clone_is_unfitted",
        "check_clone_keeps_parameters",
        "check_fitting_leaves_input_alone",
        "check_pickle_is_small",
        "check_second_fit_forgets_the_first",
        "check_skops_round_trip",
    ],
)
def test_conventions_of_what_is_trained(small_folder, name):
    CHECKS[name].function(Case(make(str(small_folder), ADAPTERS["simcse"])))
