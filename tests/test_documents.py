"""What the documents say is true: code runs, parameters and files are there, figures are dated."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from skencoder import EncoderVectorizer

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(FENCE.findall(page.read_text()))
]


def run_code(block):
    with TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning", "-c", block],
            capture_output=True,
            text=True,
            cwd=REPOSITORY if "from benchmarks" in block else folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=False,
        )


@pytest.fixture(scope="module")
def running(request):
    """Start what is asked for, two at a time: each is mostly imports, which take one core."""
    tests = [item for item in request.session.items if item.originalname == "test_code_runs"]
    with ThreadPoolExecutor(2) as pool:
        blocks = (test.callspec.params["block"] for test in tests)
        yield {block: pool.submit(run_code, block) for block in blocks}


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_code_runs(block, running, request):
    if "data_root" in block:
        request.getfixturevalue("data_root")
    done = running[block].result()
    assert done.returncode == 0, done.stderr


def test_the_readme_has_code():
    readme = (REPOSITORY / "README.md").read_text()
    assert len(FENCE.findall(readme)) == 4


def test_every_parameter_is_in_the_readme_with_its_default():
    readme = (REPOSITORY / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", readme, re.MULTILINE))
    defaults = EncoderVectorizer().get_params()
    assert {name: rows.get(name) for name in defaults} == {
        name: f'"{value}"' if isinstance(value, str) else str(value)
        for name, value in defaults.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [
        target
        for target in targets
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert not missing
