"""Item 6, first half: what counts as a collection of texts. What does not is in `refusals`."""

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from skencoder.testing.case import Case, matrix, need_parameter, optional, require
from skencoder.testing.checklist import text_check
from skencoder.testing.corpus import TEXTS, UNUSUAL_TEXTS

ACCENTED = ("caf\u00e9 au lait et cr\u00e8me", *TEXTS)
NOT_UTF8 = b"caf\xe9 with milk and bread"


@text_check(6)
def check_list(case: Case) -> None:
    """Take a list of str."""
    _check_kind(case, lambda: list(TEXTS))


@text_check(6)
def check_tuple(case: Case) -> None:
    """Take a tuple of str."""
    _check_kind(case, lambda: tuple(TEXTS))


@text_check(6)
def check_generator(case: Case) -> None:
    """Take a generator, which can be read only once."""
    _check_kind(case, lambda: (text for text in TEXTS))


@text_check(6)
def check_object_array(case: Case) -> None:
    """Take a numpy array of dtype object."""
    _check_kind(case, lambda: np.array(TEXTS, dtype=object))


@text_check(6)
def check_str_array(case: Case) -> None:
    """Take a numpy array of a str dtype."""
    _check_kind(case, lambda: np.array(TEXTS, dtype=str))


@text_check(6)
def check_pandas_series(case: Case) -> None:
    """Take a pandas Series of dtype object or string, whatever its index."""
    pandas = optional("pandas")
    for dtype in (object, "string"):
        _check_kind(case, partial(pandas.Series, TEXTS, dtype=dtype, name="texts"))
    index = range(len(TEXTS), 0, -1)
    _check_kind(case, lambda: pandas.Series(TEXTS, index=index, name="texts"))


@text_check(6)
def check_polars_series(case: Case) -> None:
    """Take a polars Series."""
    polars = optional("polars")
    _check_kind(case, lambda: polars.Series("texts", list(TEXTS)))


@text_check(6)
def check_pandas_frame(case: Case) -> None:
    """Take a pandas data frame with one column as that column."""
    pandas = optional("pandas")
    _check_kind(case, lambda: pandas.DataFrame({"texts": list(TEXTS)}))


@text_check(6)
def check_polars_frame(case: Case) -> None:
    """Take a polars data frame with one column as that column."""
    polars = optional("polars")
    _check_kind(case, lambda: polars.DataFrame({"texts": list(TEXTS)}))


@text_check(6)
def check_filenames(case: Case) -> None:
    """Read files by their names if ``input="filename"``."""
    need_parameter(case, "input")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{row}.txt") for row in range(len(TEXTS))]
        for path, text in zip(paths, TEXTS, strict=True):
            path.write_text(text, encoding="utf-8")
        _check_kind(case, lambda: case.put(map(str, paths)), input="filename")
        _check_kind(case, lambda: case.put(paths), input="filename")


@text_check(6)
def check_files(case: Case) -> None:
    """Read open files, of text or of bytes, if ``input="file"``."""
    need_parameter(case, "input")
    _check_kind(case, lambda: case.put(map(io.StringIO, TEXTS)), input="file")
    _check_kind(case, lambda: case.put(map(io.BytesIO, map(str.encode, TEXTS))), input="file")


@text_check(6)
def check_bytes_are_decoded(case: Case) -> None:
    """Decode bytes by ``encoding``."""
    need_parameter(case, "encoding")
    given = [text.encode("latin-1") for text in ACCENTED]
    expected, found = (
        matrix(case.new(encoding="latin-1").fit_transform(case.put(rows)))
        for rows in (ACCENTED, given)
    )
    case.same(found, expected, "given as bytes")


@text_check(6)
def check_decode_error_is_heeded(case: Case) -> None:
    """Refuse bytes that cannot be decoded only if ``decode_error="strict"``."""
    need_parameter(case, "decode_error")
    rows = [NOT_UTF8, *(text.encode() for text in TEXTS)]
    for choice in ("ignore", "replace"):
        case.new(encoding="utf-8", decode_error=choice).fit_transform(case.put(rows))
    try:
        case.new(encoding="utf-8", decode_error="strict").fit_transform(case.put(rows))
    except ValueError:
        return
    raise AssertionError("decode_error='strict' takes bytes that are not UTF-8.")


@text_check(6)
def check_empty_string_is_a_text(case: Case) -> None:
    """Take an empty string as a text like any other, among others and alone."""
    _require_vectors(case, case.fitted(), ("", *TEXTS[:3], "  "))
    _require_vectors(case, case.fitted(), ("",))
    _require_vectors(case, case.fitted(("", *TEXTS)), ("", *TEXTS))


@text_check(6)
def check_unusual_texts(case: Case) -> None:
    """Give finite vectors of other scripts, emoji, control characters and long texts."""
    _require_vectors(case, case.fitted(), UNUSUAL_TEXTS)


def _check_kind(case: Case, make: Callable[[], Any], **parameters: Any) -> None:
    """Compare with the container that is known to work."""
    expected = case.outputs(case.new())
    kind = type(make()).__name__
    for method, output in case.outputs(case.new(**parameters), make).items():
        case.same(matrix(output), matrix(expected[method]), f"{method} of a {kind}")


def _require_vectors(case: Case, estimator: Any, texts: tuple[str, ...]) -> None:
    found = case.vectors(estimator, texts)
    rows = found.shape[0]
    require(rows == len(texts), f"{len(texts)} texts give {rows} rows.")
    require(np.isfinite(found.data).all(), "there is NaN or infinity in the vectors.")
