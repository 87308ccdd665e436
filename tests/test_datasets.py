import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skencoder.datasets import load_python_docs, load_text_csv, python_docs
from skencoder.datasets.docstrings import (
    distinct_words,
    find_sources,
    first_of_near_duplicates,
    read_docstrings,
)
from skencoder.datasets.topics import TOPICS
from skencoder.errors import DataNotFoundError, ParameterError, TextInputError

CHECKOUT = Path(__file__).parents[1]

MODULE_SOURCE = '''\
"""Module text."""

import nowhere_to_be_found


class Queue:
    """Class text.

        Indented more.
    Last line.
    """

    def put(self):
        """Method text."""

        def inner():
            """Text of a function nobody can call."""

    def _grow(self):
        """Private text."""

    def __len__(self):
        """Special text."""


try:
    from fast import copy
except ImportError:

    async def copy():
        """Fallback text."""

if nowhere_to_be_found.windows:
    def move():
        """Conditional text."""
else:
    def silent():
        pass
'''


@pytest.fixture(scope="module")
def docs():
    return load_python_docs(as_frame=True)


@pytest.fixture
def fresh_rows():
    python_docs._standard_library_rows.cache_clear()
    yield
    python_docs._standard_library_rows.cache_clear()


@pytest.fixture
def stdlib_at(monkeypatch, fresh_rows):
    def point_to(folder):
        monkeypatch.setattr(python_docs.sysconfig, "get_path", lambda name: str(folder))

    return point_to


def test_is_thousands_of_texts_in_about_ten_balanced_topics(docs):
    counts = docs.frame["topic"].value_counts()

    assert 3000 < len(docs.data) < 6000
    assert 9 <= len(counts) <= 12
    assert counts.max() < 3 * counts.min()


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("asyncio.queues.Queue.put", "concurrency"),
        ("collections.OrderedDict.move_to_end", "data structures"),
        ("csv.Sniffer.sniff", "text and data formats"),
        ("decimal.Decimal.quantize", "numbers and dates"),
        ("email.message.Message.get_payload", "email"),
        ("http.cookiejar.CookieJar.extract_cookies", "networking and security"),
        ("inspect.getsource", "Python code and imports"),
        ("logging.Logger.exception", "command line and logging"),
        ("shutil.rmtree", "files and archives"),
        ("unittest.case.TestCase.assertCountEqual", "testing and debugging"),
    ],
)
def test_topic_follows_from_the_module(docs, name, topic):
    row = docs.frame.set_index("name").loc[name]

    assert row["topic"] == topic
    assert docs.target_names[row["target"]] == topic
    assert name.startswith(row["module"] + ".")


def test_text_is_what_the_object_says_about_itself(docs):
    import inspect
    import shutil

    text = docs.frame.set_index("name").loc["shutil.rmtree", "text"]

    assert text == inspect.getdoc(shutil.rmtree)


def test_names_and_texts_are_unique_and_texts_say_something(docs):
    words = [len(distinct_words(text)) for text in docs.data]

    assert docs.frame["name"].is_unique
    assert docs.data.is_unique
    assert min(words) >= python_docs.MIN_WORDS
    assert all(text == text.strip() for text in docs.data)


def test_no_two_texts_are_near_duplicates(docs):
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=distinct_words, dtype=np.int32)
    matrix = vectorizer.fit_transform(docs.data)
    common = (matrix @ matrix.T).tocoo()
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    union = sizes[common.row] + sizes[common.col] - common.data

    similarity = common.data / union
    assert similarity[common.row != common.col].max() < python_docs.MAX_SIMILARITY


def test_names_what_is_in_parts_that_all_distributions_have(docs):
    tops = {module.partition(".")[0] for module in docs.modules}
    folders = {part for module in docs.modules for part in module.split(".")}

    assert tops.isdisjoint({"tkinter", "idlelib", "turtle", "lib2to3", "ensurepip", "distutils"})
    assert folders.isdisjoint({"test", "tests"})


def test_all_forms_agree(docs):
    plain = load_python_docs()
    texts, target = load_python_docs(return_X_y=True)
    series, target_series = load_python_docs(return_X_y=True, as_frame=True)

    assert plain.frame is None
    assert texts.dtype == object and isinstance(texts[0], str)
    assert target.dtype == np.int64
    np.testing.assert_array_equal(texts, plain.data)
    np.testing.assert_array_equal(target, plain.target)
    np.testing.assert_array_equal(series, texts)
    np.testing.assert_array_equal(target_series, target)
    np.testing.assert_array_equal(docs.names, plain.names)
    pd.testing.assert_series_equal(series, docs.frame["text"])
    pd.testing.assert_series_equal(docs.target, docs.frame["target"])
    assert list(docs.frame["module"]) == list(plain.modules)
    assert list(docs.frame["topic"]) == list(plain.target_names[plain.target])


def test_rows_are_ordered_by_topic_then_name(docs):
    keys = list(zip(docs.frame["topic"], docs.frame["name"], strict=True))

    assert keys == sorted(keys)


def test_changing_what_was_returned_changes_no_later_call(docs):
    changed = load_python_docs()
    changed.data[0] = "changed"
    changed.target[:] = 0

    again = load_python_docs()
    assert again.data[0] == docs.data[0]
    assert set(again.target) == set(range(len(again.target_names)))


def test_topics_selects_rows_and_counts_codes_anew(docs):
    some = load_python_docs(topics=["email", "concurrency"])

    assert list(some.target_names) == ["concurrency", "email"]
    assert set(some.target) == {0, 1}
    expected = docs.frame[docs.frame["topic"].isin(some.target_names)]
    np.testing.assert_array_equal(some.names, expected["name"])
    np.testing.assert_array_equal(load_python_docs(topics="email").target_names, ["email"])


@pytest.mark.parametrize(("topics", "named"), [(["emial"], "'emial'"), ([], "nothing")])
def test_unknown_topics_are_refused_with_the_known_ones(topics, named):
    with pytest.raises(ParameterError, match=f"topics holds {named}.*'email'"):
        load_python_docs(topics=topics)


def test_description_counts_the_rows(docs):
    assert f"{len(docs.data)} documentation strings" in docs.DESCR
    for topic, count in docs.frame["topic"].value_counts().items():
        assert any(
            line.startswith(topic) and line.endswith(f" {count}")
            for line in docs.DESCR.splitlines()
        )


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_is_the_same_in_every_process():
    code = (
        "import hashlib; from skencoder.datasets import load_python_docs as load; d = load();"
        "print(hashlib.sha256(repr([*map(list, (d.names, d.data, d.target))]).encode())"
        ".hexdigest())"
    )
    digests = [
        run_python(code, PYTHONHASHSEED="1"),
        run_python(code, PYTHONHASHSEED="2", PYTHONOPTIMIZE="2"),
    ]

    assert digests[0] == digests[1] != ""


def test_loads_neither_torch_nor_the_modules_it_reads():
    code = (
        "import sys; from skencoder.datasets import load_python_docs; before = set(sys.modules);"
        "load_python_docs(); print('torch' in sys.modules, sorted(set(sys.modules) - before))"
    )

    assert run_python(code).split() == ["False", "[]"]


def test_reads_public_definitions_without_running_the_file(tmp_path):
    source = tmp_path / "fast_queue.py"
    source.write_text(MODULE_SOURCE)

    found = {name: text for name, _, text in read_docstrings(source, "fast_queue")}

    assert found == {
        "fast_queue": "Module text.",
        "fast_queue.Queue": "Class text.\n\n    Indented more.\nLast line.",
        "fast_queue.Queue.put": "Method text.",
        "fast_queue.Queue.__len__": "Special text.",
        "fast_queue.copy": "Fallback text.",
        "fast_queue.move": "Conditional text.",
    }


def test_finds_the_sources_of_a_package_without_its_tests(tmp_path):
    for path in ["json/__init__.py", "json/decoder.py", "json/tests/test_it.py", "jsonx.py"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    assert list(find_sources(tmp_path, "json")) == ["json", "json.decoder"]
    assert find_sources(tmp_path, "jsonx") == {"jsonx": tmp_path / "jsonx.py"}
    assert find_sources(tmp_path, "absent") == {}


def test_first_of_near_duplicates_follows_the_jaccard_index():
    texts = [
        "put an item into the queue",
        "Put 2 item(s) into the queue: AN item",  # the same words
        "put an item into the stack",  # 5 of 7 words in common
        "remove and return what was put last",
        "put an item into the queue now",  # 6 of 7
    ]

    assert first_of_near_duplicates(texts, 1.0) == [0, 2, 3, 4]
    assert first_of_near_duplicates(texts, 6 / 7) == [0, 2, 3]
    assert first_of_near_duplicates(texts, 0.7) == [0, 3]


def test_missing_sources_are_an_error_that_says_where_it_looked(tmp_path, stdlib_at):
    stdlib_at(tmp_path)

    with pytest.raises(DataNotFoundError, match="Install the full") as caught:
        load_python_docs()
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_an_incomplete_library_is_warned_of_at_the_callers_line(tmp_path, stdlib_at):
    stdlib_at(tmp_path)
    (tmp_path / "shlex.py").write_text('"""Splits a command line as the shell would do."""')

    with pytest.warns(UserWarning, match="shutil") as caught:
        docs = load_python_docs()
    assert caught[0].filename == __file__
    assert list(docs.names) == ["shlex"]


def test_every_module_stands_under_one_topic():
    modules = [module for modules in TOPICS.values() for module in modules]

    assert len(modules) == len(set(modules))


REVIEWS = """review,stars,city
"Good food, and quick",5,Rome
None of it was warm,1,Rome
  ,3,Oslo
Slow,,Oslo

The same again,5,Rome
"""


@pytest.fixture
def write_csv(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_csv_keeps_what_is_written_and_counts_what_is_empty(write_csv):
    reviews = load_text_csv(write_csv(REVIEWS), label="stars")

    assert list(reviews.data) == ["Good food, and quick", "None of it was warm", "The same again"]
    assert list(reviews.target_names) == ["1", "5"]
    assert reviews.target.tolist() == [1, 0, 1]
    assert list(reviews.names) == ["row 1", "row 2", "row 6"]
    assert (reviews.text_column, reviews.label_column) == ("review", "stars")
    assert (reviews.n_without_text, reviews.n_without_label) == (2, 1)


def test_csv_without_labels_keeps_all_texts(write_csv):
    reviews = load_text_csv(str(write_csv(REVIEWS)), label=None)

    assert len(reviews.data) == len(reviews.names) == 4
    assert reviews.target is None and reviews.target_names is None
    assert reviews.label_column is None
    assert reviews.n_without_label == 0


def test_csv_takes_words_for_words(write_csv):
    table = load_text_csv(write_csv("text,label\nNA,None\nnull,nan\n"))

    assert list(table.data) == ["NA", "null"]
    assert list(table.target_names[table.target]) == ["None", "nan"]


@pytest.mark.parametrize(
    ("header", "row", "text", "label"),
    [
        ("id,Text,Category", "{i},x,{i}", "Text", "Category"),  # by name
        ("id,said,kind", "{i},some words that {i} said,{parity}", "said", "kind"),  # by content
        ("id,said,note", "{i},some words that {i} said,n{i}", "said", None),  # nothing repeats
        ("said,kind", "some words that {i} said,same", "said", None),  # nothing differs
    ],
)
def test_csv_columns_are_guessed_where_one_is_possible(write_csv, header, row, text, label):
    rows = [row.format(i=i, parity=i % 2) for i in range(20)]
    table = load_text_csv(write_csv("\n".join([header, *rows])))

    assert (table.text_column, table.label_column) == (text, label)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,review\na,b\n", {}, "No one column is clearly the texts.*'text', 'review'"),
        ("a,b\nx,y\n", {}, "No one column is clearly the texts.*'a', 'b'"),
        ("text,label,topic\na,b,c\n", {}, "'label' and 'topic' could each be the labels"),
        ("text,label\na,b\n", {"label": "Label"}, "label='Label' is no column.*'text', 'label'"),
        ("text,label\na,b\n", {"text": ""}, "text='' is no column"),
        ("text,label\na,b\n", {"text": "text", "label": "text"}, "text and label are both"),
    ],
)
def test_csv_with_unclear_columns_is_refused_with_their_names(
    write_csv, content, options, message
):
    with pytest.raises(ParameterError, match=message):
        load_text_csv(write_csv(content), **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as a CSV"),
        (b"text\n\xff\n", "cannot be read as a CSV"),
        ('text\n"open\n', "cannot be read as a CSV"),
        ("text,label\na,b\na,b,c,d\n", "cannot be read as a CSV"),
        ("text,label\na,b,c\na,b,c\n", "more cells than its first line has names"),
        ("text,label\n", "No row of .* holds anything in 'text' and 'label'"),
        ("text,label\n,x\ny,\n", "No row of .* holds anything in 'text' and 'label'"),
    ],
)
def test_csv_that_holds_no_table_of_texts_is_refused(write_csv, content, message):
    with pytest.raises(TextInputError, match=message) as caught:
        load_text_csv(write_csv(content))
    assert "table.csv" in str(caught.value)


def test_csv_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"There is no file .*absent\.csv"):
        load_text_csv(tmp_path / "absent.csv")
