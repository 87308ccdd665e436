"""Displays leave matplotlib's global state alone, show in notebooks, and name what is missing."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from skencoder.errors import MissingExtraError
from skencoder.plotting import (
    EmbeddingDisplay,
    NeighborsDisplay,
    SimilarityDisplay,
    TrainingCurveDisplay,
)
from skencoder.plotting.shown_texts import shorten_text

REPOSITORY = Path(__file__).parents[2]


def make_all(ax=None):
    yield EmbeddingDisplay.from_embeddings(np.eye(4), list("aabb"), ax=ax)
    yield SimilarityDisplay.from_similarities(np.eye(2), row_texts=["a", "b"], ax=ax)
    yield NeighborsDisplay.from_neighbors("a", texts=["b"], similarities=[0.5], ax=ax)
    history = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 1.0, 2.0]})
    yield TrainingCurveDisplay(history).plot(ax=ax)


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    ).stdout.strip()


def test_pyplot_is_not_imported():
    code = (
        "import sys; from skencoder.plotting import SimilarityDisplay; "
        "early = 'matplotlib' in sys.modules; "
        "display = SimilarityDisplay.from_similarities([[1]]); "
        "display.figure_.savefig('/dev/null', format='png'); "
        "print(early, 'matplotlib.pyplot' in sys.modules, 'torch' in sys.modules)"
    )
    assert run(code) == "False False False"


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'skencoder\[plot\]'"):
        next(make_all())


def test_without_umap_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'skencoder\[umap\]'"):
        EmbeddingDisplay.from_embeddings(np.eye(4), method="umap")


def test_a_notebook_shows_figures_that_are_the_display_s_own():
    for display in make_all():
        image = imread(BytesIO(display._repr_png_()))
        assert image.shape[2] == 4
        assert image.std() > 0.05  # something is drawn
    for display in make_all(ax=Figure().subplots()):
        assert display._repr_png_() is None


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("as it is", 8, "as it is"),
        ("one too long", 11, "one too lo…"),
        ("cut at a space", 4, "cut…"),
        ("  on\tone \n line ", 20, "on one line"),
        ("", 5, ""),
        (3, 5, "3"),
    ],
)
def test_texts_are_shortened_visibly(text, width, shown):
    assert shorten_text(text, width) == shown
