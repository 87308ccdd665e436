"""Rows become a plain text table: nothing here knows what is measured."""

from collections.abc import Sequence

GAP = "  "
MISSING = "-"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the cells of a table in columns.

    Columns in which every filled cell starts with a digit or a sign are aligned to the right.

    Parameters
    ----------
    header : sequence of str of length n_columns
        Column titles.
    rows : sequence of rows, each of length n_columns
        Cells, already formatted.

    Returns
    -------
    str
        One line per row below the header and a rule, without a final newline.
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [_is_numeric(column[1:]) for column in columns]
    lines = [list(header), ["-" * width for width in widths], *map(list, rows)]
    return "\n".join(_align(line, widths, right) for line in lines)


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell and cell != MISSING]
    return bool(filled) and all(cell.lstrip("+-")[:1].isdigit() for cell in filled)


def _align(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return GAP.join(aligned).rstrip()
