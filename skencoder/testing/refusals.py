"""Item 6, second half: what is no collection of texts is refused, and the row is named."""

import math
import re
from typing import Any

from skencoder.testing.case import Case, need_parameter, optional, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import TEXTS

# The sentence of scikit-learn's own text vectorizers.
BARE_STRING = "Iterable over raw text documents expected, string object received"
ROW = 7


@text_check(6)
def check_bare_string_is_refused(case: Case) -> None:
    """Refuse a bare string in every method, with the sentence scikit-learn uses."""
    for method, estimator in (
        ("fit", case.new()),
        ("fit_transform", case.new()),
        ("transform", case.fitted()),
    ):
        error = _error_of(estimator, method, TEXTS[0])
        require(error is not None, f"{method} takes a bare string for a collection of texts.")
        require(
            isinstance(error, ValueError) and BARE_STRING in str(error),
            f"{method} of a bare string raises {error!r}; expected ValueError({BARE_STRING!r}).",
        )


@text_check(6)
def check_empty_input_is_refused(case: Case) -> None:
    """Refuse an empty collection of texts."""
    _refusals(case, case.put(()), "an empty input")


@text_check(6)
def check_number_is_refused(case: Case) -> None:
    """Refuse a number among the texts."""
    _refusals(case, _with_row(case, 3), "a number among the texts")


@text_check(6)
def check_nested_list_is_refused(case: Case) -> None:
    """Refuse a list among the texts."""
    _refusals(case, _with_row(case, ["two", "texts"]), "a list among the texts")


@text_check(6)
def check_refused_row_is_named(case: Case) -> None:
    """Name the row where a number or a list stands among the texts."""
    for value in (3, ["two", "texts"]):
        _require_row_named(_refusals(case, _with_row(case, value), repr(value)))


@text_check(6)
def check_two_columns_are_refused(case: Case) -> None:
    """Refuse a data frame with two columns."""
    frame = optional("pandas").DataFrame({"a": list(TEXTS), "b": list(TEXTS)})
    _refusals(case, frame, "a frame with two columns")


@text_check(6)
def check_missing_is_refused(case: Case) -> None:
    """Refuse None and NaN, if ``missing="error"`` where there is this parameter."""
    strict = _strict(case)
    for value in (None, math.nan):
        _refusals(strict, _with_row(strict, value), f"{value} among the texts")


@text_check(6)
def check_missing_row_is_named(case: Case) -> None:
    """Name the row where None or NaN is refused."""
    strict = _strict(case)
    for value in (None, math.nan):
        _require_row_named(_refusals(strict, _with_row(strict, value), repr(value)))


@text_check(6)
def check_missing_can_be_an_empty_text(case: Case) -> None:
    """Read None and NaN as empty texts if ``missing="empty"``."""
    need_parameter(case, "missing")
    estimator = case.fitted(missing="empty")
    expected = case.vectors(estimator, ["", TEXTS[0]])
    for value in (None, math.nan):
        found = case.vectors(estimator, [value, TEXTS[0]])
        case.same(found, expected, f"{value} in place of an empty string")


def _strict(case: Case) -> Case:
    if "missing" not in case.parameters:
        return case
    return Case(case.new(missing="error"), atol=case.atol, container=case.container)


def _with_row(case: Case, value: Any) -> Any:
    rows: list[Any] = list(TEXTS)
    rows[ROW] = value
    return case.put(rows)


def _refusals(case: Case, X: Any, what: str) -> list[Exception]:
    found = {
        "fit_transform": _error_of(case.new(), "fit_transform", X),
        "transform": _error_of(case.fitted(), "transform", X),
    }
    taken = [method for method, error in found.items() if error is None]
    require(not taken, f"{' and '.join(taken)} takes {what} and gives no error.")
    return [error for error in found.values() if error is not None]


def _error_of(estimator: Any, method: str, X: Any) -> Exception | None:
    try:
        getattr(estimator, method)(X)
    except Exception as error:  # any error will do; what it says is another check
        return error
    return None


def _require_row_named(errors: list[Exception]) -> None:
    for error in errors:
        require(re.search(rf"\b{ROW}\b", str(error)), f"row {ROW} is not named in {error!r}.")
