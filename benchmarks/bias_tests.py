"""Which tests of bias a user means, read from their files; one that is damaged stops no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .association_data import (
    AssociationTest,
    find_association_files,
    list_association_tests,
    read_association_test,
)
from .bias_settings import BiasSettings
from .crows_pairs import FILE, NAME, read_crows_pairs
from .crows_pairs_scoring import CrowsPairsTask
from .errors import MissingDataError, UnreadableDataError


@dataclass(frozen=True)
class BiasTests:
    """What shall be run on every model.

    Parameters
    ----------
    associations : sequence of AssociationTest
        Whose files could be read.
    pairs : CrowsPairsTask or None
        CrowS-Pairs, if it is asked for and could be read.
    unreadable : mapping of str to str
        Other tests, and what is wrong with their files.
    by_name : bool
        Whether the user named them, or all are meant that there are.
    """

    associations: Sequence[AssociationTest]
    pairs: CrowsPairsTask | None
    unreadable: Mapping[str, str]
    by_name: bool

    @property
    def n_tests(self) -> int:
        """How many there are, for each model."""
        return len(self.associations) + (self.pairs is not None) + len(self.unreadable)


def find_bias_tests(
    root: Path, names: Sequence[str] | None, settings: BiasSettings, results: Path | None
) -> BiasTests:
    """Find and read tests.

    Parameters
    ----------
    root : path
        Folder of benchmark data.
    names : sequence of str or None
        Which; None for all that there are.
    settings : BiasSettings
        Of CrowS-Pairs.
    results : path or None
        Folder of results, for CrowS-Pairs.

    Returns
    -------
    BiasTests
        Association tests in the order of the names.

    Raises
    ------
    MissingDataError
        If no data are there.
    UnknownTaskError
        If there is no test of a name.
    """
    wanted = list(dict.fromkeys(names)) if names is not None else list_association_tests(root)
    with_pairs = NAME in wanted if names is not None else (root / FILE).is_file()
    associations = [name for name in wanted if name != NAME]
    if not associations and not with_pairs:
        raise MissingDataError(
            f"there is neither an association test in {root / 'bias' / 'seat'} nor {root / FILE}; "
            f"name the folder that holds bias/ as --data-root."
        )
    unreadable: dict[str, str] = {}
    files = find_association_files(root, associations) if associations else []
    read = _read_associations(files, unreadable)
    pairs = _read_pairs(root, settings, results, unreadable) if with_pairs else None
    return BiasTests(read, pairs, unreadable, names is not None)


def _read_associations(files: Sequence[Path], unreadable: dict[str, str]) -> list[AssociationTest]:
    read = []
    for file in files:
        try:
            read.append(read_association_test(file))
        except UnreadableDataError as error:
            unreadable[file.stem] = str(error)
    return read


def _read_pairs(
    root: Path, settings: BiasSettings, results: Path | None, unreadable: dict[str, str]
) -> CrowsPairsTask | None:
    try:
        return CrowsPairsTask(read_crows_pairs(root / FILE), settings, results)
    except UnreadableDataError as error:
        unreadable[NAME] = str(error)
        return None
