"""Few labelled texts: all ways on the same draws, what cannot be used, and intervals."""

import json

import numpy as np
import pytest

from benchmarks.classification import SOURCES
from benchmarks.cli import main
from benchmarks.errors import MissingDataError
from benchmarks.few_shot import FROZEN, SETFIT, TUNED, run_few_shot
from benchmarks.few_shot_report import format_few_shot
from benchmarks.few_shot_settings import FewShotSettings
from benchmarks.seed_interval import seed_interval
from skencoder.errors import ParameterError


@pytest.fixture(scope="module")
def slice_root(tmp_path_factory, docs):
    """Short texts of three topics of the Python docs as SIB-200."""
    root = tmp_path_factory.mktemp("data")
    hub_path, label = SOURCES["SIB-200, English"]
    folder = root / hub_path / "eng_Latn"
    folder.mkdir(parents=True)
    short = np.array([5 <= len(text.split()) < 20 for text in docs.data])
    for split, start in {"train": 0, "test": 1}.items():
        rows = [
            {"text": docs.data[row], label: str(docs.target_names[topic])}
            for topic in (3, 6, 8)
            for row in np.flatnonzero(short & (docs.target == topic))[start:20:2]
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


@pytest.fixture(scope="module")
def report(slice_root, tiny_bert):
    settings = FewShotSettings(
        slice_root, data="SIB-200, English", model=str(tiny_bert), shots=4, draws=2,
        setfit_draws=1, setfit_iterations=1, choose=True,
    )  # fmt: skip
    return run_few_shot(settings)


def test_every_way_takes_every_draw(report):
    assert (report.n_labels, report.n_train) == (3, 12)
    # What is judged was not learned from, and no row of the test split is read.
    assert report.n_test == 30 - 12
    ways = {name: outcomes for name, outcomes in report.outcomes.items() if name != SETFIT}
    assert len(ways) == 6
    for outcomes in ways.values():
        assert len(outcomes) == 2
        assert all(0 <= one.accuracy <= 1 and one.seconds > 0 for one in outcomes)


def test_the_table_tells_the_gain_over_the_frozen_encoder(report):
    shown = format_few_shot(report)
    assert "3 labels, 4 texts of each in 2 draws; judged on 18 rows of the training split" in shown
    gain = np.mean(
        [
            100 * (ours.accuracy - others.accuracy)
            for ours, others in zip(report.outcomes[TUNED], report.outcomes[FROZEN], strict=True)
        ]
    )
    line = next(line for line in shown.splitlines() if line.startswith(TUNED))
    assert f"{gain:+.2f} (" in line


def test_setfit_takes_part_or_the_reason_is_told(report):
    shown = format_few_shot(report)
    if report.left_out:
        assert "pip install setfit" in report.left_out[SETFIT]
        assert f"{SETFIT} is left out" in shown
    else:
        assert len(report.outcomes[SETFIT]) == 1
        assert "On the same 1 draws" in shown


def test_an_interval_over_seeds_by_hand():
    # Student's quantile with one degree of freedom is 12.7062.
    found = seed_interval([1.0, 3.0])
    assert found.mean == 2
    assert (found.low, found.high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
    assert seed_interval([4.0, 4.0, 4.0]).high == 4
    with pytest.raises(ParameterError, match="at least 2; got 1"):
        seed_interval([1.0])


def test_what_cannot_be_used_is_told(slice_root, tiny_bert):
    with pytest.raises(ParameterError, match="shots=1: expected at least 3"):
        FewShotSettings(slice_root, shots=1)
    with pytest.raises(ParameterError, match="expected one of Banking77, SIB-200"):
        run_few_shot(FewShotSettings(slice_root, data="Banking"))
    few = FewShotSettings(slice_root, data="SIB-200, English", shots=11)
    with pytest.raises(ParameterError, match=r"the label '.*' has 10 texts"):
        run_few_shot(few)
    with pytest.raises(MissingDataError, match="banking77"):
        run_few_shot(FewShotSettings(slice_root))


def test_command(slice_root, tiny_bert, tmp_path, capsys):
    file = tmp_path / "out.json"
    code = main([
        "few-shot", "--data-root", str(slice_root), "--data", "SIB-200, English",
        "--model", str(tiny_bert), "--shots", "3", "--draws", "2", "--setfit-draws", "0",
        "--json", str(file),
    ])  # fmt: skip
    assert code == 0
    assert TUNED in capsys.readouterr().out
    content = json.loads(file.read_text())
    assert {len(outcomes) for outcomes in content["outcomes"].values()} == {2}
    assert content["machine"]["cores"] >= 1
    assert main(["few-shot", "--data-root", str(slice_root), "--draws", "1"]) == 2
