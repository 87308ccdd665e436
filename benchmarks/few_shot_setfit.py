"""setfit on the same texts: the other library for few labels, with its own defaults."""

import logging
import tempfile
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skencoder.checkpoints import locate_checkpoint

from .errors import EngineUnavailableError

# From texts to their labels.
Predict = Callable[[list[str]], NDArray[Any]]
# From texts, labels and a seed to what predicts.
Learn = Callable[[list[str], NDArray[Any], int], Predict]


def load_setfit(model: str, iterations: int) -> Learn:
    """Find setfit.

    Parameters
    ----------
    model : str
        Name or folder of the checkpoint that it tunes.
    iterations : int
        Pairs of each kind that it makes of a text; the authors' paper has 20.

    Returns
    -------
    callable
        Learns from texts and labels; all but the number of pairs is setfit's default, which takes
        all pairs there are: hours for hundreds of texts on a few cores.

    Raises
    ------
    EngineUnavailableError
        If setfit is not installed, or does not work with the other libraries here.

    References
    ----------
    .. [1] Tunstall et al. (2022), Efficient few-shot learning without prompts, arXiv:2209.11055.
    """
    try:
        import_module("accelerate")  # its trainer asks for it later
        setfit = import_module("setfit")
    except ImportError as error:
        raise EngineUnavailableError(
            f"setfit cannot be imported: {error} (pip install setfit)"
        ) from error
    folder = str(locate_checkpoint(model))

    def learn(texts: list[str], labels: NDArray[Any], seed: int) -> Predict:
        from datasets import Dataset

        logging.getLogger("setfit").setLevel(logging.ERROR)
        names, codes = np.unique(labels, return_inverse=True)
        tuned = setfit.SetFitModel.from_pretrained(folder)
        with tempfile.TemporaryDirectory(prefix="skencoder-setfit-") as scratch:
            setfit.Trainer(
                model=tuned,
                args=_arguments(setfit, scratch, iterations, seed),
                train_dataset=Dataset.from_dict({"text": texts, "label": codes.tolist()}),
            ).train()
        return lambda texts: names[np.asarray(tuned.predict(texts))]

    return learn


def _arguments(setfit: Any, folder: str, iterations: int, seed: int) -> Any:
    return setfit.TrainingArguments(
        output_dir=folder,
        num_iterations=iterations,
        save_strategy="no",
        report_to="none",
        show_progress_bar=False,
        seed=seed,
    )
