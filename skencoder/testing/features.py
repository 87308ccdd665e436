"""Item 5: the output's width, its names, and the container it comes in."""

from typing import Any

import numpy as np

from skencoder.testing.alternatives import alternatives_of
from skencoder.testing.case import Case, matrix, optional, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import TEXTS


@text_check(5)
def check_output_is_one_finite_vector_per_text(case: Case) -> None:
    """Give one row per text, without NaN or infinity."""
    found = case.vectors(case.fitted())
    rows = found.shape[0]
    require(rows == len(TEXTS), f"{len(TEXTS)} texts give {rows} rows.")
    require(np.isfinite(found.data).all(), "the output has NaN or infinity.")


@text_check(5)
def check_feature_names_match_width(case: Case) -> None:
    """Name every column, in an object array from ``get_feature_names_out()``."""
    estimator = case.fitted()
    _require_names(estimator, case.vectors(estimator).shape[1], "")


@text_check(5)
def check_feature_names_follow_parameters(case: Case) -> None:
    """Name every column after each change of a parameter too."""
    for name, value in alternatives_of(case).items():
        estimator = case.fitted(**{name: value})
        width = case.vectors(estimator).shape[1]
        _require_names(estimator, width, f"with {name}={value!r}, ")


@text_check(5)
def check_set_output_pandas(case: Case) -> None:
    """Give a data frame of the same values after ``set_output(transform="pandas")``."""
    _check_container(case, "pandas")


@text_check(5)
def check_set_output_polars(case: Case) -> None:
    """Give a data frame of the same values after ``set_output(transform="polars")``."""
    _check_container(case, "polars")


@text_check(5)
def check_set_output_keeps_index(case: Case) -> None:
    """Keep the index of a Series in a data frame."""
    pandas = optional("pandas")
    index = [f"row {'abc'[i % 3]} of {i // 3}" for i in range(len(TEXTS))]
    series = pandas.Series(list(TEXTS), index=index, name="texts")
    estimator = case.new().set_output(transform="pandas")
    for frame in case.outputs(estimator, lambda: series).values():
        require(list(frame.index) == index, f"the index is {list(frame.index)[:3]}...")


def _require_names(estimator: Any, width: int, where: str) -> None:
    for names in (
        estimator.get_feature_names_out(),
        estimator.get_feature_names_out(input_features=None),
    ):
        require(
            isinstance(names, np.ndarray) and names.dtype == object,
            f"{where}feature names are a {type(names).__name__}; expected an object array.",
        )
        require(
            names.shape == (width,),
            f"{where}feature names have the shape {names.shape}; the output has {width} columns.",
        )
        require(len(set(names)) == width, f"{where}a feature name stands twice.")


def _check_container(case: Case, library: str) -> None:
    kind = optional(library).DataFrame
    expected = case.outputs(case.new())
    estimator = case.new().set_output(transform=library)
    found = case.outputs(estimator)
    names = list(estimator.get_feature_names_out())
    for method, frame in found.items():
        given = f"{type(frame).__module__}.{type(frame).__name__}"
        require(isinstance(frame, kind), f"{method} gives a {given}.")
        require(list(frame.columns) == names, f"{method} gives other column names.")
        case.same(
            matrix(frame), matrix(expected[method]), f"{method} with set_output({library!r})"
        )
