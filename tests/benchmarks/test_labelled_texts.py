"""A user's table is read as it is, and what cannot be used gets a sentence."""

import numpy as np
import pytest

from benchmarks.labelled_texts import check_folds, read_labelled_texts
from skencoder.errors import DataNotFoundError, ParameterError, TextInputError


@pytest.fixture
def write(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "my.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def test_texts_and_labels_are_read_as_they_stand(write):
    path = write('id,words,y\n1,"a b, c",NA\n2,"line\none",1.0\n')
    data = read_labelled_texts(path, label="y")
    # The column with the most words is the text; "NA" and numbers are labels like any other.
    assert data.texts.tolist() == ["a b, c", "line\none"]
    assert data.labels.tolist() == ["NA", "1.0"]
    assert "'words'" in data.notes[0]
    assert read_labelled_texts(path, label="y", text="id").texts.tolist() == ["1", "2"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_are_found_and_encodings_taken(write, separator, encoding):
    rows = [["text", "y"], ["schöne Grüße", "gut"], ["nö", "schlecht"]]
    path = write("\r\n".join(separator.join(row) for row in rows), encoding)
    told = "utf-8" if encoding == "utf-8-sig" else encoding
    data = read_labelled_texts(path, label="y", encoding=told)
    assert data.texts.tolist() == ["schöne Grüße", "nö"]
    assert data.labels.tolist() == ["gut", "schlecht"]


def test_rows_without_text_or_label_and_repetitions_are_told(write):
    path = write("text,y\na,1\n,2\n  ,2\nb,\na,1\na,2\nc,1\n")
    data = read_labelled_texts(path, label="y")
    assert list(zip(data.texts, data.labels, strict=True)) == [("a", "1"), ("a", "2"), ("c", "1")]
    told = "\n".join(data.notes)
    assert "2 rows without text are left out: rows 2, 3." in told
    assert "1 rows without label are left out: rows 4." in told
    assert "1 rows repeat an earlier text" in told
    assert "1 texts stand there with several labels" in told
    assert data.majority == ("1", 2 / 3)


@pytest.mark.parametrize(
    ("content", "options", "error", "message"),
    [
        ("", {}, TextInputError, "is empty"),
        ("\n \n", {}, TextInputError, "is empty"),
        ("text,y\n", {}, TextInputError, "a header and no rows"),
        ("text,z\na,1\n", {}, ParameterError, "label='y' is no column.*'text', 'z'"),
        ("text,y\na,1\n", {"text": "words"}, ParameterError, "text='words' is no column"),
        ("text,y\na,1\n", {"text": "y"}, ParameterError, "are both 'y'"),
        ("y\n1\n", {}, ParameterError, "no column beside 'y'"),
        ("text,y\n,1\na,\n", {}, TextInputError, "no row of .* has both a 'text' and a 'y'"),
        ("text,y\na,b,c\n", {}, TextInputError, "row 1, has more cells.*quotes"),
        ('text,y\n"a"b,1\n', {}, TextInputError, "no CSV file with ','.*expected after"),
        ('text,y\n"a,1\n', {}, TextInputError, "no CSV file"),
        ("text;y\na;1\n", {"separator": ","}, ParameterError, "--separator"),
        (b"text,y\n\xfc,1\n", {}, TextInputError, r"not in utf-8 \(byte 7\).*--encoding cp1252"),
        ("text,y\na,1\n", {"encoding": "klingon"}, ParameterError, "encoding='klingon'"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(write, content, options, error, message):
    with pytest.raises(error, match=message):
        read_labelled_texts(write(content), label="y", **options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataNotFoundError, match="there is no such file"):
        read_labelled_texts(tmp_path / "none.csv", label="y")
    with pytest.raises(DataNotFoundError, match="there is no such file"):
        read_labelled_texts(tmp_path, label="y")


@pytest.mark.parametrize(
    ("counts", "folds", "message"),
    [
        ([9], 3, "every text has the label '0'"),
        ([1] * 9, 3, "9 different labels; these look like numbers or ids"),
        ([9, 4], 5, "label '1' has 4 texts, too few for 5 folds"),
        ([9, 9, 2, 3], 5, "label '2' has 2 texts.*and 1 other labels"),
        # Of 3 texts one fold of 2 takes 2, and one text chooses nothing.
        ([9, 3], 2, "label '1' has 3 texts, too few for 2 folds"),
    ],
)
def test_labels_that_cannot_be_validated(counts, folds, message):
    with pytest.raises(TextInputError, match=message):
        check_folds(np.repeat(np.arange(len(counts)).astype(str), counts), folds)


def test_labels_that_can():
    check_folds(np.repeat(["a", "b"], [5, 9]), 5)
    check_folds(np.repeat(["a", "b"], [4, 4]), 2)
