"""What tells one training from another: the state of each lies in a folder named by it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from skencoder.encoding_options import EncodingOptions

if TYPE_CHECKING:
    from skencoder.objectives import Objective

# Where a state is kept, and how often, changes nothing that is learned, nor does how many texts
# are encoded at once. A training's batch_tokens do: dropout is drawn per pass.
NOT_LEARNED = ("folder", "save_seconds")
NOT_ENCODED = ("batch_tokens", "verbose")


def identify_training(
    models: Sequence[str],
    objective: "Objective",
    options: EncodingOptions,
    data: tuple[Sequence[str], Any],
    seed: int,
) -> str:
    """Name a training by all that decides its course.

    Parameters
    ----------
    models : sequence of str
        What names the model it begins as, and others that it learns from.
    objective : Objective
        With its parameters.
    options : EncodingOptions
        How texts are read.
    data : tuple of list of str and object
        The texts, and what belongs to them.
    seed : int
        Of all that is drawn.

    Returns
    -------
    str
        The same for the same training, in any process.
    """
    parameters = {
        name: repr(value)
        for name, value in objective.get_params(deep=True).items()  # type: ignore[attr-defined]
        if not hasattr(value, "get_params")
    }
    learned, encoded = _course(parameters, NOT_LEARNED), _course(asdict(options), NOT_ENCODED)
    course = [type(objective).__name__, learned, encoded]
    texts, y = data
    return str(joblib.hash([list(models), course, list(texts), _plain_rows(y), seed]))


def _course(settings: dict[str, Any], left_out: tuple[str, ...]) -> list[tuple[str, Any]]:
    return sorted(
        (name, value) for name, value in settings.items() if name.split("__")[-1] not in left_out
    )


def _plain_rows(y: Any) -> Any:
    """Write y in one way, whatever it is kept in: the same rows are the same training."""
    from skencoder.objectives.rows import as_rows

    rows = as_rows(y)
    return y if rows is None else [_plain(row) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
