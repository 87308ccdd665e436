"""The documentation strings of the running Python's standard library as a data set.

Reading sources and finding near duplicates is in ``docstrings.py``, the topics are in
``topics.py``; here they become rows, and rows become what scikit-learn's loaders return.
"""

import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from sklearn.utils import Bunch

from skencoder.datasets.docstrings import (
    Docstring,
    distinct_words,
    find_sources,
    first_of_near_duplicates,
    read_docstrings,
)
from skencoder.datasets.topics import TOPICS, TWINS
from skencoder.errors import DataNotFoundError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

MIN_WORDS = 5
MAX_SIMILARITY = 0.75


class _Row(NamedTuple):
    name: str
    module: str
    text: str
    topic: str


@overload
def load_python_docs(
    *,
    return_X_y: Literal[False] = ...,
    as_frame: bool = ...,
    topics: Iterable[str] | None = ...,
) -> Bunch: ...
@overload
def load_python_docs(
    *, return_X_y: Literal[True], as_frame: bool = ..., topics: Iterable[str] | None = ...
) -> tuple[Any, Any]: ...
def load_python_docs(
    *, return_X_y: bool = False, as_frame: bool = False, topics: Iterable[str] | None = None
) -> Bunch | tuple[Any, Any]:
    """Load the documentation strings of Python's standard library and their topics.

    Real texts in quantity with neither download nor network: each is the documentation
    of a public module, class or function of the Python that runs, read from its source
    without importing it. The same Python version gives the same rows in the same order
    (by topic, then name), whatever the platform and whatever else is installed.

    =================   ================================
    Topics                                            10
    Samples total                             about 4000
    Samples per topic                    about 250 - 570
    Features             text of 5 words to several pages
    =================   ================================

    Left out are texts of fewer than five distinct words (a word being two or more
    letters), and every text that shares three quarters or more of its distinct words with
    an earlier one: copies, such as the synchronous and the asynchronous form of the same
    method, would otherwise stand in both parts of a train-test split.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of the ``Bunch``.
    as_frame : bool, default=False
        Return ``data`` and ``target`` as pandas Series, and fill ``frame``.
    topics : iterable of str, default=None
        Keep only these topics; codes in ``target`` then count the kept ones. None keeps
        all.

    Returns
    -------
    Bunch or tuple
        A ``Bunch`` with the attributes below, or ``(data, target)`` if ``return_X_y``.

        data : ndarray of str objects, or Series, of shape (n_samples,)
            The texts, indentation removed, otherwise as written.
        target : int64 ndarray, or Series, of shape (n_samples,)
            Index of each text's topic in ``target_names``.
        target_names : ndarray of str of shape (n_topics,)
            The topics, sorted.
        names : ndarray of str objects of shape (n_samples,)
            What each text documents, such as ``asyncio.queues.Queue.put``; unique.
        modules : ndarray of str objects of shape (n_samples,)
            The module of each text, such as ``asyncio.queues``; use as ``groups`` for a
            split in which no module stands on both sides.
        frame : DataFrame of shape (n_samples, 5), or None
            Columns ``name, module, text, topic, target``; only if ``as_frame``.
        DESCR : str
            Description with the number of texts per topic.

    Raises
    ------
    ParameterError
        If a topic is unknown; the message lists those that exist.
    DataNotFoundError
        If this Python comes without the sources of its standard library.

    Warns
    -----
    UserWarning
        If the sources of some, but not all, modules are missing.

    See Also
    --------
    sklearn.datasets.fetch_20newsgroups : Another text classification data set.

    Notes
    -----
    The first call reads some 6 MB of source, which takes one to three seconds. The rows
    are kept in memory for the next call, nothing is written to disk.

    Examples
    --------
    >>> from skencoder.datasets import load_python_docs
    >>> docs = load_python_docs()
    >>> len(docs.data) > 3000
    True
    >>> row = list(docs.names).index("shlex.join")
    >>> docs.data[row]
    'Return a shell-escaped string from *split_command*.'
    >>> str(docs.target_names[docs.target[row]])
    'command line and logging'
    """
    rows = _select(_standard_library_rows(Path(sysconfig.get_path("stdlib"))), topics)
    target_names, target = np.unique([row.topic for row in rows], return_inverse=True)
    bunch = Bunch(
        data=_strings(row.text for row in rows),
        target=target.astype(np.int64),
        target_names=target_names,
        names=_strings(row.name for row in rows),
        modules=_strings(row.module for row in rows),
        frame=None,
        DESCR=_describe(target_names, target),
    )
    if as_frame:
        bunch.frame = _to_frame(bunch)
        bunch.data, bunch.target = bunch.frame["text"], bunch.frame["target"]
    return (bunch.data, bunch.target) if return_X_y else bunch


@lru_cache(maxsize=1)
def _standard_library_rows(root: Path) -> tuple[_Row, ...]:
    """Read, clean and order all rows; ``root`` is the folder of the standard library."""
    topic_of = {module: topic for topic, modules in TOPICS.items() for module in modules}
    rows: dict[str, _Row] = {}
    for docstring in _read_modules(root, topic_of):
        if len(distinct_words(docstring.text)) >= MIN_WORDS:
            topic = topic_of[docstring.module.partition(".")[0]]
            # A property's getter and setter have one name; the first text stands for both.
            rows.setdefault(docstring.name, _Row(*docstring, topic))
    ordered = sorted(rows.values(), key=lambda row: (row.topic, row.name))
    kept = first_of_near_duplicates([row.text for row in ordered], MAX_SIMILARITY)
    return tuple(ordered[row] for row in kept)


def _read_modules(root: Path, modules: Iterable[str]) -> Iterator[Docstring]:
    sources = {module: find_sources(root, module) for module in modules}
    _check_complete(root, sources)
    files = [item for found in sources.values() for item in found.items()]
    for twin, module in TWINS.items():
        files += [(module, path) for path in find_sources(root, twin).values()]
    for module, path in files:
        yield from read_docstrings(path, module)


def _check_complete(root: Path, sources: dict[str, dict[str, Path]]) -> None:
    """Refuse a Python without sources and warn of one that has only some of them."""
    missing = sorted(m for m, found in sources.items() if not found)
    if len(missing) == len(sources):
        raise DataNotFoundError(
            f"No source of Python's standard library stands in {root}: looked for "
            f"{', '.join(missing[:3])} and {len(missing) - 3} other modules as .py files. "
            "Install the full standard library of this Python (a stripped, zipped or "
            "embedded Python comes without it), or use another data set."
        )
    # Modules that this version never had are no loss.
    lost = [module for module in missing if module in sys.stdlib_module_names]
    if lost:
        warnings.warn(
            f"The sources of {len(lost)} modules are missing in {root} ({', '.join(lost)}); "
            "the data set is smaller than on a complete Python of this version.",
            UserWarning,
            stacklevel=5,  # the caller of load_python_docs
        )


def _select(rows: tuple[_Row, ...], topics: Iterable[str] | None) -> list[_Row]:
    if topics is None:
        return list(rows)
    wanted = {topics} if isinstance(topics, str) else set(topics)
    unknown = sorted(map(repr, wanted - TOPICS.keys()))
    if unknown or not wanted:
        raise ParameterError(
            f"topics holds {', '.join(unknown) or 'nothing'}; expected one or more of "
            f"{', '.join(map(repr, TOPICS))}, or None for all."
        )
    return [row for row in rows if row.topic in wanted]


def _strings(values: Iterable[str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    return np.array(list(values), dtype=object)


def _to_frame(bunch: Bunch) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "name": bunch.names,
            "module": bunch.modules,
            "text": bunch.data,
            "topic": bunch.target_names[bunch.target],
            "target": bunch.target,
        }
    )


def _describe(target_names: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> str:
    counts = zip(target_names, np.bincount(target), strict=True)
    table = "\n".join(f"{name:<28}{count:>6}" for name, count in counts)
    return f"""Python's standard library, documented by itself
-----------------------------------------------

{len(target)} documentation strings of Python {platform.python_version()}, read from the
sources of its standard library. Each row is what a public module, class or function says
about itself; the topic follows from its module.

{table}

Texts of fewer than {MIN_WORDS} distinct words are left out, and so is every text that shares
{MAX_SIMILARITY:.0%} or more of its distinct words with an earlier one.

Texts of one module share its jargon, and the topic follows from the module: with rows split at
random, knowing the jargon passes for understanding the topic, and word counts profit most. To
measure how a model does on modules it has never seen, split with ``modules`` as groups.

The texts are part of the installed Python and fall under its licence (PSF); this package
does not contain them.
"""
