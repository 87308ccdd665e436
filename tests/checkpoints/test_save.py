"""Writing checkpoints: whole or not at all, readable by others, in any folder that is empty."""

import os
import stat
from dataclasses import replace

import pytest

from skencoder import TextEncoder
from skencoder.checkpoints import SentenceSettings, load_checkpoint, save_checkpoint
from skencoder.encoder import Encoder, EncoderConfig
from skencoder.errors import CheckpointError


@pytest.fixture
def checkpoint(tiny_bert):
    return load_checkpoint(tiny_bert)


def save(folder, checkpoint, **changes):
    given = {"tokenizer_folder": checkpoint.folder, "settings": checkpoint.settings} | changes
    return save_checkpoint(folder, checkpoint.encoder, **given)


def test_modes_are_those_of_other_new_files(tmp_path, checkpoint):
    before = os.umask(0o027)
    try:
        folder = save(tmp_path / "new", checkpoint)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.*")} == {0o640}


def test_an_empty_folder_keeps_its_mode(tmp_path, checkpoint):
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    save(folder, checkpoint)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Without a limit of its authors the positions' reach is written, which other libraries need.
    assert load_checkpoint(folder).settings == replace(checkpoint.settings, max_length=512)
    assert not list(folder.glob(".draft*"))


def test_here_and_through_a_link(tmp_path, checkpoint, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    save(".", checkpoint)
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    save(tmp_path / "link", checkpoint)
    for name in ("here", "target"):
        assert load_checkpoint(tmp_path / name).model_type == "bert"


def test_nothing_is_overwritten(tmp_path, checkpoint):
    folder = save(tmp_path / "one", checkpoint)
    with pytest.raises(CheckpointError, match="one is not empty; choose a new folder"):
        save(folder, checkpoint)


@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_leaves_nothing_behind(tmp_path, checkpoint, monkeypatch, exists):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    folder = tmp_path / "target"
    if exists:
        folder.mkdir()
    monkeypatch.setattr("skencoder.checkpoints.save.save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        save(folder, checkpoint)
    assert folder.exists() == exists
    assert [path for path in tmp_path.rglob("*") if path != folder] == []


def test_without_a_tokenizer(tmp_path, checkpoint):
    with pytest.raises(CheckpointError, match="holds no tokenizer"):
        save(tmp_path / "new", checkpoint, tokenizer_folder=tmp_path)


def test_parts_that_no_other_library_has(tmp_path, checkpoint):
    odd = Encoder(EncoderConfig(vocab_size=9, hidden_size=24, positions="sinusoidal"))
    with pytest.raises(CheckpointError, match="No published family has just these parts"):
        save_checkpoint(tmp_path / "new", odd, tokenizer_folder=checkpoint.folder)
    with pytest.raises(CheckpointError, match="mpnet has just these parts"):
        save(tmp_path / "new", checkpoint, model_type="mpnet")
    with pytest.raises(CheckpointError, match="model_type='telepathy' is unknown; families are"):
        save(tmp_path / "new", checkpoint, model_type="telepathy")


def test_a_packed_encoder_is_written_as_it_was(tmp_path, tiny_bert, checkpoint):
    packed = TextEncoder.load(tiny_bert, precision="float32", device="cpu").encoder
    folder = save_checkpoint(tmp_path / "new", packed, tokenizer_folder=tiny_bert)
    expected = checkpoint.encoder.state_dict()
    found = load_checkpoint(folder).encoder.state_dict()
    assert all((found[name] == value).all() for name, value in expected.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pooling": "median"}, "pooling has {'median'}"),
        ({"similarity": "jaccard"}, "similarity must be one of cosine"),
        ({"default_prompt": "query"}, "default_prompt must name one of no prompts"),
    ],
)
def test_settings_that_could_not_be_read_again(change, message):
    with pytest.raises(ValueError, match=message):
        SentenceSettings(**change)
