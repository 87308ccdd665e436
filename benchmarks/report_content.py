"""What a report holds, whatever it is written as: sections of sentences, tables and pictures."""

from dataclasses import dataclass

from .tables import MISSING


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Parameters
    ----------
    text : str
        What is shown.
    number : float or None
        What a column of numbers is sorted by; None for text and for what is missing.
    is_best : bool
        Whether it stands out among its like.
    """

    text: str
    number: float | None = None
    is_best: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a caption.

    Parameters
    ----------
    name : str
        Short, for anchors and labels.
    caption : str
        What it shows, and how to read it.
    header : tuple of str of length n_columns
        Column titles.
    rows : tuple of tuple of Cell, each of length n_columns
        The first column names the row.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def is_numeric(self, column: int) -> bool:
        """Tell whether a column holds numbers, and is aligned to the right.

        Parameters
        ----------
        column : int
            Which.

        Returns
        -------
        bool
            True if every cell that is not missing has a number.
        """
        cells = [row[column] for row in self.rows if row[column].text not in ("", MISSING)]
        return bool(cells) and all(cell.number is not None for cell in cells)


@dataclass(frozen=True)
class Picture:
    """A drawing with its description in words.

    Parameters
    ----------
    name : str
        Short, for anchors.
    title : str
        What it shows.
    description : str
        What can be seen, for those who cannot.
    svg : str
        The drawing as an ``<svg>`` element, escaped.
    """

    name: str
    title: str
    description: str
    svg: str


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Parameters
    ----------
    name : str
        Short, for anchors.
    title : str
        Its heading.
    sentences : tuple of str
        Paragraphs before the rest.
    pictures : tuple of Picture
        Drawings.
    tables : tuple of Table
        Tables.
    details : tuple of Picture
        Drawings that are folded away at first.
    code : tuple of str
        Commands, one a line.
    """

    name: str
    title: str
    sentences: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    details: tuple[Picture, ...] = ()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything in a report.

    Parameters
    ----------
    title : str
        Its name.
    sections : tuple of Section
        In the order of reading; the first is the summary.
    problems : tuple of str
        Sentences about damaged files and scores that disagree with published ones.
    """

    title: str
    sections: tuple[Section, ...]
    problems: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in order."""
        return tuple(table for section in self.sections for table in section.tables)


def words(text: object) -> Cell:
    """Make a cell of text.

    Parameters
    ----------
    text : object
        Shown as str; None and the empty string are missing.

    Returns
    -------
    Cell
        Without a number.
    """
    return Cell(MISSING if text in (None, "") else str(text))


def number(value: float | None, shown: str = "{:.4f}", *, is_best: bool = False) -> Cell:
    """Make a cell of a number.

    Parameters
    ----------
    value : float or None
        None is missing.
    shown : str, default="{:.4f}"
        How it is formatted.
    is_best : bool, default=False
        Whether it stands out.

    Returns
    -------
    Cell
        Sorted by the number.
    """
    return Cell(MISSING) if value is None else Cell(shown.format(value), float(value), is_best)


def interval(low: float | None, high: float | None, shown: str = "{:.4f}..{:.4f}") -> Cell:
    """Make a cell of an interval.

    Parameters
    ----------
    low, high : float or None
        Bounds; None is missing.
    shown : str, default="{:.4f}..{:.4f}"
        How they are formatted.

    Returns
    -------
    Cell
        Sorted by the lower bound.
    """
    if low is None or high is None:
        return Cell(MISSING)
    return Cell(shown.format(low, high), float(low))
