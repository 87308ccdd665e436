"""Documentation strings out of Python source files, and the removal of near duplicates.

Sources are parsed, never imported: nothing runs, and the texts are the same on every
platform. Which modules are read, and under which topic, is the business of its neighbours.
"""

import ast
import gc
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import NamedTuple

from skencoder.datasets.topics import SKIPPED_FOLDERS

_WORD = re.compile(r"[^\W\d_]{2,}")


class Docstring(NamedTuple):
    """One documentation string and where it stands.

    Parameters
    ----------
    name : str
        Qualified name of what it documents.
    module : str
        Dotted name of the module it stands in.
    text : str
        The string, without the indentation of the source.
    """

    name: str
    module: str
    text: str


def distinct_words(text: str) -> frozenset[str]:
    """Collect the words of a text: runs of two or more letters, case folded.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    frozenset of str
        Each word once.
    """
    return frozenset(_WORD.findall(text.casefold()))


def find_sources(root: Path, module: str) -> dict[str, Path]:
    """Find the source files of a top-level module or package.

    Parameters
    ----------
    root : Path
        Folder that holds the module.
    module : str
        Its name, without a dot.

    Returns
    -------
    dict
        Dotted module names and their files; empty if there is no source.
    """
    single = root / f"{module}.py"
    if single.is_file():
        return {module: single}
    found = {}
    for path in sorted((root / module).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if SKIPPED_FOLDERS.isdisjoint(parts):
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def read_docstrings(path: Path, module: str) -> Iterator[Docstring]:
    """Read the documentation strings of a module and of all it defines in public.

    Parameters
    ----------
    path : Path
        The source file.
    module : str
        Dotted name under which the file is imported.

    Yields
    ------
    Docstring
        In the order of the file; what is defined inside a function is left out.
    """
    with warnings.catch_warnings(), _paused_collector():
        # Parsing reports invalid escapes in somebody else's source; not this user's matter.
        warnings.simplefilter("ignore")
        tree = ast.parse(path.read_bytes(), filename=str(path))
    for name, node in [(module, tree), *_public_definitions(tree.body, module)]:
        text = ast.get_docstring(node)
        if text:
            yield Docstring(name, module, text.strip())


@contextmanager
def _paused_collector() -> Iterator[None]:
    """Keep the garbage collector from going through a growing tree, which takes as long again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public_definitions(
    nodes: Iterable[ast.AST], prefix: str
) -> Iterator[tuple[str, _Documented]]:
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if _is_public(node.name):
                name = f"{prefix}.{node.name}"
                yield name, node
                if isinstance(node, ast.ClassDef):
                    yield from _public_definitions(node.body, name)
        elif isinstance(node, ast.If | ast.Try | ast.ExceptHandler | ast.With):
            yield from _public_definitions(ast.iter_child_nodes(node), prefix)


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def first_of_near_duplicates(texts: Sequence[str], similarity: float) -> list[int]:
    """Keep of texts that say nearly the same only the first.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        Each with at least one word.
    similarity : float in (0, 1]
        Share of common words among the distinct words of both texts (their Jaccard
        index) from which on the later text is dropped.

    Returns
    -------
    list of int
        Rows that are kept, ascending: no two of them are that similar.
    """
    words = [distinct_words(text) for text in texts]
    frequency = Counter(word for row in words for word in row)
    kept: list[int] = []
    rows_with: defaultdict[str, list[int]] = defaultdict(list)
    for row, own in enumerate(words):
        # Two sets that similar must share one of the rarest words of each, so that
        # looking under these finds every candidate without comparing all pairs.
        rarest = sorted(own, key=lambda word: (frequency[word], word))
        rarest = rarest[: len(own) - ceil(similarity * len(own) - 1e-9) + 1]
        candidates = {other for word in rarest for other in rows_with[word]}
        if any(_jaccard(own, words[other]) >= similarity for other in candidates):
            continue
        kept.append(row)
        for word in rarest:
            rows_with[word].append(row)
    return kept


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
