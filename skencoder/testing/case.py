"""What a check is given: the estimator, and how it wants to be tried. Checks stand elsewhere."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias
from unittest import SkipTest

import numpy as np
from scipy import sparse
from sklearn import clone

from skencoder.testing.corpus import TEXTS

# Sparse, because hashed words make a million columns.
Matrix: TypeAlias = "sparse.csr_array[np.float64, tuple[int, int]]"


@dataclass(frozen=True)
class Case:
    """One estimator under test; every check works on clones of it.

    Parameters
    ----------
    estimator : estimator
        Unfitted.
    alternatives : mapping of str to object, default={}
        For some parameters another valid value, one that changes the vectors.
    atol : float, default=1e-5
        Largest difference between vectors that ought to be equal, as a share of the largest
        value.
    container : callable, default=list
        From a list of str to what the estimator takes, where that is not what is tried.

    Raises
    ------
    ValueError
        If the estimator has no such parameter.
    """

    estimator: Any
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    atol: float = 1e-5
    container: Callable[[list[str]], Any] = list

    def __post_init__(self) -> None:
        unknown = sorted(self.alternatives.keys() - self.parameters.keys())
        if unknown:
            raise ValueError(
                f"alternatives name {', '.join(unknown)}, but {self.name} has only the "
                f"parameters {', '.join(sorted(self.parameters))}."
            )

    @property
    def name(self) -> str:
        """The class's name."""
        return type(self.estimator).__name__

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters and their present values."""
        return dict(self.estimator.get_params(deep=False))

    def new(self, **parameters: Any) -> Any:
        """Make an unfitted clone.

        Parameters
        ----------
        **parameters : object
            Values other than the estimator's own.

        Returns
        -------
        estimator
            A clone.
        """
        return clone(self.estimator).set_params(**parameters)

    def put(self, texts: Iterable[Any] = TEXTS) -> Any:
        """Put texts into the container that the estimator takes.

        Parameters
        ----------
        texts : iterable, default=TEXTS
            Any number of str, or what ought to be refused in their place.

        Returns
        -------
        container
            One row per text.
        """
        return self.container(list(texts))

    def fitted(self, texts: Iterable[str] = TEXTS, /, **parameters: Any) -> Any:
        """Make a clone and fit it.

        Parameters
        ----------
        texts : iterable of str, default=TEXTS
            What it is fitted on.
        **parameters : object
            Values other than the estimator's own.

        Returns
        -------
        estimator
            A fitted clone.
        """
        estimator = self.new(**parameters)
        estimator.fit(self.put(texts))
        return estimator

    def outputs(self, estimator: Any, make: Callable[[], Any] | None = None) -> dict[str, Any]:
        """Fit and transform, as a search does, and transform again, as predicting does.

        Parameters
        ----------
        estimator : estimator
            Unfitted.
        make : callable, optional
            Makes the input; by default the corpus in the container that the estimator takes.

        Returns
        -------
        dict of str to object
            What ``fit_transform`` and ``transform`` gave.
        """
        # Made twice, because a generator or a file can be read only once.
        make = make or self.put
        return {
            "fit_transform": estimator.fit_transform(make()),
            "transform": estimator.transform(make()),
        }

    def vectors(self, estimator: Any, texts: Iterable[Any] = TEXTS) -> Matrix:
        """Transform texts.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        texts : iterable of str, default=TEXTS
            Any number.

        Returns
        -------
        sparse float64 of shape (n_texts, n_features)
            One vector per text.
        """
        return matrix(estimator.transform(self.put(texts)))

    def same(self, found: Matrix, expected: Matrix, difference: str) -> None:
        """Require equal vectors, to `atol`.

        Parameters
        ----------
        found : sparse float64 of shape (n_texts, n_features)
            Vectors.
        expected : sparse float64 of shape (n_texts, n_features)
            What they ought to be.
        difference : str
            What was done differently, for the message.

        Raises
        ------
        AssertionError
            If they are not equal.
        """
        require(
            found.shape == expected.shape,
            f"{difference}: the shape is {found.shape}; expected {expected.shape}.",
        )
        largest = float(abs(found - expected).max())
        allowed = self.atol * float(abs(expected).max())
        # A difference that is not a number is not allowed either.
        require(
            largest <= allowed,
            f"{difference}: vectors differ by up to {largest:.2g}; {allowed:.2g} is allowed.",
        )


def matrix(output: Any) -> Matrix:
    """Make one kind of array of whatever a transformer gives.

    Parameters
    ----------
    output : array, sparse matrix, data frame or tensor of shape (n_texts, n_features)
        What ``transform`` gave.

    Returns
    -------
    sparse float64 of shape (n_texts, n_features)
        The same values.

    Raises
    ------
    AssertionError
        If there is not one vector per text.
    """
    if hasattr(output, "detach"):
        output = output.detach().cpu().double().numpy()
    elif hasattr(output, "to_numpy"):
        output = output.to_numpy()
    shape = tuple(np.shape(output))
    require(len(shape) == 2, f"The output has the shape {shape}; two axes were expected.")  # noqa: PLR2004
    return sparse.csr_array(output, dtype=np.float64)


def require(condition: object, message: str) -> None:
    """Fail a check; unlike ``assert``, under ``python -O`` too.

    Parameters
    ----------
    condition : object
        What ought to be true.
    message : str
        What is wrong if it is not.

    Raises
    ------
    AssertionError
        If it is not true.
    """
    if not condition:
        raise AssertionError(message)


def optional(module: str) -> Any:
    """Import what a check needs and not everybody has.

    Parameters
    ----------
    module : str
        Dotted name.

    Returns
    -------
    module
        The module.

    Raises
    ------
    SkipTest
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise SkipTest(f"{module} is not installed.") from error


def need_parameter(case: Case, name: str) -> None:
    """Skip a check that is about a parameter which an estimator does not have.

    Parameters
    ----------
    case : Case
        The estimator under test.
    name : str
        A parameter.

    Raises
    ------
    SkipTest
        If there is no such parameter.
    """
    if name not in case.parameters:
        raise SkipTest(f"{case.name} has no parameter {name!r}.")
