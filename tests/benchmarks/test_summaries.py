"""The benchmark of summaries: ROUGE by hand, collections, and the layout."""

import numpy as np
import pytest

from benchmarks.errors import MissingDataError
from benchmarks.intervals import mean_interval
from benchmarks.summaries import (
    Collection,
    SummaryScore,
    docstring_lines,
    format_summaries,
    module_docs,
    rouge,
    take_any,
    take_first,
    wikipedia_articles,
)
from skencoder.summarization import Budget

pytest.importorskip("rouge_score")

LINES = [
    "= A river =",
    "The river {opening} rises in the hills .",
    "= = Course = =",
    "It flows south . It is long .",
    "= = = Fish = = =",
    "There are trout .",
    "= Another =",
    "Too short .",
]
# As WikiText has it: a space before and after each line, an empty line between.
ARTICLE = "".join(f" {line} \n \n" for line in LINES)


def test_rouge_by_hand():
    # Words: 3 of 4 shared, pairs of words: 1 of 3, in order: 3 of 4.
    (scores,) = rouge(["cats drink white milk"], ["cats drink cold milk"])
    assert scores == pytest.approx([3 / 4, 1 / 3, 3 / 4])


def test_collections_hold_what_they_say(docs):
    for collection in (docstring_lines(), module_docs()):
        assert isinstance(collection, Collection)
        assert len(collection.texts) == len(collection.references) > 20
        assert not any(
            reference in text
            for text, reference in zip(collection.texts, collection.references, strict=True)
        )


def test_an_article_s_opening_is_its_reference(tmp_path):
    path = tmp_path / "wikitext.txt"
    path.write_text(ARTICLE.format(opening="word " * 50))
    articles = wikipedia_articles(path)
    (text,), (reference,) = articles.texts, articles.references
    assert reference.startswith("The river word")
    assert text == "It flows south . It is long .\n\nThere are trout ."
    with pytest.raises(MissingDataError, match="there is no file"):
        wikipedia_articles(tmp_path / "absent.txt")


def test_baselines_take_what_fits():
    budget = Budget(np.array([3, 9, 3, 3]), max_length=6)
    assert take_first(np.empty((4, 0)), budget) == [0, 2]
    taken = take_any(np.empty((4, 0)), budget)
    assert taken == take_any(np.empty((4, 0)), budget)
    assert len(taken) == 2


def test_gains_are_beside_the_first_sentences():
    low, high = mean_interval(np.array([0.1, 0.1, 0.1]))
    assert low == high == pytest.approx(0.1)
    scores = [
        SummaryScore("c", "first sentences", np.full((3, 3), 0.2)),
        SummaryScore("c", "mmr", np.full((3, 3), 0.3)),
    ]
    shown = format_summaries(scores)
    assert "+0.100 to +0.100" in shown
    assert "0.200" in shown
