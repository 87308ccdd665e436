"""Where both names of the command line begin: a missing package is one sentence here too."""

import sys

from .errors import MissingPackageError
from .exit_codes import NOTHING


def main() -> int:
    """Run the command line with the words of this process.

    Returns
    -------
    int
        Exit code, as of `cli.main`; 2 where the command line's own library is missing.
    """
    try:
        from .cli import main as run
    except MissingPackageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - there is no command line yet
        return NOTHING
    return run()
