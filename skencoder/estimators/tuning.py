"""What ``fit`` does where a model learns: from an objective, texts and answers to a new model."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pandas as pd

from skencoder.encode_once import ModelHandle
from skencoder.encoding_options import EncodingOptions, check_choice
from skencoder.errors import ParameterError
from skencoder.estimators.training_bar import TrainingBar
from skencoder.estimators.training_identity import identify_training
from skencoder.estimators.tuned_folder import (
    Recipe,
    TunedFolder,
    outlives_the_session,
    recipe_of,
)

if TYPE_CHECKING:
    from skencoder.encoder import EncoderConfig
    from skencoder.objectives import Objective, Training
    from skencoder.training.history import Record
    from skencoder.training.parts import Parts

# What numpy's generators of all kinds take.
SEEDS = 2**31
# Tokenizers that can be trained; where nothing is said, the first.
KINDS = ("wordpiece", "bpe", "unigram")


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
        If it is none, or its ``training`` is no `skencoder.objectives.Training`.
    """
    from skencoder.objectives import Objective, Training

    if isinstance(fine_tune, type) or not isinstance(fine_tune, Objective):
        raise ParameterError(
            f"fine_tune must be None or an objective of skencoder.objectives, such as "
            f"SimCSE(); got {fine_tune!r}."
        )
    if not isinstance(fine_tune.training, Training | None):
        raise ParameterError(
            f"training must be None or a Training of skencoder.objectives, such as "
            f"Training(epochs=2); got {fine_tune.training!r}."
        )
    return fine_tune


def check_can_go_on(training: "Training | None", random_state: Any) -> None:
    """Refuse to keep a state that no later training would go on from.

    Parameters
    ----------
    training : Training or None
        As the user gave it.
    random_state : int, RandomState or None
        The same.

    Raises
    ------
    ParameterError
        If there is a folder, and each ``fit`` draws a seed of its own.
    """
    folder = None if training is None else training.folder
    if isinstance(folder, str | Path) and random_state is None:
        raise ParameterError(
            f"With folder={str(folder)!r} a fit of the same data, parameters and seed "
            f"goes on where it was, but random_state=None draws another seed each time; give "
            f"random_state a number, such as 0."
        )


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

    kind: Any = getattr(objective, "tokenizer", KINDS[0])
    lowercase = getattr(objective, "lowercase", True)
    check_choice("tokenizer", kind, KINDS)
    if not isinstance(lowercase, bool):
        raise ParameterError(f"lowercase must be True or False; got {lowercase!r}.")
    with folder.filling() as path:
        write_new_model(config, texts, path, kind=kind, lowercase=lowercase, seed=wish.seed)
    return ModelHandle.find(folder.path, precision=wish.precision, device=wish.device)


def _tune(
    handle: ModelHandle,
    objective: "Objective",
    texts: list[str],
    y: Any,
    wish: Wish,
    verbose: int,
) -> Tuned:
    from skencoder.objectives import Training
    from skencoder.training import Lesson, Tuning, text_source, tune

    _check_reproducible(handle)
    training = objective.training or Training()
    # Before anything that takes time; the rows are counted later.
    training.options(objective.DEFAULTS, n_rows=sys.maxsize)
    named = handle.source
    parts = objective.open_model(named.model, wish.seed)
    source = text_source(parts, wish.options)
    task = objective.make_task(
        Lesson(texts, y, parts, source, named.model, wish.seed, named.precision, named.device)
    )
    tuning = Tuning(
        options=training.options(objective.DEFAULTS, task.n_rows, task.least_rows),
        device=handle.device,
        seed=wish.seed,
        identity=identify_training(
            [handle.fingerprint, task.teacher], objective, wish.options, (texts, y), wish.seed
        ),
    )
    with TrainingBar(verbose) as bar:
        tuned, records = tune(parts, source, task, tuning, bar.see)
    folder = TunedFolder(_recipe(handle, objective, tuned, wish))
    with folder.filling() as path:
        tuned.save(path)
    found = ModelHandle.find(folder.path, precision=wish.precision, device=wish.device)
    return Tuned(found, folder, as_history(records))


def _recipe(
    handle: ModelHandle, objective: "Objective", tuned: "Parts", wish: Wish
) -> Recipe | None:
    """Say how the model can be made again, where that is less than the model itself."""
    from skencoder.objectives.models import open_as_it_is

    if tuned.added is None:
        return None
    former = recipe_of(handle.source.model)
    if former is not None and former.open_model is objective.open_model is open_as_it_is:
        return replace(former, added=(*former.added, tuned.added))
    if not outlives_the_session(handle.source.model):
        return None
    return Recipe(handle.source, objective.open_model, wish.seed, (tuned.added,))


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
        "validation_loss_before",
    ]
    table = pd.DataFrame([asdict(record) for record in records], columns=columns)
    return table.astype({"validation_loss": float, "validation_loss_before": float})


def _check_reproducible(handle: ModelHandle) -> None:
    if not handle.is_reproducible:
        raise ParameterError(
            f"The weights of {handle.source.model!r} were changed since they were loaded; write "
            f"them with EncoderVectorizer.save and fine-tune that folder."
        )
