"""The table of estimators and checks, its place in the page, and the command that writes it."""

import pytest

from benchmarks import conformance
from benchmarks.cli import main
from skencoder import TextEncoder
from skencoder.errors import ParameterError
from skencoder.testing import runner

CHOSEN = ("check_fit_returns_self", "check_pandas_frame", "check_torch_output")


@pytest.fixture
def three_checks(monkeypatch):
    monkeypatch.setattr(runner, "CHECKS", {name: runner.CHECKS[name] for name in CHOSEN})


@pytest.mark.usefixtures("three_checks")
def test_a_row_per_check_and_a_column_per_estimator():
    table = conformance.run_conformance(("TfidfVectorizer", "HashingVectorizer"))
    assert list(table.index) == list(CHOSEN)
    assert list(table["item"]) == [3, 6, 9]
    assert list(table["TfidfVectorizer"]) == ["passed", "failed", "skipped"]
    shown = conformance.format_conformance(table).splitlines()
    assert shown[2] == "| 3 | `fit_returns_self` | Return itself from ``fit`` | yes | yes |"
    assert shown[4].endswith("| - | - |")
    assert shown[5] == "|  |  | passed of those that apply | 1 of 2 | 1 of 2 |"
    assert "scikit-learn 1." in shown[-1]


@pytest.mark.usefixtures("three_checks")
def test_what_is_not_installed_is_left_out(monkeypatch, caplog):
    monkeypatch.setattr(conformance, "find_spec", lambda package: None)
    with caplog.at_level("INFO", logger=conformance.__name__):
        table = conformance.run_conformance(("StringEncoder", "TfidfVectorizer"))
    assert list(table.columns) == ["item", "description", "TfidfVectorizer"]
    assert "StringEncoder is left out: skrub is not installed" in caplog.text


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ParameterError, match="'Tfidf'.* are not among TfidfVectorizer, Hashing"):
        conformance.run_conformance(("Tfidf",))


@pytest.mark.usefixtures("three_checks")
def test_the_command_prints_the_table_and_replaces_that_of_a_page(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- table -->\nold\n<!-- end of table -->\nbelow\n")
    for _ in range(2):
        assert main(["conformance", "--names", "TfidfVectorizer", "--page", str(page)]) == 0
    written = page.read_text()
    assert capsys.readouterr().out.splitlines()[2] in written
    assert written.startswith("above\n<!-- table -->\n\n| item |")
    assert written.endswith(".\n\n<!-- end of table -->\nbelow\n")
    assert written.count("| item |") == 1
    assert "old" not in written


@pytest.mark.usefixtures("three_checks")
def test_a_page_without_a_place_is_refused(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    assert main(["conformance", "--names", "TfidfVectorizer", "--page", str(page)]) == 2
    assert "has no lines <!-- table -->" in capsys.readouterr().err


def test_the_other_model_gives_other_vectors(embedded_folder, tmp_path):
    other = conformance._other_model(embedded_folder, tmp_path / "other")
    first, second = (
        TextEncoder.load(folder, precision="float32", device="cpu").encode(["a text"]).vectors
        for folder in (embedded_folder, other)
    )
    assert first.shape == second.shape
    assert abs(first - second).max() > 0.01
