"""A wheel installed elsewhere: what is in it, and that its commands work without the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built wheel; the checkout is copied first, so that no build product is left in it."""
    folder = tmp_path_factory.mktemp("build")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((REPOSITORY / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", folder],
        check=True,
        capture_output=True,
    )
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that holds the wheel's content only; dependencies come from this environment."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel],
        check=True,
        capture_output=True,
    )
    return target


@pytest.mark.slow
def test_wheel_holds_both_packages_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"skencoder", "skencoder_benchmarks"}
    assert "skencoder/py.typed" in names
    sources = {
        str(path.relative_to(REPOSITORY)).replace("benchmarks/", "skencoder_benchmarks/", 1)
        if path.is_relative_to(REPOSITORY / "benchmarks")
        else str(path.relative_to(REPOSITORY))
        for package in ("skencoder", "benchmarks")
        for path in (REPOSITORY / package).rglob("*.py")
    }
    assert sources <= set(names)


@pytest.mark.slow
def test_installed_command_works_beside_a_user_s_own_benchmarks(installed, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise RuntimeError('the user\\'s own')")
    code = (
        "import sys, skencoder, skencoder_benchmarks.cli as cli; "
        f"assert skencoder.__file__.startswith({str(installed)!r}), skencoder.__file__; "
        f"assert cli.__file__.startswith({str(installed)!r}), cli.__file__; "
        "sys.exit(cli.main(['--help']))"
    )
    shown = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "mteb" in shown
    assert "speed" in shown


def test_entry_point_is_installed():
    command = Path(sys.executable).with_name("skencoder-bench")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "mteb" in shown


def test_every_dependency_is_used_and_pinned():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    names = [d.split(">")[0].split("=")[0] for d in project["dependencies"]]
    modules = {name: {"scikit-learn": "sklearn"}.get(name, name) for name in names}
    sources = "\n".join(
        path.read_text()
        for package in ("skencoder", "benchmarks")
        for path in (REPOSITORY / package).rglob("*.py")
    )
    unused = [
        n
        for n, m in modules.items()
        if f"import {m}" not in sources and f"from {m}" not in sources
    ]
    assert not unused
    pins = (REPOSITORY / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    pinned = {line.split("==")[0] for line in pins if "==" in line}
    wanted = names + [
        d.split(">")[0].split("=")[0]
        for extra in project["optional-dependencies"].values()
        for d in extra
    ]
    assert not [name for name in wanted if name.lower().replace("_", "-") not in pinned]
