# %% [markdown]
# # Classify texts, then search them
#
# Which topic is a text about, and which text answers a question? One sentence encoder does
# both, as a scikit-learn transformer: its pooling is searched like any hyperparameter, the
# result is compared with word counts, and the same vectors answer typed questions.
#
#     python examples/01_classify_and_search.py
#     python examples/01_classify_and_search.py --csv mine.csv --text review --label stars \
#         --query "the parcel came too late"

# %%
import argparse
import itertools
import sys
import time
from collections.abc import Callable
from textwrap import shorten
from typing import NoReturn

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from skencoder import EncoderVectorizer
from skencoder.datasets import load_python_docs, load_text_csv
from skencoder.errors import SkencoderError

FOLDS = 3
ROWS_PER_LABEL = 8  # half of them train, and each of three folds needs one
SEARCHED_ROWS = 4000
SHOWN_CHARACTERS = 90
START = time.perf_counter()


def say(message: str) -> None:
    """Tell on stderr what is going on; stdout is for results."""
    print(f"[{time.perf_counter() - START:6.1f} s] {message}", file=sys.stderr, flush=True)


def refuse(message: str) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2)


# %% [markdown]
# ## The texts
#
# Several thousand documentation strings of Python's own standard library; the label is the
# topic of their module. Texts of one module share its jargon, so a **group** says which rows
# must stay on one side of any split: otherwise knowing the jargon would pass for
# understanding the topic. In a table of your own, copies of a text are a group.


# %%
def to_rows(texts: Bunch, groups: np.ndarray) -> pd.DataFrame:
    """One row per text: name, text, group and, if there are labels, label."""
    rows = pd.DataFrame({"name": texts.names, "text": texts.data, "group": groups})
    if texts.target is not None:
        rows["label"] = texts.target_names[texts.target]
    return rows


def read_python_docs() -> tuple[pd.DataFrame, list[str]]:
    docs = load_python_docs()
    version = ".".join(map(str, sys.version_info[:3]))
    source = f"Texts: {len(docs.data)} from the standard library of Python {version}"
    return to_rows(docs, docs.modules), [f"{source}; no module both trains and tests"]


def read_csv(path: str, text: str, label: str | None) -> tuple[pd.DataFrame, list[str]]:
    table = load_text_csv(path, text=text, label=label)
    labels = f"labels in {table.label_column!r}" if table.label_column else "no labels"
    source = [f"Texts: {len(table.data)} from {path}, in {table.text_column!r}; {labels}"]
    if table.n_without_text:
        source.append(f"  rows without text, dropped: {table.n_without_text}")
    if table.n_without_label:
        source.append(f"  rows without label, dropped: {table.n_without_label}")
    return to_rows(table, pd.factorize(table.data)[0]), source


def sample_stratified(rows: pd.DataFrame, n_rows: int) -> pd.DataFrame:
    """Take about n_rows, each label's share kept, but no label below what the folds need."""
    shuffled = rows.sample(frac=1, random_state=0)
    labels = shuffled.groupby("label")["label"]
    quota = (labels.transform("size") * n_rows / len(rows)).round().clip(lower=ROWS_PER_LABEL)
    return shuffled[labels.cumcount() < quota].sort_index()


def check_labels(rows: pd.DataFrame) -> None:
    counts = rows.groupby("label")["text"].nunique()
    if len(counts) == 1:
        refuse(
            f"All rows have the label {counts.index[0]!r}, but a classifier needs two; name "
            f"another column with --label, or --label '' to search only."
        )
    rare = counts[counts < ROWS_PER_LABEL]
    if len(rare):
        some = ", ".join(f"{name!r} has {n}" for name, n in rare.head(3).items())
        refuse(
            f"Each label needs {ROWS_PER_LABEL} different texts for {FOLDS} folds in half the "
            f"table, but {len(rare)} of {len(counts)} labels have fewer ({some}); merge or drop "
            f"them, or name another column with --label."
        )


def split_in_half(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=0)
    train, held_out = next(halves.split(rows["text"], rows["label"], rows["group"]))
    return rows.iloc[train], rows.iloc[held_out]


# %% [markdown]
# ## Choose a classifier
#
# `EncoderVectorizer` is a transformer like any other, so `GridSearchCV` tries its pooling
# together with the regularisation. Each text is encoded once: the vectorizer's cache keeps its
# vectors for all folds and all values of `C`, and those of every pooling come from one pass.


# %%
def choose(pipeline: Pipeline, grid: dict[str, list], train: pd.DataFrame) -> GridSearchCV:
    """Search the grid by accuracy on folds that keep groups together."""
    fits = FOLDS * int(np.prod([len(values) for values in grid.values()]))
    search = GridSearchCV(
        pipeline,
        grid,
        scoring=accuracy_with_progress(fits),
        cv=StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0),
        error_score="raise",
    )
    return search.fit(train["text"].to_numpy(), train["label"].to_numpy(), groups=train["group"])


def accuracy_with_progress(fits: int) -> Callable[..., float]:
    count = itertools.count(1)

    def score(pipeline: Pipeline, texts: np.ndarray, labels: np.ndarray) -> float:
        accuracy = pipeline.score(texts, labels)
        if isinstance(pipeline[0], EncoderVectorizer):
            setting = f"pooling={pipeline[0].pooling}, C={pipeline[-1].C}"
            say(f"  fit {next(count)} of {fits}: {setting}, accuracy {accuracy:.2f}")
        return accuracy

    return score


def choose_encoder(model: str, train: pd.DataFrame) -> GridSearchCV:
    # Long texts are cut on purpose here, and counted in the summary.
    vectorizer = EncoderVectorizer(model, overflow="truncate")
    grid = {"encodervectorizer__pooling": ["mean", "cls"], "logisticregression__C": [1, 10]}
    return choose(make_pipeline(vectorizer, LogisticRegression(max_iter=1000)), grid, train)


# %% [markdown]
# ## The baseline
#
# Word counts, tuned over a larger grid than the encoder gets: beating an untuned baseline
# says nothing.


# %%
def choose_word_counts(train: pd.DataFrame) -> GridSearchCV:
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    grid = {
        "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)],
        "tfidfvectorizer__stop_words": [None, "english"],
        "logisticregression__C": [1, 10, 100],
    }
    pipeline = make_pipeline(vectorizer, LogisticRegression(max_iter=1000))
    with threadpool_limits(1):  # for problems this small, threads cost more than they bring
        return choose(pipeline, grid, train)


# %% [markdown]
# ## How sure is that?
#
# Rows of one group are right or wrong together, so it is groups that are drawn again and
# again. The difference is paired: both classifiers answered the same held-out texts.


# %%
def interval_of_mean(values: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean by drawing groups with replacement."""
    _, codes = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(codes, values), np.bincount(codes)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=2000)
    low, high = np.quantile(draws @ sums / (draws @ sizes), [0.025, 0.975])
    return float(low), float(high)


def interval_of_accuracy(hits: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Wilson's interval, which also holds near 100 %, or the above if rows are not alone."""
    if len(np.unique(groups)) < len(groups):
        return interval_of_mean(hits, groups)
    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    return interval.low, interval.high


def accuracy_line(name: str, search: GridSearchCV, hits: np.ndarray, groups: np.ndarray) -> str:
    low, high = interval_of_accuracy(hits, groups)
    setting = ", ".join(f"{k.split('__')[1]}={v}" for k, v in search.best_params_.items())
    return f"  {name:<22}{hits.mean():6.1%}   (95 % interval {low:.1%} to {high:.1%}; {setting})"


def difference_line(gain: np.ndarray, groups: np.ndarray) -> str:
    low, high = (100 * end for end in interval_of_mean(gain, groups))
    verdict = "no clear difference"
    if low > 0 or high < 0:
        verdict = "the encoder is better" if low > 0 else "word counts are better"
    mean = 100 * gain.mean()
    return f"  difference {mean:+17.1f}    (95 % interval {low:+.1f} to {high:+.1f}; {verdict})"


def compare(searches: dict[str, GridSearchCV], held_out: pd.DataFrame) -> list[str]:
    texts, groups = held_out["text"].to_numpy(), held_out["group"].to_numpy()
    hits = {
        name: (search.predict(texts) == held_out["label"]).to_numpy(dtype=float)
        for name, search in searches.items()
    }
    lines = [accuracy_line(name, searches[name], hits[name], groups) for name in searches]
    encoder, word_counts = hits.values()
    return [*lines, difference_line(encoder - word_counts, groups)]


def classify(rows: pd.DataFrame, model: str, n_rows: int) -> list[str]:
    """Choose both classifiers on one half of the rows, compare them on the other."""
    used = sample_stratified(rows, n_rows)
    train, held_out = split_in_half(used)
    say(f"choosing the encoder's pooling and C on {len(train)} texts")
    encoder = choose_encoder(model, train)
    vectorizer = encoder.best_estimator_[0]
    n_cut = vectorizer.n_truncated_
    say("choosing the word-count baseline on the same texts")
    word_counts = choose_word_counts(train)
    say(f"predicting {len(held_out)} held-out texts")
    report = compare({"encoder accuracy": encoder, "TF-IDF accuracy": word_counts}, held_out)
    n_cut += vectorizer.n_truncated_
    commonest = (held_out["label"] == train["label"].mode()[0]).mean()
    return [
        f"Classification: {used['label'].nunique()} labels; {len(used)} of {len(rows)} rows used, "
        f"{len(train)} to choose and train, {len(held_out)} held out",
        f"  {n_cut} of the {len(used)} are longer than the model reads; their ends were cut",
        *report,
        f"  always the commonest  {commonest:6.1%}",
    ]


# %% [markdown]
# ## Search
#
# Encode all texts once; a question is then one more vector, and scikit-learn finds its
# neighbours. No words need to be shared.


# %%
def search(rows: pd.DataFrame, model: str, queries: list[str], n_rows: int) -> list[str]:
    n_all = len(rows)
    if n_all > n_rows:
        rows = rows.sample(n_rows, random_state=0).sort_index()
    say(f"encoding {len(rows)} texts for the search")
    vectorizer = EncoderVectorizer(model, overflow="truncate", verbose=1)
    vectors = vectorizer.fit_transform(rows["text"].to_numpy())
    n_cut = vectorizer.n_truncated_
    index = NearestNeighbors(n_neighbors=min(3, len(rows)), metric="cosine").fit(vectors)
    vectorizer.set_params(verbose=0).fit(queries)
    distances, neighbors = index.kneighbors(vectorizer.transform(queries))
    report = [
        f"Search: {len(queries)} questions, {len(rows)} of {n_all} texts searched",
        f"  {n_cut} of them are longer than the model reads; their ends were cut",
    ]
    for query, scores, found in zip(queries, 1 - distances, neighbors, strict=True):
        report += ["", f"  {query}", *map(result_line, scores, rows.iloc[found].itertuples())]
    return report


def result_line(score: float, row: tuple) -> str:
    start = shorten(row.text, SHOWN_CHARACTERS, placeholder=" ...")
    return f"    {score:.2f}  {row.name}: {start}"


# %% [markdown]
# ## All of it


# %%
QUESTIONS = [
    "how do I run two coroutines at the same time?",
    "my file is compressed, how do I read it?",
    "find the words that are spelled almost like this one",
]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Classify texts, then search them.")
    add = parser.add_argument
    add("--csv", metavar="PATH", help="your table; default: the documentation of Python")
    add("--text", metavar="COLUMN", help="its column of texts; default: guessed")
    add("--label", metavar="COLUMN", help="its column of labels; default: guessed; '': none")
    add("--query", action="append", help="a question to search for; repeatable")
    add("--model", default="all-MiniLM-L6-v2", help="name or folder of a model (%(default)s)")
    add("--rows", type=int, default=1200, help="rows for the classifier (%(default)s)")
    options = parser.parse_args(arguments)
    if options.rows < 1:
        refuse(f"--rows is {options.rows}; expected a positive number of rows.")
    if options.csv is None and not (options.text is None and options.label is None):
        refuse("--text and --label name columns of a table: give --csv PATH too.")
    return options


def run(options: argparse.Namespace) -> list[str]:
    say("reading the texts")
    if options.csv is None:
        rows, report = read_python_docs()
    else:
        label = "auto" if options.label is None else options.label or None
        rows, report = read_csv(options.csv, options.text or "auto", label)
    queries = options.query or (QUESTIONS if options.csv is None else [])
    if "label" in rows:
        check_labels(rows)
        report += ["", *classify(rows, options.model, options.rows)]
    elif not queries:
        refuse("Without labels there is only the search, and nothing to search: give --query.")
    if queries:
        n_rows = max(options.rows, SEARCHED_ROWS)
        report += ["", *search(rows, options.model, queries, n_rows)]
    return report


def main(arguments: list[str] | None = None) -> None:
    try:
        report = run(parse(arguments))
    except SkencoderError as problem:
        refuse(str(problem))
    print("\n".join([*report, "", f"Time: {time.perf_counter() - START:.0f} s"]))


if __name__ == "__main__":
    # In a notebook the command line belongs to the kernel.
    main([] if "ipykernel" in sys.modules else None)
