"""Tuning on a GPU gives what tuning on a CPU gives, also to those who have none."""

import pickle

import numpy as np
import pytest

from skencoder import EncoderClassifier, EncoderRegressor
from tests.encoder.gpu import needs_gpu
from tests.estimators.small_models import plant, quick
from tests.estimators.test_fine_tune import OBJECTIVES, TEXTS, make
from tests.training.small import NO_DROPOUT, write_small

pytestmark = needs_gpu


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that draws nothing, for the devices draw otherwise."""
    return write_small(tmp_path_factory.mktemp("calm"), **NO_DROPOUT)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_vectors(kind, folder):
    objective, y = OBJECTIVES[kind]
    here, there = (
        make(folder, objective, device=device, cache=None).fit(TEXTS, y)
        for device in ("cpu", "cuda")
    )
    assert there.history_["loss"].tolist() == pytest.approx(here.history_["loss"], rel=1e-2)
    cosines = (here.transform(TEXTS) * there.transform(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.999
    again = pickle.loads(pickle.dumps(there))
    np.testing.assert_allclose(again.transform(TEXTS), there.transform(TEXTS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", [EncoderClassifier, EncoderRegressor])
def test_with_a_head(kind, precision, folder):
    texts, topics = plant(24)
    y = topics if kind is EncoderClassifier else (topics == "sea").astype(float)
    answer = "predict_proba" if kind is EncoderClassifier else "predict"
    here, there = (
        kind(
            folder, training=quick(), device=device, precision=precision, dropout=0, random_state=0
        ).fit(texts, y)
        for device in ("cpu", "cuda")
    )
    expected, found = (getattr(one, answer)(texts) for one in (here, there))
    np.testing.assert_allclose(found, expected, atol=0.02 if precision == "float32" else 0.15)
    np.testing.assert_allclose(
        getattr(pickle.loads(pickle.dumps(there)), answer)(texts), found, atol=1e-3
    )
