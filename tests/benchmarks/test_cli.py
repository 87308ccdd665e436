"""The command line: in this process, and where the process matters in one of its own."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from results_in_small import write_meta

from benchmarks.cli import main

ROOT = Path(__file__).parents[2]


class Finished(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def home(tmp_path):
    """An empty folder to be at home in."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def run(home, monkeypatch, capsys):
    """Call the command line in this process, from an empty folder, without a network."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("MTEB_CACHE", str(home / "mteb"))

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return Finished(code, *capsys.readouterr())

    return run


@pytest.fixture
def start(home, tmp_path):
    """Start a package in a process of its own, with an empty home folder."""

    def start(*arguments, package="benchmarks"):
        environment = {
            **os.environ,
            "HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            # What lies in the test's own folder is found before anything that is installed.
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
            "COLUMNS": "100",
        }
        return subprocess.Popen(
            [sys.executable, "-m", package, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=home,
            env=environment,
        )

    return start


def finish(process):
    shown, told = process.communicate(timeout=120)
    return Finished(process.returncode, shown, told)


@pytest.mark.parametrize("arguments", [[], ["mteb"], ["list"], ["speed"]])
def test_help_names_every_option(run, arguments):
    done = run(*arguments, "--help")

    assert done.returncode == 0
    expected = {
        (): ["mteb", "speed"],
        ("mteb",): [
            "--model",
            "--tasks",
            "--benchmark",
            "--types",
            "--languages",
            "--data-root",
            "--precision",
            "--results",
            "--subsets",
            "--cache",
            "--index",
            "--fusion-weights",
        ],
        ("list",): ["benchmarks", "models", "--types", "--languages", "--data-root"],
        ("speed",): [
            "--model",
            "--against",
            "--precision",
            "--lengths",
            "--measure",
            "--exports",
            "--gguf",
            "--scaling",
            "--up-to",
            "--texts",
            "--rounds",
            "--threads",
            "--json",
            "--plot",
        ],
    }
    assert all(word in done.stdout for word in expected[tuple(arguments)])


def test_help_is_quick_because_nothing_heavy_is_imported():
    code = (
        "import sys; from benchmarks.cli import app; app(['speed', '--help'], "
        "result_action='return_value'); "
        "sys.exit(bool({'torch', 'mteb', 'sklearn', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr


def test_what_needs_no_mteb_does_not_wait_for_it(tmp_path):
    place = tmp_path / "results" / "results" / "owner__one" / "fff"
    write_meta(place, "owner/one")
    (place / "perplexity").mkdir()
    measured = {"kind": "perplexity", "figures": {"pppl_per_token": {"value": 4.5}}}
    (place / "perplexity" / "mine.json").write_text(json.dumps(measured))
    commands = [
        ["report", "results"],
        ["list", "models"],
        ["mteb"],
        ["perplexity", "--model", "./nowhere", "--text", "a"],
        ["choose", "--texts", "nowhere.csv", "--label", "y"],
    ]
    code = (
        "import json, sys; from benchmarks.cli import main; "
        "codes = [main(command) for command in json.load(sys.stdin)]; "
        "print(codes, *{'mteb', 'datasets'} & set(sys.modules), sep='; ')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0, 0, 2, 2, 2]"


def test_a_call_leaves_the_process_as_it_was(run):
    def look():
        logger = logging.getLogger("benchmarks")
        logs = [*logger.handlers], logger.propagate, logger.level
        return dict(os.environ), warnings.formatwarning, logs

    before = look()
    assert run("bake").returncode == 2
    assert look() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mteb"], "--tasks"),
        (["mteb", "--tasks", "STSBenchmark", "--precision", "int3"], "int3"),
        (["perplexity", "--model", "m", "--pairs", "a", "--data-root", "b"], "neither a nor b/a"),
        (["mteb", "--types", "STSS"], "the nearest names are STS"),
        (["list", "tasks", "--benchmark", "MTEB(eng,v2)"], "MTEB(eng, v2)"),
        (["list", "shoes"], "shoes"),
        (["bake"], "bake"),
        (["speed", "--rounds", "one"], "one"),
        (["speed", "--rounds", "1"], "rounds=1"),
        (["speed", "--against", "abacus"], "'abacus'; expected some of sentence-transformers"),
        (["speed", "--plot", "speed.xyz"], "speed.xyz"),
        (["speed", "--json", "nowhere/speed.json"], "nowhere"),
    ],
)
def test_bad_usage_is_exit_code_2_and_one_sentence(run, arguments, message):
    done = run(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_scores_go_to_standard_output_and_failures_to_standard_error(
    start, home, hub_folder, tiny_bert
):
    process = start(
        "mteb", "--model", tiny_bert, "--data-root", hub_folder,
        "--tasks", "STSBenchmark", "Banking77Classification",
    )  # fmt: skip
    done = finish(process)

    assert done.returncode == 1
    header, _, sts, banking = (line.split() for line in done.stdout.splitlines())
    assert header[0] == "task"
    assert sts[:3] == ["STSBenchmark", "test", "default"]
    assert banking[3] == "failed"
    assert f"no data at {hub_folder / 'mteb' / 'banking77'}" in done.stderr
    assert "[2/2] Banking77Classification" in done.stderr
    assert "Traceback" not in done.stderr
    written = [path for path in home.rglob("*") if path.is_file()]
    assert written == []


def test_a_run_without_failures_is_exit_code_0(run, home, hub_folder, tiny_bert):
    done = run(
        "mteb", "--model", tiny_bert, "--data-root", hub_folder, "--tasks", "STSBenchmark",
        "--results", "out",
    )  # fmt: skip

    assert done.returncode == 0
    assert list((home / "out").rglob("STSBenchmark.json"))


def test_a_run_in_which_every_task_failed_is_exit_code_2(run, hub_folder, tiny_bert):
    done = run("mteb", "--model", tiny_bert, "--data-root", hub_folder, "--tasks", "STS12")

    assert done.returncode == 2
    assert "STS12 failed: no data at" in done.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--index", "banana"], "index must be one of 'exact', 'hnsw', 'faiss'; got 'banana'"),
        (["--device", "banana"], "banana"),
    ],
)
def test_what_no_task_may_ask_for_is_refused_all_the_same(
    run, home, hub_folder, tiny_bert, option, message
):
    done = run(
        "mteb", "--model", tiny_bert, "--data-root", hub_folder, "--tasks", "STSBenchmark",
        *option, "--results", "out",
    )  # fmt: skip

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(home.rglob("STSBenchmark.json"))


def test_a_model_that_is_not_there_is_exit_code_2_and_a_sentence(run, hub_folder):
    done = run(
        "mteb", "--model", "./no-model", "--data-root", hub_folder, "--tasks", "STSBenchmark"
    )

    assert done.returncode == 2
    assert "error: model='./no-model'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["mteb --tasks STSBenchmark", "perplexity --text a", "bias"])
def test_results_that_cannot_be_written_are_exit_code_2_and_a_sentence(
    run, home, hub_folder, tiny_bert, command
):
    (home / "file").write_text("")
    name, *options = command.split()
    more = [] if name == "perplexity" else ["--data-root", hub_folder]
    if name == "bias":
        (hub_folder / "bias" / "seat").mkdir(parents=True)

    done = run(name, *options, "--model", tiny_bert, *more, "--results", "file/results")

    assert done.returncode == 2
    assert "error: results='file/results': nothing can be written there" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_task_is_exit_code_2_and_shows_the_nearest_names(run):
    done = run("mteb", "--tasks", "STSBenchmrk")

    assert done.returncode == 2
    assert "STSBenchmark" in done.stderr


def test_several_models_stand_in_one_table(run, home, hub_folder, tiny_bert):
    done = run(
        "mteb", "--model", tiny_bert, "all-MiniLM-L6-v2", "--data-root", hub_folder,
        "--benchmark", "MTEB(eng, v2)", "--types", "STS", "--results", "out",
    )  # fmt: skip

    assert done.returncode == 1
    header, _, *lines = (line.split() for line in done.stdout.splitlines())
    assert header[:2] == ["model", "task"]
    assert len({line[0] for line in lines}) == 2
    scored = [line[1] for line in lines if "failed" not in line]
    assert scored == ["STSBenchmark"] * 2
    assert "STS12 failed: no data at" in done.stderr
    assert len(list((home / "out").rglob("examples/STSBenchmark.json"))) == 2


def test_ctrl_c_loses_nothing_that_is_finished(run, start, hub_folder, tiny_bert, sts_file):
    long = hub_folder / "mteb" / "sts12-sts"
    shutil.copytree(sts_file.parent, long)
    rows = [json.loads(line) for line in sts_file.read_text().splitlines()]
    many = [
        row | {"sentence1": f"{number} {row['sentence1']}" * 40}
        for number in range(500)
        for row in rows
    ]
    (long / "test.jsonl").write_text("\n".join(map(json.dumps, many)))
    arguments = [
        "mteb", "--model", tiny_bert, "--data-root", hub_folder, "--results", "out",
        "--tasks", "STSBenchmark", "STS12",
    ]  # fmt: skip
    process = start(*arguments)
    while "encoding" not in (line := process.stderr.readline()) or "4000" not in line:
        assert line, "it ended before the second task"
    process.send_signal(signal.SIGINT)
    shown, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert shown.splitlines()[-1].startswith("STSBenchmark")
    assert "finished are 1 of 2 (STSBenchmark); they are kept in out" in told
    assert "Traceback" not in told
    again = run(*arguments[:-1])
    assert again.returncode == 0
    assert "stored" in again.stdout


def test_what_there_is_can_be_listed(run, hub_folder):
    tasks = run("list", "--types", "STS", "--languages", "eng", "--data-root", hub_folder)
    models = run("list", "models")

    assert (tasks.returncode, models.returncode) == (0, 0)
    assert "SICK-R" in tasks.stdout
    assert "all-MiniLM-L6-v2" in models.stdout
    assert "modernbert" in models.stdout


def test_speed_writes_what_it_was_asked_for(run, home, tiny_bert, monkeypatch):
    pytest.importorskip("sentence_transformers")
    for name in ("TOKENS", "SQUARE"):
        monkeypatch.setattr(f"benchmarks.speed_gemm.{name}", 256)

    done = run(
        "speed", "--model", tiny_bert, "--texts", 2, "--rounds", 2, "--lengths", "short",
        "--against", "sentence-transformers", "--precision", "float32", "--measure", "gemm",
        "--pause", 0, "--threads", 1, "--json", "speed.json", "--plot", "speed.svg",
    )  # fmt: skip

    assert done.returncode == 0
    assert done.stdout.count("skencoder-float32") == 1
    assert sorted(path.name for path in home.glob("speed.*")) == ["speed.json", "speed.svg"]


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("cyclopts", ["--help"]),
        ("mteb", ["list", "benchmarks"]),
        ("matplotlib", ["speed", "--plot", "speed.png"]),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(start, tmp_path, package, arguments):
    # Found before the real one, and as absent as a package that was never installed.
    (tmp_path / f"{package}.py").write_text(
        f"raise ModuleNotFoundError('not installed', name={package!r})"
    )

    done = finish(start(*arguments))

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert package in done.stderr
    assert "pip install 'skencoder[benchmarks]'" in done.stderr


def test_the_package_works_under_its_installed_name(start, tmp_path):
    # setup.py installs the same folder under another name, so nothing inside may name itself.
    (tmp_path / "skencoder_benchmarks").symlink_to(ROOT / "benchmarks")

    done = finish(start("speed", "--rounds", "1", package="skencoder_benchmarks"))
    shown = finish(start("--help", package="skencoder_benchmarks"))

    assert (done.returncode, shown.returncode) == (2, 0)
    assert "rounds=1" in done.stderr
    assert "Usage: skencoder-bench" in shown.stdout


def test_every_command_and_its_settings_are_functions_of_the_package():
    import benchmarks

    expected = {
        *("run_mteb", "run_perplexity", "run_speed", "run_search", "run_bias", "run_compare"),
        *("run_report", "run_choose", "list_tasks", "list_benchmarks", "list_models"),
        *("BiasSettings", "TaskSelection", "PerplexitySettings", "SpeedSettings"),
    }
    assert expected <= set(dir(benchmarks))
    assert all(callable(getattr(benchmarks, name)) for name in dir(benchmarks))


def test_the_installed_package_exports_the_same_names():
    if find_spec("skencoder_benchmarks") is None:
        pytest.skip("skencoder_benchmarks is not installed, only the checkout is")
    import skencoder_benchmarks

    import benchmarks

    assert dir(skencoder_benchmarks) == dir(benchmarks)
    assert skencoder_benchmarks.MTEBModel.__name__ == "MTEBModel"
