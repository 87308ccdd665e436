"""What makes two trainings the same one, which a state in a folder may go on with."""

import pytest

from skencoder.encoding_options import EncodingOptions
from skencoder.estimators.training_identity import identify_training
from skencoder.objectives import SimCSE, Training


def identity(options=None, **training):
    objective = SimCSE(training=Training(**training))
    return identify_training(["f"], objective, EncodingOptions(**options or {}), (["a"], None), 0)


@pytest.mark.parametrize("changes", [{"batch_tokens": 64}, {"batch_size": 7}, {"epochs": 2}])
def test_what_changes_what_is_learned(changes):
    assert identity(**changes) != identity()


def test_what_does_not():
    assert identity(folder="here", save_seconds=1.0) == identity()
    assert identity(options={"batch_tokens": 64, "verbose": 1}) == identity()
