"""Summaries against their references by ROUGE, beside the first sentences and random ones.

References were written by the texts' own authors: a docstring's first line for the rest of it, a
module's docstring for those of all it holds, a Wikipedia article's opening for its sections.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skencoder import EncoderVectorizer, ExtractiveSummarizer
from skencoder.datasets import load_python_docs
from skencoder.sentences import split_sentences
from skencoder.summarization import Budget, take_best

from .errors import MissingDataError, MissingPackageError
from .intervals import mean_interval
from .tables import format_table

METRICS = ("rouge1", "rouge2", "rougeL")
BASELINE = "first sentences"
# Texts shorter than these say nothing about choosing sentences.
MIN_SENTENCES, MIN_MEMBERS, MIN_WORDS = 6, 10, 50
# About a hundred words.
MAX_TOKENS = 130
_TITLE = re.compile(r"^ = ([^=].*?) = $", re.MULTILINE)
_HEADING = re.compile(r"^ (?:= ){2,}.*$", re.MULTILINE)


@dataclass(frozen=True)
class Collection:
    """Texts to summarize and what their summaries should say.

    Parameters
    ----------
    name : str
        What they are.
    texts, references : list of str of shape (n_texts,)
        Texts, and their authors' own summaries.
    max_sentences, max_tokens : int, default=None
        What a summary may be long.
    """

    name: str
    texts: list[str]
    references: list[str]
    max_sentences: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True)
class SummaryScore:
    """How good a method's summaries of a collection are.

    Parameters
    ----------
    collection, method : str
        Which.
    scores : float64 of shape (n_texts, 3)
        F1 of ROUGE-1, ROUGE-2 and ROUGE-L of each text.
    """

    collection: str
    method: str
    scores: NDArray[np.float64]


def take_first(vectors: ArrayLike, budget: Budget) -> list[int]:
    """Take the first sentences that fit.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Not looked at.
    budget : Budget
        How many fit.

    Returns
    -------
    list of int
        Sentences.
    """
    return take_best(-np.arange(len(budget.lengths)), budget)


def take_any(vectors: ArrayLike, budget: Budget) -> list[int]:
    """Take any sentences that fit.

    Parameters
    ----------
    vectors : float of shape (n_sentences, n_features)
        Not looked at.
    budget : Budget
        How many fit.

    Returns
    -------
    list of int
        Sentences, the same each time.
    """
    n_sentences = len(budget.lengths)
    return take_best(np.random.default_rng(n_sentences).random(n_sentences), budget)


METHODS: dict[str, str | Callable[[ArrayLike, Budget], list[int]]] = {
    BASELINE: take_first,
    "random sentences": take_any,
    "centroid": "centroid",
    "lexrank": "lexrank",
    "mmr": "mmr",
}


def docstring_lines() -> Collection:
    """Read docstrings: the first line is the summary of what follows.

    Returns
    -------
    Collection
        One sentence each; docstrings with examples are left out.
    """
    pairs = []
    for text in load_python_docs().data:
        first, _, body = text.partition("\n\n")
        is_prose = ">>>" not in text and len(split_sentences(first)) == 1
        if is_prose and len(split_sentences(body)) >= MIN_SENTENCES:
            pairs.append((body, first))
    texts, references = map(list, zip(*pairs, strict=True))
    return Collection("docstrings", texts, references, max_sentences=1)


def module_docs() -> Collection:
    """Read modules: their docstring is the summary of those of all they hold.

    Returns
    -------
    Collection
        About a hundred words each; examples are left out.
    """
    docs = load_python_docs()
    own, members = {}, defaultdict(list)
    for name, module, text in zip(docs.names, docs.modules, docs.data, strict=True):
        prose = text.partition(">>>")[0]
        if name == module:
            own[module] = prose
        else:
            members[module].append(prose)
    chosen = [
        module
        for module in members
        if len(members[module]) >= MIN_MEMBERS and len(own.get(module, "").split()) >= MIN_WORDS
    ]
    texts = ["\n\n".join(members[module]) for module in chosen]
    return Collection("modules", texts, [own[module] for module in chosen], max_tokens=MAX_TOKENS)


def wikipedia_articles(path: Path) -> Collection:
    """Read articles: their opening is the summary of their sections.

    Parameters
    ----------
    path : path
        WikiText-2's raw test text, ``wikitext2-test-raw.txt``.

    Returns
    -------
    Collection
        About a hundred words each.

    Raises
    ------
    MissingDataError
        If the file is not there.
    """
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; WikiText-2's raw test text was expected."
        )
    parts = _TITLE.split(path.read_text("utf-8"))
    texts, references = [], []
    for article in parts[2::2]:
        opening, *sections = (part.strip() for part in _HEADING.split(article))
        if len(opening.split()) >= MIN_WORDS and sections:
            texts.append("\n\n".join(sections))
            references.append(opening)
    return Collection("articles", texts, references, max_tokens=MAX_TOKENS)


def run_summaries(
    wikitext: Path | None = None, *, model: str = "all-MiniLM-L6-v2"
) -> list[SummaryScore]:
    """Summarize all collections with all methods.

    Parameters
    ----------
    wikitext : path, optional
        WikiText-2's raw test text; by default Python's documentation only.
    model : str, default="all-MiniLM-L6-v2"
        Name or folder of a checkpoint.

    Returns
    -------
    list of SummaryScore
        Collection by collection, the first sentences first.

    Raises
    ------
    MissingDataError
        If WikiText-2 is not there.
    MissingPackageError
        If rouge-score is not installed.
    """
    collections = [docstring_lines(), module_docs()]
    if wikitext is not None:
        collections.append(wikipedia_articles(wikitext))
    encoder = EncoderVectorizer(model, precision="float32", overflow="truncate")
    return [
        SummaryScore(collection.name, method, _try(collection, method, encoder))
        for collection in collections
        for method in METHODS
    ]


def _try(collection: Collection, method: str, encoder: EncoderVectorizer) -> NDArray[np.float64]:
    summarizer = ExtractiveSummarizer(
        encoder,
        method=METHODS[method],
        max_sentences=collection.max_sentences,
        max_tokens=collection.max_tokens,
    )
    summaries = summarizer.fit_transform(collection.texts)
    return rouge(summaries.tolist(), collection.references)


def rouge(summaries: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """Compare summaries with their references by ROUGE [1]_, with Porter's stems.

    Parameters
    ----------
    summaries, references : sequence of str of shape (n_texts,)
        Row by row.

    Returns
    -------
    float64 of shape (n_texts, 3)
        F1 of ROUGE-1, ROUGE-2 and ROUGE-L.

    Raises
    ------
    MissingPackageError
        If rouge-score is not installed.

    References
    ----------
    .. [1] Lin (2004), ROUGE: A Package for Automatic Evaluation of Summaries.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise MissingPackageError(
            "ROUGE needs rouge-score: pip install 'skencoder[benchmarks]'"
        ) from error
    scorer = RougeScorer(METRICS, use_stemmer=True)
    rows = [
        scorer.score(reference, summary)
        for summary, reference in zip(summaries, references, strict=True)
    ]
    return np.array([[row[metric].fmeasure for metric in METRICS] for row in rows])


def format_summaries(scores: Sequence[SummaryScore]) -> str:
    """Lay the scores out.

    Parameters
    ----------
    scores : sequence of SummaryScore
        Of each collection the first sentences first.

    Returns
    -------
    str
        A table.
    """
    header = ["collection", "texts", "method", "ROUGE-1", "ROUGE-2", "ROUGE-L"]
    header += ["gain in ROUGE-L", "95 % interval"]
    baselines = {s.collection: s.scores for s in scores if s.method == BASELINE}
    rows = []
    for score in scores:
        gains = (score.scores - baselines[score.collection])[:, -1]
        low, high = mean_interval(gains)
        compared = score.method != BASELINE
        rows.append(
            [
                score.collection,
                str(len(gains)),
                score.method,
                *(f"{value:.3f}" for value in score.scores.mean(axis=0)),
                f"{gains.mean():+.3f}" if compared else "-",
                f"{low:+.3f} to {high:+.3f}" if compared else "-",
            ]
        )
    return format_table(header, rows)
