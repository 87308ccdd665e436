"""What the documents say is true: code runs, parameters and files are there, figures are dated."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from skencoder import EncoderVectorizer

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A page's code, apart from what reads benchmark data.
CODE = defaultdict(list)
for page in PAGES:
    for block in FENCE.findall(page.read_text()):
        CODE[page.name + ("-data" if "data_root" in block else "")].append(block)
# One process for a page, because each would import the same for seconds; names are not shared.
RUN_ALL = """
import json, os, sys

for number, (place, block) in enumerate(json.load(sys.stdin)):
    os.chdir(place)
    exec(compile(block, f"block {number}", "exec"), {"__name__": "__main__"})
"""


@pytest.mark.slow
@pytest.mark.parametrize("page", CODE)
def test_code_runs(page, tmp_path, request):
    if page.endswith("-data"):
        request.getfixturevalue("data_root")
    places = [REPOSITORY if "from benchmarks" in block else tmp_path for block in CODE[page]]
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", RUN_ALL],
        input=json.dumps(list(zip(map(str, places), CODE[page], strict=True))),
        capture_output=True,
        text=True,
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
