"""What a search run found out, as data and as JSON; `search_tables` shows it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from .search_probe import SearchMemory
from .speed_statistics import Rounds


@dataclass(frozen=True)
class SearchSpeed:
    """How fast one engine answered queries, and how well.

    Parameters
    ----------
    engine, description : str
        Its name, and what it does.
    rounds : Rounds
        Seconds of each round, and how they compare with plain numpy's.
    queries_per_second : float
        Median over the rounds.
    slowest, fastest : float
        Least and most queries per second over the rounds.
    recall : float
        Share of the nearest that were found.
    same_ids : float
        Share of queries with just the ids of a brute force in float64, in their order.
    build_seconds : float
        Indexing the documents, once.
    """

    engine: str
    description: str
    rounds: Rounds
    queries_per_second: float
    slowest: float
    fastest: float
    recall: float
    same_ids: float
    build_seconds: float


@dataclass(frozen=True)
class SetSearch:
    """What was measured on one set of vectors.

    Parameters
    ----------
    name, description : str
        Of the vectors.
    n_documents, n_queries, n_features, n_neighbors : int
        How many of what.
    engines : tuple of SearchSpeed
        The baseline first.
    latency : tuple of Rounds
        One query at a time: seconds are the median over calls, of each round.
    memory : tuple of SearchMemory
        Each engine in a process of its own.
    """

    name: str
    description: str
    n_documents: int
    n_queries: int
    n_features: int
    n_neighbors: int
    engines: tuple[SearchSpeed, ...]
    latency: tuple[Rounds, ...]
    memory: tuple[SearchMemory, ...]


@dataclass(frozen=True)
class SearchReport:
    """Everything a search run found out.

    Parameters
    ----------
    settings : dict
        What was asked for.
    machine : dict
        As `environment.describe_machine` gives it.
    versions : dict
        As `environment.package_versions` gives it.
    sets : tuple of SetSearch
        One per set of vectors.
    left_out : dict of str to str
        What could not be measured, and why.
    """

    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str | None]
    sets: tuple[SetSearch, ...]
    left_out: dict[str, str]

    def to_json(self) -> str:
        """Write everything as JSON.

        Returns
        -------
        str
            Indented, with a final newline.
        """
        return json.dumps(asdict(self), indent=2, default=str) + "\n"
