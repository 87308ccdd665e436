"""A folder appears whole or not at all, wherever it is."""

import os

import pytest

from skencoder.errors import CheckpointError
from skencoder.files import appearing, check_is_new


def fill(target):
    with appearing(target) as draft:
        (draft / "config.json").write_text("{}")
        (draft / "part").mkdir()
        (draft / "part" / "rows").write_text("1 2 3")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("there", [False, True])
def test_it_appears_at_once(tmp_path, there):
    """Until the end the folder is not there, or empty."""
    target = tmp_path / "deep" / "folder"
    if there:
        target.mkdir(parents=True)
    with appearing(target) as draft:
        (draft / "rows").write_text("1 2 3")
        assert target.exists() == there
        assert not there or not names(target)
    assert names(target) == ["rows"]
    assert names(target.parent) == ["folder"]


@pytest.mark.parametrize("there", [False, True])
def test_a_failure_leaves_what_was(tmp_path, there):
    target = tmp_path / "folder"
    if there:
        target.mkdir()
    with pytest.raises(OSError, match="full"), appearing(target) as draft:
        (draft / "rows").write_text("1 2 3")
        raise OSError("the disk is full")
    assert names(tmp_path) == ["folder"] * there


def test_what_a_killed_save_left_is_no_content(tmp_path):
    (tmp_path / "folder" / ".draft-1").mkdir(parents=True)
    check_is_new(tmp_path / "folder")
    fill(tmp_path / "folder")
    assert names(tmp_path / "folder") == [".draft-1", "config.json", "part"]
    with pytest.raises(CheckpointError, match="is not empty"):
        check_is_new(tmp_path / "folder")


@pytest.mark.parametrize("where", ["mounted", "here", "in what may not be written"])
def test_inside_where_it_cannot_be_beside(tmp_path, monkeypatch, where):
    target = tmp_path / "folder"
    target.mkdir(mode=0o700)
    inode = target.stat().st_ino
    if where == "mounted":
        monkeypatch.setattr(type(target), "is_mount", lambda path: path == target)
    elif where == "here":
        monkeypatch.chdir(target)
    else:
        mkdir = type(target).mkdir

        def refuse(path, *args, **kwargs):
            if path.parent == tmp_path and path.name.startswith("."):
                raise PermissionError(13, "Permission denied")
            mkdir(path, *args, **kwargs)

        monkeypatch.setattr(type(target), "mkdir", refuse)
    fill(target)
    assert names(target) == ["config.json", "part"]
    assert target.stat().st_ino == inode


@pytest.mark.skipif(os.name == "nt", reason="files there replace no folder")
def test_of_two_that_write_one_is_refused(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OSError, match="not empty|exists"), appearing(target) as draft:
        (draft / "slow").write_text("")
        fill(target)
    assert names(target) == ["config.json", "part"]
    assert names(tmp_path) == ["folder"]
