"""Numbers that a user gives as parameters, checked: each refusal names the parameter."""

import math
from numbers import Integral, Real
from typing import Any

from skencoder.errors import ParameterError


def check_count(name: str, value: Any, *, at_least: int) -> int:
    """Check a number of things.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What came.
    at_least : int
        The smallest that is allowed.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ParameterError
        If it is no integer, or a smaller one.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise ParameterError(f"{name} must be an integer of at least {at_least}; got {value!r}.")
    return int(value)


def check_share(name: str, value: Any) -> float:
    """Check a number from 0 to 1.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What came.

    Returns
    -------
    float
        The same.

    Raises
    ------
    ParameterError
        If it is no number, or outside.
    """
    if not _is_real(value) or not 0 <= value <= 1:
        raise ParameterError(f"{name} must be a number from 0 to 1; got {value!r}.")
    return float(value)


def check_finite(name: str, value: Any) -> float:
    """Check a number that may have any size.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What came.

    Returns
    -------
    float
        The same.

    Raises
    ------
    ParameterError
        If it is no number, or NaN or infinite.
    """
    if not _is_real(value) or not math.isfinite(value):
        raise ParameterError(f"{name} must be a finite number; got {value!r}.")
    return float(value)


def check_above_zero(name: str, value: Any) -> float:
    """Check a temperature, a rate or a scale.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        What came.

    Returns
    -------
    float
        The same.

    Raises
    ------
    ParameterError
        If it is no number, not finite, or not above 0.
    """
    if check_finite(name, value) <= 0:
        raise ParameterError(f"{name} must be above 0; got {value!r}.")
    return float(value)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
