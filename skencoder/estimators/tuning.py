"""What ``fit`` does where a model learns: from an objective, texts and answers to a new model."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import joblib
import numpy as np
import pandas as pd

from skencoder.encode_once import ModelHandle
from skencoder.encoding_options import EncodingOptions
from skencoder.errors import ParameterError
from skencoder.estimators.training_bar import TrainingBar
from skencoder.estimators.tuned_folder import TunedFolder

if TYPE_CHECKING:
    from skencoder.encoder import EncoderConfig
    from skencoder.objectives import Objective
    from skencoder.training.history import Record

# What numpy's generators of all kinds take.
SEEDS = 2**31


@dataclass(frozen=True)
class Tuned:
    """A model that was trained.

    Parameters
    ----------
    handle : ModelHandle
        Of its folder; not loaded.
    folder : TunedFolder
        Holds its files.
    history : DataFrame
        One row per step.
    """

    handle: ModelHandle
    folder: TunedFolder
    history: pd.DataFrame


@dataclass(frozen=True)
class Wish:
    """How a model shall be trained, beside what its objective says.

    Parameters
    ----------
    options : EncodingOptions
        How it will encode.
    precision, device : str
        The same.
    seed : int
        Of all that is drawn.
    """

    options: EncodingOptions
    precision: str
    device: str
    seed: int


def draw_seed(random_state: Any) -> int:
    """Turn a ``random_state`` into a number.

    Parameters
    ----------
    random_state : int, RandomState or None
        As the user gave it.

    Returns
    -------
    int
        A new one each time where it is None.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(SEEDS))


def check_objective(fine_tune: Any) -> "Objective":
    """Refuse what is no objective.

    Parameters
    ----------
    fine_tune : object
        As the user gave it.

    Returns
    -------
    Objective
        The same.

    Raises
    ------
    ParameterError
        If it is none.
    """
    from skencoder.objectives import Objective

    if isinstance(fine_tune, type) or not isinstance(fine_tune, Objective):
        raise ParameterError(
            f"fine_tune must be None or an objective of skencoder.objectives, such as "
            f"SimCSE(); got {fine_tune!r}."
        )
    return fine_tune


def is_config(model: object) -> "TypeGuard[EncoderConfig]":
    """Tell whether a model is still to be made.

    Parameters
    ----------
    model : object
        As the user gave it.

    Returns
    -------
    bool
        True for an EncoderConfig.
    """
    # Where nobody has loaded the class, nothing can be an object of it.
    home = sys.modules.get("skencoder.encoder.config")
    return home is not None and isinstance(model, home.EncoderConfig)


def tune_model(
    model: "ModelHandle | EncoderConfig",
    objective: "Objective",
    texts: Sequence[str],
    y: Any,
    wish: Wish,
    verbose: int,
) -> Tuned:
    """Train a model.

    Parameters
    ----------
    model : ModelHandle or EncoderConfig
        The model it begins as, which is left as it is; or what a new one is made of.
    objective : Objective
        What it learns.
    texts : list of str of shape (n_texts,)
        What from.
    y : object
        What belongs to them.
    wish : Wish
        How.
    verbose : int
        1 shows a bar.

    Returns
    -------
    Tuned
        The model after the last step.

    Raises
    ------
    TrainingError
        If it cannot learn from what came.
    ParameterError
        If a parameter cannot be used.
    CheckpointError
        If the model cannot be trained.
    OSError
        If there is no room for the new model; nothing is left behind.
    """
    texts = list(texts)
    if isinstance(model, ModelHandle):
        return _tune(model, objective, texts, y, wish, verbose)
    beginning = TunedFolder()
    handle = _make_new(model, objective, texts, wish, beginning)
    return _tune(handle, objective, texts, y, wish, verbose)


def _make_new(
    config: "EncoderConfig",
    objective: "Objective",
    texts: list[str],
    wish: Wish,
    folder: TunedFolder,
) -> ModelHandle:
    """Train a tokenizer and make a model of random weights for it."""
    from skencoder.training import write_new_model

    write_new_model(
        config,
        texts,
        folder.path,
        kind=getattr(objective, "tokenizer", "wordpiece"),
        lowercase=getattr(objective, "lowercase", True),
        seed=wish.seed,
    )
    return ModelHandle.find(folder.path, precision=wish.precision, device=wish.device)


def _tune(
    handle: ModelHandle,
    objective: "Objective",
    texts: list[str],
    y: Any,
    wish: Wish,
    verbose: int,
) -> Tuned:
    from skencoder.devices import resolve_devices
    from skencoder.objectives import Training
    from skencoder.training import Lesson, Tuning, text_source, tune

    _check_reproducible(handle)
    parts = objective.open_model(handle.source.model, wish.seed)
    source = text_source(parts, wish.options)
    task = objective.make_task(Lesson(texts, y, parts, source, handle.source.model, wish.seed))
    tuning = Tuning(
        options=(objective.training or Training()).options(objective.DEFAULTS, task.n_rows),
        device=resolve_devices(wish.device)[0],
        seed=wish.seed,
        identity=_identify(handle, objective, texts, y, wish),
    )
    with TrainingBar(verbose) as bar:
        tuned, records = tune(parts, source, task, tuning, bar.see)
    folder = TunedFolder()
    tuned.save(folder.path)
    found = ModelHandle.find(folder.path, precision=wish.precision, device=wish.device)
    return Tuned(found, folder, as_history(records))


def as_history(records: "list[Record]") -> pd.DataFrame:
    """Write records as a table.

    Parameters
    ----------
    records : list of Record
        One per step.

    Returns
    -------
    DataFrame
        One row per step, NaN where no held-out loss was taken.
    """
    columns = [
        "step",
        "epoch",
        "loss",
        "learning_rate",
        "gradient_norm",
        "tokens",
        "seconds",
        "validation_loss",
    ]
    table = pd.DataFrame([asdict(record) for record in records], columns=columns)
    return table.astype({"validation_loss": float})


def _check_reproducible(handle: ModelHandle) -> None:
    if not handle.is_reproducible:
        raise ParameterError(
            f"The weights of {handle.source.model!r} were changed since they were loaded; write "
            f"them with EncoderVectorizer.save and fine-tune that folder."
        )


def _identify(
    handle: ModelHandle, objective: "Objective", texts: list[str], y: Any, wish: Wish
) -> str:
    """Name a training by all that decides its course."""
    parameters = {
        name: value
        for name, value in objective.get_params(deep=True).items()  # type: ignore[attr-defined]
        if not hasattr(value, "get_params") and name.split("__")[-1] not in NOT_ITS_COURSE
    }
    answers = y if y is None else np.asarray(list(y), dtype=object).tolist()
    course = [type(objective).__name__, repr(sorted(parameters.items())), asdict(wish.options)]
    return str(joblib.hash([handle.fingerprint, course, texts, answers, wish.seed]))


# Where the state is kept, how often, and how a step is divided changes nothing that is learned.
NOT_ITS_COURSE = ("folder", "save_seconds", "batch_tokens")
