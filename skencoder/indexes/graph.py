"""What an index library has to do for `ApproximateIndex`: propose rows that may be near."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from skencoder.errors import ParameterError
from skencoder.indexes.inputs import check_integer
from skencoder.indexes.rows import Numbers
from skencoder.indexes.scoring import Vectors


class Graph(Protocol):
    """A library's index; rows are numbered from 0 in the order they are added."""

    def __len__(self) -> int:
        """Count the rows."""

    def add(self, vectors: Vectors) -> None:
        """Append rows.

        Parameters
        ----------
        vectors : float32 of shape (n_rows, n_features)
            Rows.
        """

    def propose(self, queries: Vectors, n_rows: int) -> Numbers:
        """Find rows that may be among the nearest.

        Parameters
        ----------
        queries : float32 of shape (n_queries, n_features)
            Vectors.
        n_rows : int
            How many for each query.

        Returns
        -------
        int64 of shape (n_queries, n_rows)
            Their numbers, -1 where fewer were found.
        """

    def save(self, path: Path) -> None:
        """Write a file.

        Parameters
        ----------
        path : Path
            Its name.
        """


@dataclass(frozen=True)
class GraphOptions:
    """How thoroughly a graph of neighbours is built and searched.

    Parameters
    ----------
    connectivity : int, default=16
        Links of a row; more find more and take more memory.
    expansion_add : int, default=128
        Rows looked at when one is added.
    expansion_search : int, default=64
        Rows looked at for a query.

    Raises
    ------
    ParameterError
        If one is no integer, or less than 2.

    References
    ----------
    .. [1] Malkov & Yashunin (2018), Efficient and robust approximate nearest neighbor search using
       Hierarchical Navigable Small World graphs, arXiv:1603.09320.
    """

    connectivity: int = 16
    expansion_add: int = 128
    expansion_search: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            check_integer(field.name, getattr(self, field.name), least=2)

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> "GraphOptions":
        """Take options that a user gave.

        Parameters
        ----------
        options : mapping of str to object
            By name.

        Returns
        -------
        GraphOptions
            The others have their defaults.

        Raises
        ------
        ParameterError
            If there is no such option, or a value cannot be used.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise ParameterError(
                f"options has {', '.join(unknown)}; expected some of {', '.join(known)}."
            )
        return cls(**options)
