"""A run's state on disk: what went in comes out, and the last good one outlives kills."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from skencoder.errors import CheckpointError
from skencoder.training.state_files import (
    LOCK_FILE,
    STATE_FILE,
    load_state,
    only_writer,
    save_state,
)

REPOSITORY = Path(__file__).parents[2]

TENSORS = {
    "matrix": torch.arange(12.0).view(3, 4).T,
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "step": torch.tensor(7.0),
    "random": torch.Generator().get_state(),
    "nothing": torch.zeros(0, 3),
    "seen": torch.tensor([True, False]),
    "a/b.c": torch.tensor([2**60]),
}
FACTS = {"step": 3, "best": -1.25, "text": "\u05e9\u05dc\u05d5\u05dd", "worst": float("inf")}


def save(folder, value=1.0, size=1000):
    return save_state(folder, tensors={"w": torch.full((size,), value)}, facts={"w": value})


def test_what_went_in_comes_out(tmp_path):
    path = save_state(tmp_path / "new" / "folder", tensors=TENSORS, facts=FACTS)
    tensors, facts = load_state(tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / STATE_FILE
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_the_newest_stands_alone(tmp_path):
    for value in (1.0, 2.0):
        save(tmp_path, value)
    assert load_state(tmp_path)[1] == {"w": 2.0}
    assert names_in(tmp_path) == {STATE_FILE}


def test_what_was_read_outlives_the_file(tmp_path):
    save(tmp_path, 1.0)
    tensors, _ = load_state(tmp_path)
    save(tmp_path, 2.0)
    (tmp_path / STATE_FILE).write_bytes(b"")
    tensors["w"] += 1
    assert torch.equal(tensors["w"], torch.full((1000,), 2.0))


def test_tensors_may_share_memory(tmp_path):
    table = torch.arange(6.0)
    tensors = {"table": table, "tied": table, "part": table[2:4]}
    save_state(tmp_path, tensors=tensors, facts={})
    torch.testing.assert_close(load_state(tmp_path)[0], tensors, atol=0, rtol=0)


def test_where_there_is_no_state(tmp_path):
    assert load_state(tmp_path / "missing") is None
    with only_writer(tmp_path):
        assert load_state(tmp_path) is None


def test_a_fact_that_json_cannot_hold_leaves_the_former_state(tmp_path):
    save(tmp_path)
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_state(tmp_path, tensors={}, facts={"path": tmp_path})
    assert load_state(tmp_path)[1] == {"w": 1.0}


@pytest.mark.parametrize("kept", [0, 5, 60, -1], ids=["empty", "size", "header", "last byte"])
def test_a_file_that_is_cut_off_is_named(tmp_path, kept):
    path = save(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=f"{path} cannot be read as a training state"):
        load_state(tmp_path)


@pytest.mark.parametrize("place", [-1, -4000], ids=["last", "first"])
def test_a_changed_byte_of_a_tensor_is_found(tmp_path, place):
    path = save(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{STATE_FILE} .*checksum.*delete it to begin"):
        load_state(tmp_path)


def test_a_changed_fact_is_found(tmp_path):
    path = save(tmp_path)
    content = path.read_bytes()
    assert content.count(b'\\"w\\": 1.0') == 1
    path.write_bytes(content.replace(b'\\"w\\": 1.0', b'\\"w\\": 9.0'))
    with pytest.raises(CheckpointError, match="checksum"):
        load_state(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path, embedded_folder):
    (tmp_path / STATE_FILE).symlink_to(embedded_folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="its layout is None, not '1'"):
        load_state(tmp_path)


def test_a_whole_run_may_hold_the_folder(tmp_path):
    with only_writer(tmp_path):
        save(tmp_path, 1.0)
        save(tmp_path, 2.0)
    save(tmp_path, 3.0)
    assert load_state(tmp_path)[1] == {"w": 3.0}


def test_another_thread_is_refused_until_the_run_ends(tmp_path):
    refused = []

    def write():
        try:
            save(tmp_path, 2.0)
        except CheckpointError as error:
            refused.append(str(error))

    def write_elsewhere():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    with only_writer(tmp_path):
        save(tmp_path, 1.0)
        write_elsewhere()
        assert load_state(tmp_path)[1] == {"w": 1.0}
    assert "Another run writes its training state" in refused.pop()
    write_elsewhere()
    assert not refused
    assert load_state(tmp_path)[1] == {"w": 2.0}


# One process that loads torch once: a disk that is full, then copies of it (by fork) that save
# without end until they are killed, then a run that holds its folder.
OTHER_PROCESS = """
import json, os, random, resource, signal, sys, time, torch
from skencoder.training.state_files import load_state, only_writer, save_state

def fill_the_disk(folder):
    told = []
    for attempt in range(2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        try:
            save_state(folder, tensors={"w": torch.ones(100_000)}, facts={"good": False})
        except OSError as error:
            told.append(str(error))
        save_state(folder, tensors={"w": torch.ones(100)}, facts={"good": True, "try": attempt})
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return told

def save_for_ever(folder, count):
    while True:
        count += 1
        # Much larger than a page, so that a kill can fall into the middle.
        save_state(folder, tensors={"w": torch.full((300_000,), 1.0 * count)}, facts={"w": count})

def is_whole(folder, seen):
    try:
        tensors, facts = load_state(folder)
    except Exception as error:
        print(error, file=sys.stderr)
        return False
    seen.append(facts["w"])
    return bool((tensors["w"] == facts["w"]).all())

def kill(folder):
    save_state(folder, tensors={"w": torch.zeros(300_000)}, facts={"w": 0})
    seen, drafts, whole, deadline = [0], 0, True, time.monotonic() + 30
    # A busy machine may not let a copy begin before it is killed, so kills are not counted.
    while whole and (drafts < 12 or seen[-1] < 12) and time.monotonic() < deadline:
        child = os.fork()
        if not child:
            save_for_ever(folder, seen[-1])
        time.sleep(random.uniform(0.005, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        drafts += any(name.startswith(".draft-") for name in os.listdir(folder))
        whole = is_whole(folder, seen)
    return {"seen": seen, "drafts": drafts, "whole": whole}

# A copy made by fork has no threads of torch's pool, and would wait for them.
torch.set_num_threads(1)
random.seed(0)
outcome = {"told": fill_the_disk(FOLDER + "/full"), **kill(FOLDER + "/killed")}
with only_writer(FOLDER + "/held"):
    print(json.dumps(outcome), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def other_process(tmp_path_factory):
    """What another process did in the folders ``full`` and ``killed``; it holds ``held``."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs fork and a limit on a file's size")
    folder = tmp_path_factory.mktemp("states")
    command = [sys.executable, "-c", f"FOLDER = {str(folder)!r}\n{OTHER_PROCESS}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **pipes) as process:
        outcome = process.stdout.readline()
        assert outcome, "the process failed; its message stands in the captured output"
        yield folder, json.loads(outcome), process
        process.kill()


def names_in(folder):
    return {entry.name for entry in folder.iterdir()} - {LOCK_FILE}


def test_what_does_not_fit_on_the_disk_leaves_the_former_state(other_process):
    folder, outcome, _ = other_process
    assert load_state(folder / "full")[1] == {"good": True, "try": 1}
    assert names_in(folder / "full") == {STATE_FILE}
    first, second = outcome["told"]
    assert f"could not be written to {folder / 'full'}" in first
    assert "there is none yet" in first
    assert "the one before it is intact" in second


def test_a_kill_at_any_moment_leaves_a_whole_state(other_process):
    folder, outcome, _ = other_process
    assert outcome["whole"]
    assert outcome["seen"] == sorted(outcome["seen"])
    assert outcome["seen"][-1] > 0
    # Kills did fall into the middle of saving; what they left goes with the next save.
    assert outcome["drafts"] > 0
    save(folder / "killed", -1.0)
    assert load_state(folder / "killed")[1] == {"w": -1.0}
    assert names_in(folder / "killed") == {STATE_FILE}


def test_another_process_is_refused_until_the_first_is_killed(other_process):
    folder, _, process = other_process
    with pytest.raises(CheckpointError, match=f"Another run writes .* to {folder / 'held'}"):
        save(folder / "held")
    process.kill()
    process.wait()
    save(folder / "held")
    assert load_state(folder / "held")[1] == {"w": 1.0}
