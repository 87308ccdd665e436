import mteb
import pytest

from benchmarks import TaskSelection
from benchmarks.errors import UnknownTaskError
from benchmarks.mteb_selection import text_types
from benchmarks.mteb_tasks import TaskChoice
from skencoder.errors import ParameterError

ENGLISH = "MTEB(eng, v2)"


def names(**selection):
    return [choice.name for choice in TaskSelection(**selection).find()]


def test_a_benchmark_gives_its_tasks_with_its_splits_and_subsets():
    chosen = {choice.name: choice for choice in TaskSelection(benchmarks=[ENGLISH]).find()}
    expected = {task.metadata.name: task for task in mteb.get_benchmark(ENGLISH).tasks}

    assert list(chosen) == list(expected)
    for name, task in expected.items():
        assert chosen[name] == TaskChoice(name, tuple(task.hf_subsets), tuple(task.eval_splits))
    # A task in many languages, of which the benchmark scores one.
    assert chosen["STS22.v2"].make().hf_subsets == ["en"]
    assert len(mteb.get_task("STS22.v2").hf_subsets) > 1


def test_types_and_languages_narrow_a_benchmark_and_leave_mteb_s_own_alone():
    before = {task.metadata.name: list(task.hf_subsets) for task in mteb.get_benchmark(ENGLISH)}

    kept = names(benchmarks=[ENGLISH], types=["STS"])
    TaskSelection(benchmarks=[ENGLISH], languages=["eng"], subsets=["en-en"]).find()

    expected = [t.metadata.name for t in mteb.get_benchmark(ENGLISH) if t.metadata.type == "STS"]
    assert kept == expected
    after = {task.metadata.name: list(task.hf_subsets) for task in mteb.get_benchmark(ENGLISH)}
    assert after == before


def test_names_come_first_and_only_once():
    chosen = names(tasks=["Tatoeba", "STS12"], benchmarks=[ENGLISH], types=["STS", "BitextMining"])

    assert chosen[:2] == ["Tatoeba", "STS12"]
    assert chosen.count("STS12") == 1
    assert "STSBenchmark" in chosen


def test_languages_keep_the_subsets_that_hold_one_of_them():
    (german,) = TaskSelection(tasks=["Tatoeba"], languages=["deu"]).find()
    assert german.subsets == ("deu-eng",)
    (latin,) = TaskSelection(tasks=["SIB200Classification"], languages=["srp-Cyrl"]).find()
    assert latin.subsets == ("srp_Cyrl",)


def test_types_and_languages_alone_choose_among_all_text_tasks_of_today():
    chosen = names(types=["STS"], languages=["deu"])

    metadata = {task.metadata.name: task.metadata for task in mteb.get_tasks(tasks=chosen)}
    assert len(chosen) > 2
    assert all(one.type == "STS" and one.modalities == ["text"] for one in metadata.values())
    assert all(one.superseded_by is None for one in metadata.values())
    expected = mteb.get_tasks(
        task_types=["STS"], languages=["deu"], modalities=["text"], exclusive_modality_filter=True
    )
    assert sorted(chosen) == sorted(task.metadata.name for task in expected)


def test_every_type_is_one_of_mteb_s():
    assert {"STS", "Classification", "BitextMining", "InstructionRetrieval"} <= set(text_types())


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"benchmarks": ["MTEB(eng,v2)"]}, r"no benchmark 'MTEB\(eng,v2\)'.*MTEB\(eng, v2\)"),
        ({"types": ["Clasification"]}, r"no type 'Clasification'.*Classification"),
        ({"languages": ["German"]}, r"no language 'German'.*German is deu"),
        ({"languages": ["deu-Latin"]}, r"no script 'Latin'.*Latn"),
        ({"tasks": ["STS12"], "languages": ["deu"]}, r"none of 1 tasks is left.*'deu'"),
        ({"tasks": ["STS12"], "types": ["Retrieval"]}, r"none of 1 tasks is left.*'Retrieval'"),
        ({"tasks": ["Tatoeba"], "subsets": ["deu-en"]}, r"no subset 'deu-en'.*deu-eng"),
    ],
)
def test_what_does_not_exist_shows_the_nearest_names(selection, message):
    with pytest.raises(UnknownTaskError, match=message):
        TaskSelection(**selection).find()


def test_nothing_named_is_refused():
    with pytest.raises(ParameterError, match="--tasks, --benchmark, --types or --languages"):
        TaskSelection().find()
