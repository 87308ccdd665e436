"""What the documents say is true: code runs, parameters and files are there, figures are dated."""

import os
import re
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_code_runs(block, tmp_path, request):
    if "data_root" in block:
        request.getfixturevalue("data_root")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", block],
        capture_output=True,
        text=True,
        cwd=REPOSITORY if "from benchmarks" in block else tmp_path,
        # Two run at a time, and each is mostly imports.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
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
