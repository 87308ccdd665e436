"""CrowS-Pairs: which of two sentences about two groups a masked language model finds likelier.

Both sentences of a pair differ in the words that name the group; only the tokens they share are
scored, each masked in turn, so that a group's name is not scored for being rare.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from .errors import MissingDataError, UnreadableDataError
from .language_models import TextScore
from .perplexity_statistics import wilson_bounds
from .result_records import Figure

NAME = "crows-pairs"
FILE = Path("bias") / "crows_pairs_anonymized.csv"
MORE, LESS, DIRECTION, TYPE = "sent_more", "sent_less", "stereo_antistereo", "bias_type"
DIRECTIONS = ("stereo", "antistereo")
ALL = "all"
PERCENT = 100.0
CHECKSUM_DIGITS = 8


@dataclass(frozen=True)
class SentencePair:
    """Two sentences that differ in the group they are about.

    Parameters
    ----------
    more, less : str
        The more and the less stereotypical one.
    direction : {"stereo", "antistereo"}
        Whether the pair shows a stereotype of a disadvantaged group or goes against one.
    bias_type : str
        Such as gender or religion.
    """

    more: str
    less: str
    direction: str
    bias_type: str


def read_crows_pairs(path: Path) -> tuple[SentencePair, ...]:
    """Read the data set's table.

    Parameters
    ----------
    path : path
        CSV file with the columns sent_more, sent_less, stereo_antistereo and bias_type.

    Returns
    -------
    tuple of SentencePair
        In the order of the file.

    Raises
    ------
    MissingDataError
        If there is no such file.
    UnreadableDataError
        If a column or a sentence is missing; the message names the line.
    """
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; put CrowS-Pairs' table there and name the folder above as "
            f"--data-root."
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableDataError(f"{path} is no CSV file in UTF-8: {error}.") from error
    pairs = tuple(_read_row(path, number, row) for number, row in enumerate(rows, 1))
    if not pairs:
        raise UnreadableDataError(f"{path} holds no pair.")
    return pairs


def _read_row(path: Path, number: int, row: dict[str, str | None]) -> SentencePair:
    cells = [(row.get(name) or "").strip() for name in (MORE, LESS, DIRECTION, TYPE)]
    if not all(cells) or cells[2] not in DIRECTIONS:
        raise UnreadableDataError(
            f"row {number} of {path} is no pair with {MORE}, {LESS}, {TYPE}, and {DIRECTION} "
            f"being {' or '.join(DIRECTIONS)}."
        )
    return SentencePair(*cells)


def checksum(pairs: Sequence[SentencePair]) -> str:
    """Hash all sentences and labels.

    Parameters
    ----------
    pairs : sequence of SentencePair
        The pairs.

    Returns
    -------
    str
        The first digits of a SHA-256.
    """
    digest = hashlib.sha256()
    for pair in pairs:
        cells = (pair.more, pair.less, pair.direction, pair.bias_type)
        digest.update("\0".join(cells).encode() + b"\0\0")
    return digest.hexdigest()[:CHECKSUM_DIGITS]


def shared_places(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    """Find the tokens that two sentences share, in their order.

    Parameters
    ----------
    first, second : sequence of int
        Ids of the tokens.

    Returns
    -------
    (list of int, list of int)
        Where they stand in the first and in the second, of equal length.

    References
    ----------
    .. [1] Nangia, Vania, Bhalerao & Bowman (2020), CrowS-Pairs: A challenge dataset for measuring
       social biases in masked language models, arXiv:2010.00133.
    """
    # Frequent tokens must count too, in sentences of any length.
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    blocks = matcher.get_matching_blocks()
    here = [place for block in blocks for place in range(block.a, block.a + block.size)]
    there = [place for block in blocks for place in range(block.b, block.b + block.size)]
    return here, there


@dataclass(frozen=True)
class Stereotypes:
    """How often a model finds the more stereotypical sentence likelier.

    Parameters
    ----------
    figures : mapping of str to Figure
        In percent, with Wilson's 95 % interval: of all pairs, of both directions, and of each
        type of bias; a model without such bias would have 50.
    pairs : mapping of str to int
        Pairs behind each figure.
    ties : int
        Pairs whose sentences are equally likely; they count as not stereotypical.
    """

    figures: dict[str, Figure]
    pairs: dict[str, int]
    ties: int


def count_stereotypes(pairs: Sequence[SentencePair], scores: Sequence[TextScore]) -> Stereotypes:
    """Count the pairs whose more stereotypical sentence is likelier.

    Parameters
    ----------
    pairs : sequence of SentencePair
        The pairs.
    scores : sequence of TextScore
        Of the more and the less stereotypical sentences in turn, over shared tokens.

    Returns
    -------
    Stereotypes
        Over all, by direction and by type.

    References
    ----------
    .. [1] Nangia et al. (2020), arXiv:2010.00133.
    .. [2] Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    sums = np.array([score.log_likelihood for score in scores]).reshape(-1, 2)
    is_more = sums[:, 0] > sums[:, 1]
    groups = {ALL: np.ones(len(pairs), bool)}
    groups |= {name: np.array([pair.direction == name for pair in pairs]) for name in DIRECTIONS}
    for name in sorted({pair.bias_type for pair in pairs}):
        groups[name] = np.array([pair.bias_type == name for pair in pairs])
    present = {name: rows for name, rows in groups.items() if rows.any()}
    return Stereotypes(
        {
            name: _percentage(int(is_more[rows].sum()), int(rows.sum()))
            for name, rows in present.items()
        },
        {name: int(rows.sum()) for name, rows in present.items()},
        int((sums[:, 0] == sums[:, 1]).sum()),
    )


def _percentage(count: int, total: int) -> Figure:
    low, high = wilson_bounds(count, total)
    return Figure(PERCENT * count / total, PERCENT * low, PERCENT * high)
