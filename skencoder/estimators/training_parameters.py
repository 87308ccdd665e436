"""What a user's Training means where nothing, or not all, is said."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from sklearn.base import clone


def make_training(estimator: Any, params: Mapping[str, Any]) -> None:
    """Make a Training where parameters of it are set and there is none.

    Parameters
    ----------
    estimator : EncoderClassifier or EncoderRegressor
        Its ``training`` is changed from None to the same with parameters that can be set.
    params : mapping of str to object
        What is set, by name.
    """
    nested = any(name.startswith("training__") for name in params)
    if nested and estimator.training is None and "training" not in params:
        from skencoder.objectives import Training

        estimator.training = Training()


def one_pass(training: Any, n_texts: int) -> Any:
    """Say how a model is trained with texts that come bit by bit: once, at an even rate.

    Parameters
    ----------
    training : Training or None
        As the user gave it.
    n_texts : int
        How many came this time.

    Returns
    -------
    Training
        Its rate, precision and adapters are the user's.
    """
    from skencoder.objectives import Training

    if training is not None and not isinstance(training, Training):
        return training
    once = clone(training or Training())
    size = once.batch_size
    once.set_params(
        batch_size=min(size, n_texts) if isinstance(size, Integral) else size,
        epochs=1,
        # A number of steps is for all texts together, and of these none may be left out; no
        # training at all stays none.
        max_steps=0 if once.max_steps == 0 else None,
        schedule="constant",
        warmup=0.0,
        validation_share=0.0,
        patience=None,
        folder=None,
    )
    return once
