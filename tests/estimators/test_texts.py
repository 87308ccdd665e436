"""What counts as texts, and the sentence for what does not."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from skencoder.errors import TextInputError

TEXTS = ["a first text", "", "a third, \N{GRINNING FACE}"]
KINDS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda texts: np.array(texts, dtype=object),
    "str array": np.array,
    "column array": lambda texts: np.array(texts, dtype=object)[:, None],
    "pandas Series": pd.Series,
    "pandas string Series": lambda texts: pd.Series(texts, dtype="string"),
    "pandas frame": lambda texts: pd.DataFrame({"text": texts}),
    "polars Series": pl.Series,
    "polars frame": lambda texts: pl.DataFrame({"text": texts}),
    "generator": lambda texts: (text for text in texts),
    "dict values": lambda texts: dict(enumerate(texts)).values(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_collection(vectorizer, kind):
    expected = vectorizer.fit_transform(TEXTS)
    assert np.array_equal(vectorizer.fit_transform(KINDS[kind](TEXTS)), expected)
    assert np.array_equal(vectorizer.transform(KINDS[kind](TEXTS)), expected)


def test_bytes_are_decoded(vectorizer):
    expected = vectorizer.fit_transform(["caf\u00e9"])
    vectorizer.set_params(encoding="latin-1")
    assert np.array_equal(vectorizer.fit_transform([b"caf\xe9"]), expected)


def test_bytes_that_are_not_text(vectorizer):
    with pytest.raises(TextInputError, match="Row 1 of X is not utf-8 text .*decode_error"):
        vectorizer.fit([b"ok", b"caf\xe9"])
    vectorizer.set_params(decode_error="replace").fit([b"caf\xe9"])


def test_files_and_filenames(vectorizer, tmp_path):
    expected = vectorizer.fit_transform(["caf\u00e9"])
    path = tmp_path / "text.txt"
    path.write_text("caf\u00e9", encoding="utf-8")
    vectorizer.set_params(input="filename")
    assert np.array_equal(vectorizer.fit_transform([path]), expected)
    assert np.array_equal(vectorizer.fit_transform([str(path)]), expected)
    with pytest.raises(TextInputError, match="Row 0 of X cannot be read: .*nowhere"):
        vectorizer.fit([tmp_path / "nowhere"])
    with pytest.raises(TextInputError, match="Row 0 of X cannot be read"):
        vectorizer.fit(["a\0b"])
    vectorizer.set_params(input="file")
    assert np.array_equal(vectorizer.fit_transform([io.BytesIO(path.read_bytes())]), expected)
    with pytest.raises(TextInputError, match="Row 0 of X is a str.*an open file was expected"):
        vectorizer.fit(["text"])


@pytest.mark.parametrize("strip_accents", ["ascii", "unicode"])
def test_preprocessing_is_scikit_learn_s(vectorizer, strip_accents):
    settings = {"strip_accents": strip_accents, "lowercase": True}
    preprocess = TfidfVectorizer(**settings).build_preprocessor()
    texts = ["\u00c9t\u00e9 \u00c0 LA Plage"]
    expected = vectorizer.fit_transform([preprocess(text) for text in texts])
    assert np.array_equal(vectorizer.set_params(**settings).fit_transform(texts), expected)


def test_preprocessor(vectorizer):
    expected = vectorizer.fit_transform(["cba"])
    vectorizer.set_params(preprocessor=lambda text: text[::-1])
    assert np.array_equal(vectorizer.fit_transform(["abc"]), expected)
    with pytest.raises(TextInputError, match="made a int of row 0; a str was expected"):
        vectorizer.set_params(preprocessor=len).fit(["abc"])


MISSING = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_missing_texts(vectorizer, missing):
    texts = pd.Series(["a", missing], dtype=object)
    with pytest.raises(TextInputError, match=r"Row 1 of X is missing .*missing='empty'"):
        vectorizer.fit(texts)
    vectorizer.set_params(missing="empty")
    assert np.array_equal(vectorizer.fit_transform(texts), vectorizer.fit_transform(["a", ""]))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "Iterable over raw text documents expected, string object received."),
        (b"one text", "Iterable over raw text documents expected"),
        ([], "X is empty; at least one text is needed"),
        (pd.Series([], dtype=object), "X is empty"),
        (3, "X is a int; a list, array or Series of texts was expected"),
        (None, "X is a NoneType"),
        ({"a": 1}, "X is a dict"),
        ({"a"}, "X is a set"),
        (["a", 3], r"Row 1 of X is a int, 3; a str was expected\. Convert it"),
        (["a", ["b"]], r"Row 1 of X is a list, \['b'\]; a str was expected"),
        (np.arange(3), "Row 0 of X is a int64"),
        (np.zeros((3, 2)), r"X has the shape \(3, 2\); one text per row was expected"),
        (np.array("text"), r"X has the shape \(\)"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), r"X has 2 columns \(a, b\).*ColumnTransformer"),
        (pl.DataFrame({"a": ["x"], "b": ["y"]}), r"X has 2 columns \(a, b\)"),
        (["ok", "\ud800"], "Row 1 holds half a character"),
    ],
)
def test_what_is_not_texts(vectorizer, X, message):
    with pytest.raises(TextInputError, match=message):
        vectorizer.fit_transform(X)
    with pytest.raises(TextInputError, match=message):
        vectorizer.fit(["a"]).transform(X)
