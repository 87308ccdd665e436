import mteb
import pytest

from benchmarks import TaskSelection
from benchmarks.errors import MissingDataError, UnknownTaskError
from benchmarks.listing import (
    format_benchmarks,
    format_models,
    format_tasks,
    list_benchmarks,
    list_models,
    list_tasks,
)
from skencoder.checkpoints import FAMILIES


def test_all_text_tasks_are_listed_by_type_and_name():
    tasks = list_tasks()

    assert len(tasks) > 900
    assert tasks == sorted(tasks, key=lambda task: (task.type, task.name))
    (sick,) = [task for task in tasks if task.name == "SICK-R"]
    assert (sick.type, sick.metric, sick.splits) == ("STS", "cosine_spearman", ("test",))
    assert sick.languages == ("eng",)
    assert sick.is_there is None


def test_a_selection_is_listed_with_whether_its_data_are_there(hub_folder):
    selection = TaskSelection(tasks=["STSBenchmark", "Tatoeba"], languages=["eng"])

    here, missing = list_tasks(selection, data_root=hub_folder)

    assert (here.is_there, missing.is_there) == (True, False)
    assert len(missing.subsets) == 112
    header, _, first, second = (
        line.split() for line in format_tasks([here, missing]).splitlines()
    )
    assert header[-1] == "data"
    assert first[:2] == ["STSBenchmark", "STS"]
    assert (first[-1], second[-1]) == ("here", "-")
    assert "data" not in format_tasks(list_tasks(selection))


def test_benchmarks_are_listed_with_how_much_of_them_is_there(hub_folder):
    found = {benchmark.name: benchmark for benchmark in list_benchmarks(data_root=hub_folder)}

    english = found["MTEB(eng, v2)"]
    assert english.n_tasks == len(mteb.get_benchmark("MTEB(eng, v2)").tasks)
    assert "Clustering" in english.types
    assert english.n_there == 1
    shown = format_benchmarks([english])
    assert "data here" in shown
    assert "data here" not in format_benchmarks(list_benchmarks())


def test_models_are_listed_with_where_they_are(embedded_folder):
    models = {model.name: model for model in list_models()}

    assert models["all-MiniLM-L6-v2"].kind == "installed"
    assert models["all-MiniLM-L6-v2"].note == str(embedded_folder)
    assert {name for name, model in models.items() if model.kind == "family"} == set(FAMILIES)
    assert "all-MiniLM-L6-v2" in format_models(list(models.values()))


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UnknownTaskError, match="STSBenchmark"):
        list_tasks(TaskSelection(tasks=["STSBenchmrk"]))
    with pytest.raises(MissingDataError, match="nowhere"):
        list_benchmarks(data_root=tmp_path / "nowhere")
