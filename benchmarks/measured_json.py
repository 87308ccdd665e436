"""A report of measurements as JSON, with what it was measured on."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from .environment import describe_machine, package_versions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def measured_json(report: "DataclassInstance", more: tuple[str, ...] = ()) -> str:
    """Write a report for programs.

    Parameters
    ----------
    report : dataclass
        What was measured, numbers and strings all the way down.
    more : tuple of str, default=()
        Packages whose versions matter beside those that always do.

    Returns
    -------
    str
        A JSON object: the report's fields, ``machine`` and ``versions``.
    """
    facts = {"machine": describe_machine(), "versions": package_versions(more)}
    return json.dumps(asdict(report) | facts, indent=2, default=str, allow_nan=False) + "\n"
