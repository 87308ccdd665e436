"""Estimators that break items 6 and 7 of the checklist, each in one place."""

import numpy as np

from skencoder.testing.corpus import TEXTS
from tests.testing.faults import fault
from tests.testing.hashed_texts import HashedTexts, kind_of

REFUSED = {
    "list": "builtins.list",
    "tuple": "builtins.tuple",
    "generator": "builtins.generator",
    "object_array": "array of O",
    "str_array": "array of U",
    "polars_series": "polars.Series",
    "pandas_frame": "pandas.DataFrame",
    "polars_frame": "polars.DataFrame",
}
for check, kind in REFUSED.items():
    name = f"Refuses{check.title().replace('_', '')}"
    globals()[name] = fault(check)(
        type(name, (HashedTexts,), {"refused": kind, "__module__": __name__})
    )


@fault("pandas_series", "set_output_keeps_index")
class RefusesSeries(HashedTexts):
    refused = "pandas.Series"


@fault("filenames")
class ReadsNames(HashedTexts):
    def _text(self, row, value):
        return str(value) if self.input == "filename" else super()._text(row, value)


@fault("files")
class ReadsNoBytesFiles(HashedTexts):
    def _text(self, row, value):
        if kind_of(value) == "_io.BytesIO":
            raise TypeError("open the file in text mode.")
        return super()._text(row, value)


@fault("bytes_are_decoded")
class IgnoresEncoding(HashedTexts):
    def _decode(self, value):
        return value.decode("utf-8", self.decode_error)


@fault("decode_error_is_heeded")
class NeverStrict(HashedTexts):
    def _decode(self, value):
        return value.decode(self.encoding, "replace")


@fault("empty_string_is_a_text")
class RefusesEmptyTexts(HashedTexts):
    def _vectors(self, texts):
        if not any(texts):
            raise ValueError("there is no word in these texts.")
        return super()._vectors(texts)


@fault("unusual_texts")
class RefusesLongTexts(HashedTexts):
    def _text(self, row, value):
        text = super()._text(row, value)
        if len(text) > 5000:
            raise ValueError(f"row {row} is too long.")
        return text


@fault("bare_string_is_refused")
class TakesBareString(HashedTexts):
    def _rows(self, X):
        return super()._rows([X] if isinstance(X, str) else X)


@fault("empty_input_is_refused")
class TakesNothing(HashedTexts):
    def _read(self, X):
        try:
            return super()._read(X)
        except ValueError as error:
            if "empty" in str(error):
                return []
            raise


@fault("number_is_refused", "refused_row_is_named")
class TakesNumbers(HashedTexts):
    def _no_text(self, row, value):
        return str(value) if isinstance(value, int) else super()._no_text(row, value)


@fault("nested_list_is_refused", "refused_row_is_named")
class TakesNestedLists(HashedTexts):
    def _no_text(self, row, value):
        return " ".join(value) if isinstance(value, list) else super()._no_text(row, value)


@fault("refused_row_is_named")
class NamesNoRow(HashedTexts):
    def _no_text(self, row, value):
        raise ValueError(f"there is a {type(value).__name__} among the texts.")


@fault("two_columns_are_refused")
class TakesFirstColumn(HashedTexts):
    def _column(self, X):
        return X[X.columns[0]]


@fault("missing_is_refused", "missing_row_is_named")
class SaysNone(HashedTexts):
    def _missing(self, row, value):
        return str(value) if self.missing == "error" else ""


@fault("missing_row_is_named")
class NamesNoMissingRow(HashedTexts):
    def _missing(self, row, value):
        if self.missing == "error":
            raise ValueError("a text is missing.")
        return ""


@fault("missing_can_be_an_empty_text")
class MissingIsAWord(HashedTexts):
    def _missing(self, row, value):
        super()._missing(row, value)
        return "missing"


@fault("transform_is_repeatable", spreads=True)
class CountsCalls(HashedTexts):
    _last = None

    def _learn(self, X):
        self._last = None
        return super()._learn(X)

    def _vectors(self, texts):
        again, self._last = self._last == texts, texts
        return super()._vectors(texts) * (1 + again)


@fault("text_alone_equals_text_in_batch")
class AloneIsDifferent(HashedTexts):
    def _vectors(self, texts):
        return super()._vectors(texts) * (1 + (len(texts) == 1))


@fault("batches_agree_with_the_whole")
class SevenIsDifferent(HashedTexts):
    def _vectors(self, texts):
        return super()._vectors(texts) * (1 + (len(texts) == 7))


@fault("long_neighbour_changes_nothing")
class PadsToTheLongest(HashedTexts):
    def _vectors(self, texts):
        return super()._vectors(texts) * (1 + max(map(len, texts)) // 500)


@fault("order_changes_nothing")
class DependsOnFirst(HashedTexts):
    def _vectors(self, texts):
        swapped = len(texts) == len(TEXTS) and sorted(texts) == sorted(TEXTS)
        return super()._vectors(texts) * (1 + (swapped and texts[0] != TEXTS[0]))


@fault("subsets_agree_with_the_whole", "duplicates_get_equal_vectors", spreads=True)
class ForgetsDuplicates(HashedTexts):
    def _vectors(self, texts):
        vectors = super()._vectors(texts)
        first = [texts.index(text) for text in texts]
        return vectors * (np.arange(len(texts)) == first)[:, None]
