"""A small corpus of real text, the same for every test of this room."""

import ast
from functools import cache
from pathlib import Path

from skencoder.datasets.docstrings import read_docstrings


@cache
def docstrings():
    """The documentation of the standard library's ast and argparse modules, about 60 texts."""
    folder = Path(ast.__file__).parent
    return tuple(
        docstring.text
        for name in ("ast", "argparse", "pathlib")
        for path in [folder / f"{name}.py"]
        if path.is_file()
        for docstring in read_docstrings(path, name)
    )
