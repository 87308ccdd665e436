"""What models cost, from their results: parameters, bytes, and texts per second on one machine."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .result_records import ModelResults, RunLine

BYTES_PER_PARAMETER = {"float32": 4, "bfloat16": 2, "float16": 2}
# Caches that hold no vectors of earlier runs, so that a run encodes each of its texts once.
WITHOUT_EARLIER_VECTORS = ("None", "session")
BYTES_PER_MEGABYTE = 1e6

Key = tuple[str, str, str]


@dataclass(frozen=True)
class ModelCost:
    """What one model costs.

    Parameters
    ----------
    parameters : int or None
        Of the model.
    megabytes : float or None
        Of the parameters in the precision of the runs; None where bytes per parameter differ,
        as in int8, or parameters are not known.
    texts_per_second : float or None
        Of encoding.
    """

    parameters: int | None
    megabytes: float | None
    texts_per_second: float | None


@dataclass(frozen=True)
class Costs:
    """What models cost.

    Parameters
    ----------
    models : tuple of ModelCost
        In the order of the models.
    machine : mapping
        On which texts per second were measured; empty where there are none.
    notes : tuple of str
        Why some have no speed.
    """

    models: tuple[ModelCost, ...]
    machine: Mapping[str, object]
    notes: tuple[str, ...]


def read_costs(labels: Sequence[str], models: Sequence[ModelResults]) -> Costs:
    """Compare what models cost.

    Speeds are of the same texts on the same machine: of the splits and subsets that all models
    encoded on the machine that most of them ran on.

    Parameters
    ----------
    labels : sequence of str of length n_models
        What they are called.
    models : sequence of ModelResults of length n_models
        With their runs.

    Returns
    -------
    Costs
        Of each; a speed that cannot be compared is left out, and a note says so.
    """
    notes: list[str] = []
    timed = {}
    for label, model in zip(labels, models, strict=True):
        runs = [run for run in model.runs if run.encoding]
        fresh = [run for run in runs if _encoded_everything(run)]
        if fresh:
            timed[label] = fresh
        elif runs:
            notes.append(f"{label}: no speed, its runs found vectors in a cache that stays.")
        else:
            notes.append(f"{label}: no speed, its runs have no record of one.")
    machine = _most_used_machine(timed)
    speeds = _measure({label: _last(runs, machine) for label, runs in timed.items()}, notes)
    costs = tuple(
        ModelCost(model.parameters, _megabytes(model), speeds.get(label))
        for label, model in zip(labels, models, strict=True)
    )
    return Costs(costs, json.loads(machine) if speeds else {}, tuple(notes))


def _encoded_everything(run: RunLine) -> bool:
    return str(run.settings.get("cache", "None")) in WITHOUT_EARLIER_VECTORS


def _name(run: RunLine) -> str:
    return json.dumps(run.machine, sort_keys=True)


def _most_used_machine(timed: Mapping[str, Sequence[RunLine]]) -> str:
    users = Counter(name for runs in timed.values() for name in {_name(run) for run in runs})
    return max(users, key=lambda name: (users[name], name), default="{}")


def _last(runs: Sequence[RunLine], machine: str) -> dict[Key, tuple[int, float]]:
    """Give texts and seconds of the last run of each split and subset on a machine."""
    return {
        (run.task, part.split, part.subset): (part.n_encoded, part.seconds)
        for run in runs
        if _name(run) == machine
        for part in run.encoding
    }


def _measure(
    timed: Mapping[str, Mapping[Key, tuple[int, float]]], notes: list[str]
) -> dict[str, float]:
    elsewhere = [label for label, parts in timed.items() if not parts]
    notes += [f"{label}: no speed, it ran on another machine." for label in elsewhere]
    here = {label: parts for label, parts in timed.items() if parts}
    common = set.intersection(*map(set, here.values())) if here else set()
    if here and not common:
        notes.append("No speeds: the models encoded no task in common.")
    totals = {
        label: (sum(parts[key][0] for key in common), sum(parts[key][1] for key in common))
        for label, parts in here.items()
    }
    return {
        label: texts / seconds
        for label, (texts, seconds) in totals.items()
        if texts > 0 and seconds > 0
    }


def _megabytes(model: ModelResults) -> float | None:
    precisions = {str(run.settings.get("precision")) for run in model.runs}
    if model.parameters is None or len(precisions) != 1:
        return None
    size = BYTES_PER_PARAMETER.get(precisions.pop())
    return model.parameters * size / BYTES_PER_MEGABYTE if size else None
