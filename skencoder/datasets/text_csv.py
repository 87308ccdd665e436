"""A CSV of texts, with or without labels, as what scikit-learn's loaders return.

Column names are guessed only where one guess is possible; rows without text or label are
dropped and counted. What a classifier needs of the labels is for the caller to check.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from skencoder.errors import DataNotFoundError, ParameterError, TextInputError

if TYPE_CHECKING:
    import pandas as pd

TEXT_NAMES = frozenset(
    {"text", "texts", "sentence", "document", "content", "body", "message", "review"}
)
LABEL_NAMES = frozenset({"label", "labels", "target", "class", "category", "topic"})
# Columns of other names: texts have several words, labels come back again and again.
WORDS_OF_A_TEXT = 4
ROWS_OF_A_LABEL = 5


def load_text_csv(path: str | Path, *, text: str = "auto", label: str | None = "auto") -> Bunch:
    r"""Load texts, and labels if there are any, from a CSV file.

    A cell counts as missing only if it is empty or blank: "NA" and "None" are words.

    Parameters
    ----------
    path : str or Path
        A CSV file whose first line names the columns.
    text : str, default="auto"
        Column of texts. Auto takes the one column with a usual name (text, sentence,
        review, ...), or else the one with four or more words per cell.
    label : str or None, default="auto"
        Column of labels. Auto takes the one column with a usual name (label, category,
        topic, ...), or else the one with two or more values that come back five times or
        more on average, or else none. None is a table of texts only.

    Returns
    -------
    Bunch
        With the attributes below.

        data : ndarray of str objects of shape (n_samples,)
            The texts as they stand in the file.
        target : int64 ndarray of shape (n_samples,), or None
            Index of each text's label in ``target_names``; None without labels.
        target_names : ndarray of str objects of shape (n_labels,), or None
            The labels, sorted.
        names : ndarray of str objects of shape (n_samples,)
            ``row 1``, ``row 2``, ...: where each text stands in the file.
        text_column : str
            The column that was read as texts.
        label_column : str or None
            The column that was read as labels.
        n_without_text : int
            Rows dropped because they hold no text.
        n_without_label : int
            Rows dropped because they hold a text but no label.

    Raises
    ------
    DataNotFoundError
        If there is no such file.
    TextInputError
        If it is no CSV in UTF-8, or holds no text.
    ParameterError
        If a column is not there, or more than one could be meant; the message lists all.

    See Also
    --------
    load_python_docs : Texts with labels that need no file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skencoder.datasets import load_text_csv
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.csv"
    ...     _ = path.write_text("review,stars\nGood food,5\nSlow and rude,1\n,3\n")
    ...     reviews = load_text_csv(path, label="stars")
    >>> reviews.data
    array(['Good food', 'Slow and rude'], dtype=object)
    >>> reviews.target_names[reviews.target]
    array(['5', '1'], dtype=object)
    >>> reviews.n_without_text
    1
    """
    frame = _read(Path(path))
    for parameter, column in {"text": text, "label": label}.items():
        if column not in (None, "auto", *frame.columns):
            raise ParameterError(f"{parameter}={column!r} is no column of {path}; {_list(frame)}")
    if text == label != "auto":
        raise ParameterError(f"text and label are both {text!r}; expected two columns.")
    text_column = _guess_text(frame) if text == "auto" else text
    label_column = _guess_label(frame, text_column) if label == "auto" else label
    return _to_bunch(frame, text_column, label_column, path)


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        frame = pd.read_csv(
            path, dtype=str, keep_default_na=False, na_values=[""], skip_blank_lines=False
        )
    except FileNotFoundError as problem:
        raise DataNotFoundError(f"There is no file {path}; expected a CSV file.") from problem
    except (OSError, ValueError) as problem:
        reason = " ".join(str(problem).split())
        raise TextInputError(
            f"{path} cannot be read as a CSV file in UTF-8: {reason}"
        ) from problem
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes surplus cells for an index, which moves every name by one column.
        raise TextInputError(
            f"{path} has rows with more cells than its first line has names; name every column."
        )
    return frame


def _list(frame: "pd.DataFrame") -> str:
    return f"its columns are {', '.join(map(repr, frame.columns))}."


def _guess_text(frame: "pd.DataFrame") -> str:
    named = [column for column in frame.columns if column.casefold() in TEXT_NAMES]
    if len(named) == 1:
        return str(named[0])
    n_words = {column: cells.str.count(r"\S+").mean() for column, cells in frame.items()}
    wordy = [column for column, mean in n_words.items() if mean >= WORDS_OF_A_TEXT]
    if len(wordy) == 1 and not named:
        return str(wordy[0])
    raise ParameterError(
        f"No one column is clearly the texts; name the one to take as text; {_list(frame)}"
    )


def _guess_label(frame: "pd.DataFrame", text_column: str) -> str | None:
    others = frame.drop(columns=text_column)
    named = [column for column in others.columns if column.casefold() in LABEL_NAMES]
    most = len(frame) / ROWS_OF_A_LABEL
    repeated = [column for column, n in others.nunique().items() if 1 < n <= most]
    candidates = named or repeated
    if len(candidates) > 1:
        raise ParameterError(
            f"{' and '.join(map(repr, candidates))} could each be the labels; name the one to "
            f"take as label, or none; {_list(frame)}"
        )
    return str(candidates[0]) if candidates else None


def _to_bunch(
    frame: "pd.DataFrame", text_column: str, label_column: str | None, path: str | Path
) -> Bunch:
    has_text = _is_filled(frame[text_column])
    keep = has_text if label_column is None else has_text & _is_filled(frame[label_column])
    if not keep.any():
        wanted = (
            repr(text_column) if label_column is None else f"{text_column!r} and {label_column!r}"
        )
        raise TextInputError(f"No row of {path} holds anything in {wanted}.")
    target_names = target = None
    if label_column is not None:
        labels = frame.loc[keep, label_column].to_numpy(dtype=object)
        target_names, codes = np.unique(labels, return_inverse=True)
        target = codes.astype(np.int64)
    return Bunch(
        data=frame.loc[keep, text_column].to_numpy(dtype=object),
        target=target,
        target_names=target_names,
        names=np.array([f"row {row + 1}" for row in np.flatnonzero(keep)], dtype=object),
        text_column=text_column,
        label_column=label_column,
        n_without_text=int((~has_text).sum()),
        n_without_label=int((has_text & ~keep).sum()),
    )


def _is_filled(cells: "pd.Series[str]") -> "pd.Series[bool]":
    return cells.fillna("").str.strip() != ""
