"""A small text estimator that keeps every convention; the wrong ones break it in one place each.

Every step that a wrong one might want to break is a method or an attribute of its own.
"""

import math
import sys
import zlib
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

BARE_STRING = "Iterable over raw text documents expected, string object received."


class HashedTexts(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Count words in a few columns, chosen by a hash of the word.

    Parameters
    ----------
    n_features : int, default=32
        Width of a vector.
    lowercase : bool, default=False
        Lowercase texts first.
    missing : {"error", "empty"}, default="error"
        What None and NaN are.
    input : {"content", "file", "filename"}, default="content"
        What a row is.
    encoding : str, default="utf-8"
        Of bytes and files.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What happens to other bytes.
    output : {"numpy", "torch"}, default="numpy"
        An array or a tensor.
    verbose : int, default=0
        Say how many texts there are.
    """

    _doc_link_module = "tests"
    _doc_link_template = "https://example.org/{estimator_module}.{estimator_name}.html"
    refused = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # Tooltips are made from the class's own docstring.
        cls.__doc__ = cls.__doc__ or HashedTexts.__doc__

    def __init__(
        self,
        n_features=32,
        *,
        lowercase=False,
        missing="error",
        input="content",
        encoding="utf-8",
        decode_error="strict",
        output="numpy",
        verbose=0,
    ):
        self.n_features = n_features
        self.lowercase = lowercase
        self.missing = missing
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.output = output
        self.verbose = verbose

    @with_callbacks
    def fit(self, X, y=None):
        self._learn(X)
        return self

    @with_callbacks
    def fit_transform(self, X, y=None):
        return self._encode(self._learn(X))

    def transform(self, X):
        check_is_fitted(self, "n_features_out_")
        return self._encode(self._read(X))

    @property
    def _n_features_out(self):
        return self.n_features_out_

    def _learn(self, X):
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X)
        self._check_parameters()
        texts = self._read(X)
        self.n_features_out_ = self.n_features
        if self.verbose:
            sys.stderr.write(f"{len(texts)} texts\n")
        context.call_on_fit_task_end(estimator=self, X=X)
        return texts

    def _check_parameters(self):
        if not isinstance(self.n_features, int):
            raise ValueError(f"n_features must be an int; got {self.n_features!r}.")

    def _read(self, X):
        rows = self._rows(X)
        if not rows:
            raise ValueError("X is empty.")
        return [self._text(row, value) for row, value in enumerate(rows)]

    def _rows(self, X):
        if isinstance(X, str):
            raise ValueError(BARE_STRING)
        if self.refused == kind_of(X):
            raise TypeError(f"{self.refused} is refused.")
        if hasattr(X, "columns"):
            X = self._column(X)
        return list(X)

    def _column(self, X):
        if len(X.columns) != 1:
            raise ValueError(f"one column of texts was expected; got {len(X.columns)}.")
        return X[X.columns[0]]

    def _text(self, row, value):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return self._missing(row, value)
        if self.input == "filename":
            value = Path(value).read_bytes()
        elif self.input == "file":
            value = value.read()
        if isinstance(value, bytes):
            value = self._decode(value)
        if not isinstance(value, str):
            return self._no_text(row, value)
        return value.lower() if self.lowercase else value

    def _missing(self, row, value):
        if self.missing == "error":
            raise ValueError(f"row {row} is missing.")
        return ""

    def _no_text(self, row, value):
        raise ValueError(f"row {row} is a {type(value).__name__}.")

    def _decode(self, value):
        return value.decode(self.encoding, self.decode_error)

    def _encode(self, texts):
        vectors = self._vectors(texts)
        if self.output == "torch":
            import torch

            return torch.from_numpy(vectors)
        return vectors

    def _vectors(self, texts):
        vectors = np.zeros((len(texts), self.n_features_out_))
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, zlib.crc32(word.encode()) % self.n_features_out_] += 1
        return vectors

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def kind_of(X):
    """Name a container, and whether an array holds str or objects."""
    if isinstance(X, np.ndarray):
        return f"array of {X.dtype.kind}"
    return f"{type(X).__module__.split('.')[0]}.{type(X).__name__}"
