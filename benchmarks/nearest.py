"""A name that nobody knows, and the known names that look most like it."""

import difflib
from collections.abc import Iterable

N_NEAREST = 4
LOOSE = 0.4


def nearest_names(name: str, known: Iterable[str]) -> str:
    """Say which known names look like a name, whatever their case.

    Parameters
    ----------
    name : str
        What a user wrote.
    known : iterable of str
        Names that exist.

    Returns
    -------
    str
        The end of a sentence: ``"the nearest names are STS12, STS13."``.
    """
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=N_NEAREST, cutoff=LOOSE)
    names = [by_folded[folded] for folded in close] or sorted(by_folded.values())[:N_NEAREST]
    return f"the nearest names are {', '.join(names)}."
