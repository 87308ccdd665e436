"""Classification against word counts: on a small slice in the hub's layout, and its measures."""

import json

import numpy as np
import pytest

from benchmarks.classification import (
    SOURCES,
    expected_calibration_error,
    format_classification,
    load_splits,
    run_classification,
)
from benchmarks.errors import MissingDataError


@pytest.fixture(scope="module")
def slice_root(tmp_path_factory, docs):
    """Short texts of three topics of the Python docs as both data sets."""
    root = tmp_path_factory.mktemp("data")
    short = np.array([5 <= len(text.split()) < 20 for text in docs.data])
    for hub_path, label in SOURCES.values():
        folder = root / hub_path / ("eng_Latn" if "sib" in hub_path else "")
        folder.mkdir(parents=True)
        for split, start in {"train": 0, "test": 1}.items():
            rows = [
                {"text": docs.data[row], label: str(docs.target_names[topic])}
                for topic in (3, 6, 8)
                for row in np.flatnonzero(short & (docs.target == topic))[start:32:2]
            ]
            (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


def test_all_is_measured(slice_root):
    report = run_classification(slice_root, draws=2)
    assert [(name, shown) for name, shown, *_ in report.accuracies] == [
        ("SIB-200, English", "names of the labels"),
        ("Banking77", "8 texts per label"),
        ("Banking77", "all"),
        ("SIB-200, English", "8 texts per label"),
        ("SIB-200, English", "all"),
    ]
    for *_, counts, ours in report.accuracies:
        assert len(counts) == len(ours)
        assert 0 <= np.mean(counts) < np.mean(ours) <= 1
    by_name = {name: values for name, *values in report.calibration}
    plain, calibrated = by_name["LogisticRegression()"], by_name["... temperature"]
    assert calibrated[1] < plain[1]  # log-loss
    shown = format_classification(report)
    assert shown.count(" ± ") == 4
    assert "... sigmoid" in shown


def test_calibration_error_by_hand():
    classes = np.array(["a", "b"])
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]])
    labels = np.array(["a", "b", "b", "b"])
    # Two are 90 % sure and half of them right, two are 70 % sure and all right.
    assert expected_calibration_error(labels, classes, p) == pytest.approx((0.4 + 0.3) / 2)
    sure = np.array([[1.0, 0.0]])
    assert expected_calibration_error(np.array(["a"]), classes, sure) == 0


def test_data_that_are_not_there_are_named(tmp_path):
    (tmp_path / "mteb" / "sib200").mkdir(parents=True)
    (tmp_path / "mteb" / "sib200" / "README.md").write_text("no data")
    with pytest.raises(MissingDataError, match=r"no file .*sib200/train\.jsonl"):
        load_splits(tmp_path, "SIB-200, English")
