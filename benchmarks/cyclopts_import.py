"""The library behind the command line, or a sentence that says how to get it."""

from .errors import MissingPackageError

INSTALL = "pip install 'skencoder[benchmarks]'"
try:
    from cyclopts import App, CycloptsError, Parameter
except ImportError as error:
    raise MissingPackageError(f"the command line needs cyclopts: {INSTALL}") from error

__all__ = ["INSTALL", "App", "CycloptsError", "Parameter"]
