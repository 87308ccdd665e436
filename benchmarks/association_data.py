"""The files of association tests: four named sets of texts each, as published with SEAT."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import MissingDataError, ResultFileError, UnknownTaskError, UnreadableDataError
from .nearest import nearest_names
from .result_files import read_object

FOLDER = Path("bias") / "seat"
SUFFIX = ".jsonl"
TARGETS, ATTRIBUTES = ("targ1", "targ2"), ("attr1", "attr2")
CHECKSUM_DIGITS = 8


@dataclass(frozen=True)
class TextSet:
    """Texts that stand for one concept.

    Parameters
    ----------
    category : str
        The concept, such as Flowers.
    texts : tuple of str
        Words, names or sentences.
    """

    category: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class AssociationTest:
    """Two sets of targets and two of attributes.

    Parameters
    ----------
    name : str
        Of the file, such as weat6 (words) or sent-weat6 (sentences).
    targets, attributes : pair of TextSet
        What is compared, and with what.
    """

    name: str
    targets: tuple[TextSet, TextSet]
    attributes: tuple[TextSet, TextSet]

    @property
    def sets(self) -> tuple[TextSet, TextSet, TextSet, TextSet]:
        """Targets, then attributes."""
        return (*self.targets, *self.attributes)

    @property
    def checksum(self) -> str:
        """The first digits of a SHA-256 over all texts and where each set ends."""
        digest = hashlib.sha256()
        for part in self.sets:
            digest.update("\0".join(part.texts).encode() + b"\0\0")
        return digest.hexdigest()[:CHECKSUM_DIGITS]


def list_association_tests(data_root: Path) -> list[str]:
    """List the tests whose files are there.

    Parameters
    ----------
    data_root : path
        Folder of benchmark data.

    Returns
    -------
    list of str
        Names in the order of the alphabet.
    """
    return sorted(path.stem for path in (data_root / FOLDER).glob(f"*{SUFFIX}"))


def read_association_tests(data_root: Path, names: Sequence[str]) -> list[AssociationTest]:
    """Read tests by name.

    Parameters
    ----------
    data_root : path
        Folder of benchmark data.
    names : sequence of str
        Such as weat6 and sent-weat6.

    Returns
    -------
    list of AssociationTest
        In the order of the names.

    Raises
    ------
    MissingDataError
        If there is no file of tests.
    UnknownTaskError
        If there is none of a name; the nearest are shown.
    UnreadableDataError
        If a file is not as it should be.
    """
    return [read_association_test(path) for path in find_association_files(data_root, names)]


def find_association_files(data_root: Path, names: Sequence[str]) -> list[Path]:
    """Find the files of tests by name.

    Parameters
    ----------
    data_root : path
        Folder of benchmark data.
    names : sequence of str
        Such as weat6 and sent-weat6.

    Returns
    -------
    list of path
        In the order of the names.

    Raises
    ------
    MissingDataError
        If there is no file of tests.
    UnknownTaskError
        If there is none of a name; the nearest are shown.
    """
    known = list_association_tests(data_root)
    if not known:
        raise MissingDataError(
            f"there is no {SUFFIX} file in {data_root / FOLDER}; put the association tests of "
            f"SEAT there and name the folder above as --data-root."
        )
    for name in names:
        if name not in known:
            raise UnknownTaskError(f"tests={name!r} is unknown; {nearest_names(name, known)}")
    return [data_root / FOLDER / f"{name}{SUFFIX}" for name in names]


def read_association_test(path: Path) -> AssociationTest:
    """Read one test.

    Parameters
    ----------
    path : path
        A JSON object with ``targ1``, ``targ2``, ``attr1`` and ``attr2``, each with ``category``
        and ``examples``.

    Returns
    -------
    AssociationTest
        Named after the file.

    Raises
    ------
    UnreadableDataError
        If a set is missing or holds anything but texts.
    """
    try:
        content = read_object(path)
        first, second, third, fourth = (
            _read_set(name, content) for name in (*TARGETS, *ATTRIBUTES)
        )
    except ResultFileError as error:
        raise UnreadableDataError(str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableDataError(
            f"{path} is no association test with {', '.join((*TARGETS, *ATTRIBUTES))}: {error}."
        ) from error
    return AssociationTest(path.stem, (first, second), (third, fourth))


def _read_set(name: str, content: Mapping[str, Any]) -> TextSet:
    entry = content[name]
    texts = entry["examples"]
    # A string would be taken apart into letters.
    if not isinstance(texts, list):
        raise TypeError(f"{name} has examples={texts!r:.60}, expected a list of texts")
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{name} must hold texts that are not empty")
    return TextSet(str(entry["category"]), tuple(texts))
