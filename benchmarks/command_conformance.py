"""The command ``conformance``: the checks for text estimators, tried on several."""

from pathlib import Path

from .exit_codes import DONE


def conformance_command(*, names: list[str] | None = None, page: Path | None = None) -> int:
    """Try every check of the suite for text estimators on several of them.

    Parameters
    ----------
    names : list of str
        Which, such as TfidfVectorizer; by default all whose library is installed.
    page : path
        Markdown file whose table is replaced, such as docs/conformance.md.

    Returns
    -------
    int
        0.
    """
    from .conformance import format_conformance, run_conformance, write_table

    shown = format_conformance(run_conformance(tuple(names) if names else None))
    print(shown)
    if page:
        write_table(page, shown)
    return DONE
