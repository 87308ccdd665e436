import os

import datasets
import mteb
import pytest

from benchmarks.data_root import DataRoot, checksum, offline_datasets
from benchmarks.errors import MissingDataError


def load_scores(root):
    with offline_datasets():
        task = DataRoot(root).bind(mteb.get_task("STSBenchmark"))
        task.load_data()
        return task.dataset["test"]["score"][:]


def test_binding_leaves_the_task_and_its_class_as_they_were(hub_folder):
    task = mteb.get_task("STSBenchmark")
    before = task.metadata.model_copy(deep=True)

    bound = DataRoot(hub_folder).bind(task)

    assert bound.metadata.dataset["path"] == str(hub_folder / "mteb" / "stsbenchmark-sts")
    assert task.metadata == before
    assert type(task).metadata == before
    assert mteb.get_task("STSBenchmark").metadata == before


def test_the_parts_of_an_aggregate_are_bound_too(tmp_path):
    task = mteb.get_task("CQADupstackRetrieval")
    for part in task.metadata.tasks:
        folder = tmp_path / part.metadata.dataset["path"]
        folder.mkdir(parents=True)
        (folder / "README.md").touch()

    bound = DataRoot(tmp_path).bind(task)

    paths = [part.metadata.dataset["path"] for part in bound.metadata.tasks]
    assert all(path.startswith(str(tmp_path)) for path in paths)
    assert not task.metadata.tasks[0].metadata.dataset["path"].startswith(str(tmp_path))


def test_missing_data_name_the_path_that_was_looked_for(hub_folder):
    with pytest.raises(MissingDataError) as caught:
        DataRoot(hub_folder).bind(mteb.get_task("Banking77Classification"))

    assert str(hub_folder / "mteb" / "banking77") in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_missing_root_is_refused_at_once(tmp_path):
    with pytest.raises(MissingDataError, match="nowhere"):
        DataRoot(tmp_path / "nowhere")


def test_the_revision_follows_names_and_contents(sts_file):
    folder = sts_file.parent
    first = checksum(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("not data")
    assert checksum(folder) == first

    renamed_file = sts_file.rename(folder / "other.jsonl")
    renamed = checksum(folder)
    renamed_file.write_text(renamed_file.read_text() + "\n")

    assert len({first, renamed, checksum(folder)}) == 3


def test_changed_data_are_seen_even_with_the_old_time_stamp(hub_folder, sts_file):
    stamp = sts_file.stat()
    assert load_scores(hub_folder)[0] == 4.6

    sts_file.write_text(sts_file.read_text().replace("4.6", "1.2"))
    os.utime(sts_file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert load_scores(hub_folder)[0] == 1.2


def test_inside_the_block_there_is_no_network_and_afterwards_all_is_as_before():
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_DATASETS_CACHE")
    before = [getattr(datasets.config, name) for name in names]

    with pytest.raises(ZeroDivisionError), offline_datasets():
        scratch = datasets.config.HF_DATASETS_CACHE
        assert scratch.is_dir()
        with pytest.raises(ConnectionError):
            datasets.load_dataset("some-owner/some-data-set")
        raise ZeroDivisionError

    assert [getattr(datasets.config, name) for name in names] == before
    assert not scratch.exists()
