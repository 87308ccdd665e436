"""From whatever a user calls texts to a list of str, or a sentence that says which row is not."""

import codecs
import sys
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from skencoder.encoding_options import check_choice
from skencoder.errors import ParameterError, TextInputError

# The sentence scikit-learn's own text vectorizers use.
BARE_STRING = "Iterable over raw text documents expected, string object received."
KINDS = {
    "content": ((str, bytes), "a str"),
    "filename": ((str, bytes, PathLike), "a file's path"),
    "file": ((object,), "an open file"),
}


@dataclass(frozen=True)
class TextReader:
    """How rows become str, with scikit-learn's own decoding and preprocessing.

    Parameters
    ----------
    vectorizer : HashingVectorizer
        Holds ``input, encoding, decode_error, strip_accents, lowercase, preprocessor``.
    missing : {"error", "empty"}
        What None and NaN become.
    name : str, default="X"
        What the user calls the texts.

    Raises
    ------
    ParameterError
        If a setting cannot be used.
    """

    vectorizer: HashingVectorizer
    missing: str
    name: str = "X"

    def __post_init__(self) -> None:
        settings = self.vectorizer
        check_choice("missing", self.missing, ("error", "empty"))
        check_choice("input", settings.input, tuple(KINDS))
        check_choice("decode_error", settings.decode_error, ("strict", "ignore", "replace"))
        _check_encoding(settings.encoding)
        _check_callable("preprocessor", settings.preprocessor)
        if settings.strip_accents not in ("ascii", "unicode"):
            _check_callable("strip_accents", settings.strip_accents, "'ascii', 'unicode', ")

    def read(self, X: Any) -> list[str]:
        """Read every row.

        Parameters
        ----------
        X : iterable of shape (n_texts,)
            List, tuple, array, Series, one-column frame, or any iterable.

        Returns
        -------
        list of str
            One text per row.

        Raises
        ------
        TextInputError
            If it is not a collection of texts, is empty, or a row is no text.
        """
        rows = _as_rows(X, self.name)
        if not rows:
            raise TextInputError(f"{self.name} is empty; at least one text is needed.")
        preprocess = self.vectorizer.build_preprocessor()
        return [self._read_row(row, value, preprocess) for row, value in enumerate(rows)]

    def _read_row(self, row: int, value: Any, preprocess: Callable[[str], str]) -> str:
        kinds, expected = KINDS[self.vectorizer.input]
        if _is_missing(value):
            if self.missing == "error":
                raise TextInputError(
                    f"Row {row} of {self.name} is missing ({value!r}); fill it, drop it, or "
                    f"choose missing='empty' to read it as an empty text."
                )
            return ""
        if not isinstance(value, kinds) or (
            self.vectorizer.input == "file" and not hasattr(value, "read")
        ):
            raise TextInputError(
                f"Row {row} of {self.name} is a {type(value).__name__}, {_shorten(value)}; "
                f"{expected} was expected. Convert it, for instance with str()."
            )
        text = preprocess(self._decode(row, value))
        if not isinstance(text, str):
            raise TextInputError(
                f"The preprocessor made a {type(text).__name__} of row {row}; a str was expected."
            )
        return text

    def _decode(self, row: int, value: Any) -> str:
        try:
            text: str = self.vectorizer.decode(value)
        except UnicodeDecodeError as error:
            raise TextInputError(
                f"Row {row} of {self.name} is not {self.vectorizer.encoding} text ({error}); name "
                f"its encoding, or choose decode_error='replace'."
            ) from error
        except (OSError, ValueError) as error:
            raise TextInputError(f"Row {row} of {self.name} cannot be read: {error}.") from error
        return text


def _check_encoding(encoding: Any) -> None:
    try:
        codecs.lookup(encoding)
    except (LookupError, TypeError) as error:
        raise ParameterError(
            f"encoding={encoding!r} is not known to Python; 'utf-8' or 'latin-1' are."
        ) from error


def _check_callable(name: str, value: Any, others: str = "") -> None:
    if value is not None and not callable(value):
        raise ParameterError(f"{name} must be {others}callable or None; got {value!r}.")


def read_texts(texts: Any, missing: str = "error", name: str = "X") -> list[str]:
    """Read texts as they are: neither decoded from files nor in lowercase.

    Parameters
    ----------
    texts : iterable of str of shape (n_texts,)
        What a user calls texts.
    missing : {"error", "empty"}, default="error"
        What ``None`` and NaN are.
    name : str, default="X"
        The parameter.

    Returns
    -------
    list of str
        One per row.

    Raises
    ------
    TextInputError
        If it is not a collection of texts, is empty, or a row is no text.
    """
    return TextReader(HashingVectorizer(lowercase=False), missing, name).read(texts)


def _as_rows(X: Any, name: str) -> list[Any]:
    if isinstance(X, str | bytes):
        raise TextInputError(BARE_STRING)
    if isinstance(X, Mapping | AbstractSet) or not isinstance(X, Iterable):
        raise TextInputError(
            f"{name} is a {type(X).__name__}; a list, array or Series of texts was expected."
        )
    if hasattr(X, "columns"):
        return list(_only_column(X, name))
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 1:
        X = _flatten(X, tuple(shape), name)
    return list(X)


def _only_column(X: Any, name: str) -> Iterable[Any]:
    names = [str(column) for column in X.columns]
    if len(names) != 1:
        raise TextInputError(
            f"{name} has {len(names)} columns ({', '.join(names[:10])}); one column of texts was "
            f"expected. Select it, or use ColumnTransformer."
        )
    column: Iterable[Any] = X[X.columns[0]]
    return column


def _flatten(X: Any, shape: tuple[int, ...], name: str) -> Any:
    if len(shape) == 2 and shape[1] == 1 and isinstance(X, np.ndarray):  # noqa: PLR2004 - a column
        return X[:, 0]
    raise TextInputError(
        f"{name} has the shape {shape}; one text per row was expected, (n_texts,) or (n_texts, 1)."
    )


def _is_missing(value: Any) -> bool:
    if value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value))):
        return True
    # Where nobody has imported pandas, nothing can be its NA; importing it here would take time.
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def _shorten(value: Any, width: int = 60) -> str:
    shown = repr(value)
    return shown if len(shown) <= width else f"{shown[:width]}..."
