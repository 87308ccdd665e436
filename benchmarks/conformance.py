"""Which text estimators keep which of scikit-learn's conventions: a row per check.

The checks are `skencoder.testing`'s. Estimators of libraries that are not installed are left out.
"""

import json
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

from skencoder import EncoderVectorizer
from skencoder.checkpoints import locate_checkpoint
from skencoder.errors import ParameterError
from skencoder.testing import check_text_estimator, text_checks

MODEL = "all-MiniLM-L6-v2"
PACKAGES = ("skencoder", "scikit-learn", "skrub", "sentence-transformers")
CELLS = {"passed": "yes", "failed": "**no**", "skipped": "-"}
TABLE = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Contender:
    """An estimator that is tried.

    Parameters
    ----------
    make : callable
        From a checkpoint's folder to an unfitted estimator.
    needs : tuple of str, default=()
        Packages that must be installed.
    container : callable, default=list
        From a list of str to what it takes.
    model : str, default=None
        The parameter that names the checkpoint, if there is one.
    """

    make: Callable[[str], Any]
    needs: tuple[str, ...] = ()
    container: Callable[[list[str]], Any] = list
    model: str | None = None


def _skrub(name: str, **parameters: Any) -> Any:
    return getattr(import_module("skrub"), name)(random_state=0, n_components=8, **parameters)


# What skrub's encoders take; that they take no list has its own row.
_COLUMN = partial(pd.Series, name="texts")
CONTENDERS = {
    "TfidfVectorizer": Contender(lambda _: TfidfVectorizer()),
    "HashingVectorizer": Contender(lambda _: HashingVectorizer(n_features=1024)),
    "StringEncoder": Contender(lambda _: _skrub("StringEncoder"), ("skrub",), _COLUMN),
    "MinHashEncoder": Contender(
        lambda _: import_module("skrub").MinHashEncoder(), ("skrub",), _COLUMN
    ),
    "LLMEncoder": Contender(
        lambda folder: _skrub("LLMEncoder", model_name=folder),
        ("skrub", "sentence_transformers"),
        _COLUMN,
        "model_name",
    ),
    "EncoderVectorizer": Contender(
        lambda folder: EncoderVectorizer(folder, precision="float32", cache=None), model="model"
    ),
}


def run_conformance(names: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Run every check on every estimator.

    Parameters
    ----------
    names : tuple of str, optional
        Some of `CONTENDERS`; by default all whose library is installed.

    Returns
    -------
    DataFrame
        One row per check, indexed by its name, with its ``item`` and ``description`` and a
        column per estimator: "passed", "failed" or "skipped".

    Raises
    ------
    ParameterError
        If there is no such estimator.
    """
    chosen = tuple(CONTENDERS) if names is None else names
    unknown = [name for name in chosen if name not in CONTENDERS]
    if unknown:
        raise ParameterError(f"names={unknown!r} are not among {', '.join(CONTENDERS)}.")
    checks, items, descriptions = zip(*text_checks(), strict=True)
    table = pd.DataFrame({"item": items, "description": descriptions}, index=list(checks))
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen:
            lacking = [p for p in CONTENDERS[name].needs if find_spec(p) is None]
            if lacking:
                logger.info("%s is left out: %s is not installed", name, ", ".join(lacking))
                continue
            logger.info("%s ...", name)
            table[name] = _statuses(CONTENDERS[name], Path(scratch, name))
    return table


def format_conformance(table: pd.DataFrame) -> str:
    """Show the statuses as a Markdown table.

    Parameters
    ----------
    table : DataFrame
        What `run_conformance` gave.

    Returns
    -------
    str
        A line per check, one of totals, and below the table the versions used.
    """
    names = list(table.columns.drop(["item", "description"]))
    lines = [["item", "check", "an estimator has to", *names]]
    lines.append(["---"] * len(lines[0]))
    for check, row in table.iterrows():
        does = row["description"].rstrip(".")
        short = f"`{str(check).removeprefix('check_')}`"
        lines.append([str(row["item"]), short, does, *(CELLS[row[name]] for name in names)])
    lines.append(["", "", "passed of those that apply", *(_total(table[name]) for name in names)])
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", f"With {versions}."])


def write_table(page: Path, shown: str) -> None:
    """Put a table into a page, in place of the one that stands there.

    Parameters
    ----------
    page : Path
        A Markdown file with the comments ``table`` and ``end of table``.
    shown : str
        What `format_conformance` gave.

    Raises
    ------
    ParameterError
        If the page has no such comments.
    """
    written, found = TABLE.subn(lambda _: f"\n{shown}\n\n", page.read_text(encoding="utf-8"))
    if not found:
        raise ParameterError(
            f"{page} has no lines <!-- table --> and <!-- end of table --> to write between."
        )
    page.write_text(written, encoding="utf-8")


def _statuses(contender: Contender, scratch: Path) -> list[str]:
    folder, other = "", {}
    if contender.model:
        folder = str(locate_checkpoint(MODEL))
        other = {contender.model: str(_other_model(Path(folder), scratch))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_text_estimator(
            contender.make(folder),
            on_fail=None,
            alternatives=other,
            container=contender.container,
        )
    return [result["status"] for result in results]


def _other_model(folder: Path, copy: Path) -> Path:
    """Make a second model of the first: the same weights, but the first token's vector."""
    shutil.copytree(folder, copy, copy_function=os.symlink)
    path = copy / "1_Pooling" / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    changed = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    path.write_text(json.dumps(settings | changed), encoding="utf-8")
    return copy


def _total(statuses: pd.Series) -> str:
    return f"{(statuses == 'passed').sum()} of {(statuses != 'skipped').sum()}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
