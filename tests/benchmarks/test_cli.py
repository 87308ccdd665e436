"""The command line as a user calls it: in a process of its own, under both names."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """Call a package with an empty home folder, without a network, from another folder."""
    home = tmp_path / "home"
    home.mkdir()

    def call(*arguments, package="benchmarks", path=ROOT):
        environment = {
            **os.environ,
            "HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]),
            "COLUMNS": "100",
        }
        return subprocess.run(
            [sys.executable, "-m", package, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=home,
            env=environment,
        )

    call.home = home
    return call


@pytest.mark.parametrize("arguments", [[], ["mteb"], ["speed"]])
def test_help_names_every_option(run, arguments):
    done = run(*arguments, "--help")

    assert done.returncode == 0
    expected = {
        (): ["mteb", "speed"],
        ("mteb",): [
            "--model",
            "--tasks",
            "--data-root",
            "--precision",
            "--results",
            "--subsets",
            "--cache",
            "--index",
            "--fusion-weights",
        ],
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


def test_help_is_quick_because_nothing_heavy_is_imported(run):
    code = (
        "import sys; from benchmarks.cli import app; app(['speed', '--help'], "
        "result_action='return_value'); "
        "sys.exit(bool({'torch', 'mteb', 'sklearn', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mteb"], "--tasks"),
        (["mteb", "--tasks", "STSBenchmark", "--precision", "int3"], "int3"),
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


def test_scores_go_to_standard_output_and_failures_to_standard_error(run, hub_folder, tiny_bert):
    done = run(
        "mteb", "--model", tiny_bert, "--data-root", hub_folder,
        "--tasks", "STSBenchmark", "Banking77Classification",
    )  # fmt: skip

    assert done.returncode == 1
    header, _, sts, banking = (line.split() for line in done.stdout.splitlines())
    assert header[0] == "task"
    assert sts[:3] == ["STSBenchmark", "test", "default"]
    assert banking[3] == "failed"
    assert f"no data at {hub_folder / 'mteb' / 'banking77'}" in done.stderr
    assert "[2/2] Banking77Classification" in done.stderr
    assert "Traceback" not in done.stderr
    written = [path for path in run.home.rglob("*") if path.is_file()]
    assert written == []


def test_a_run_without_failures_is_exit_code_0(run, hub_folder, tiny_bert):
    done = run(
        "mteb", "--model", tiny_bert, "--data-root", hub_folder, "--tasks", "STSBenchmark",
        "--results", "out",
    )  # fmt: skip

    assert done.returncode == 0
    assert list((run.home / "out").rglob("STSBenchmark.json"))


def test_a_model_that_is_not_there_is_exit_code_2_and_a_sentence(run, hub_folder):
    done = run(
        "mteb", "--model", "./no-model", "--data-root", hub_folder, "--tasks", "STSBenchmark"
    )

    assert done.returncode == 2
    assert "error: model='./no-model'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_task_is_exit_code_2_and_shows_the_nearest_names(run):
    done = run("mteb", "--tasks", "STSBenchmrk")

    assert done.returncode == 2
    assert "STSBenchmark" in done.stderr


def test_speed_writes_what_it_was_asked_for(run, tiny_bert):
    pytest.importorskip("sentence_transformers")

    done = run(
        "speed", "--model", tiny_bert, "--texts", 3, "--rounds", 2, "--lengths", "short", "mixed",
        "--against", "sentence-transformers", "--precision", "float32", "--measure", "gemm",
        "--pause", 0, "--json", "speed.json", "--plot", "speed.svg",
    )  # fmt: skip

    assert done.returncode == 0
    assert done.stdout.count("skencoder-float32") == 2
    assert sorted(path.name for path in run.home.glob("speed.*")) == ["speed.json", "speed.svg"]


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("cyclopts", ["--help"]),
        ("mteb", ["mteb", "--tasks", "STSBenchmark"]),
        ("matplotlib", ["speed", "--plot", "speed.png"]),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(run, tmp_path, package, arguments):
    # Found before the real one, and as absent as a package that was never installed.
    (tmp_path / f"{package}.py").write_text(
        f"raise ModuleNotFoundError('not installed', name={package!r})"
    )

    done = run(*arguments, path=tmp_path)

    assert done.returncode != 0
    assert package in done.stderr
    assert "pip install 'skencoder[benchmarks]'" in done.stderr


def test_the_package_works_under_its_installed_name(run, tmp_path):
    # setup.py installs the same folder under another name, so nothing inside may name itself.
    (tmp_path / "skencoder_benchmarks").symlink_to(ROOT / "benchmarks")

    done = run("speed", "--rounds", "1", package="skencoder_benchmarks", path=tmp_path)
    shown = run("--help", package="skencoder_benchmarks", path=tmp_path)

    assert (done.returncode, shown.returncode) == (2, 0)
    assert "rounds=1" in done.stderr
    assert "Usage: skencoder-bench" in shown.stdout


def test_the_installed_package_exports_the_same_names():
    if find_spec("skencoder_benchmarks") is None:
        pytest.skip("skencoder_benchmarks is not installed, only the checkout is")
    import skencoder_benchmarks

    import benchmarks

    assert dir(skencoder_benchmarks) == dir(benchmarks)
    assert skencoder_benchmarks.MTEBModel.__name__ == "MTEBModel"
