# %% [markdown]
# # A fit that learns
#
# A programmer half remembers the name of a function and looks for its documentation. To a sentence
# encoder such names are no language. `fit` teaches it: names and texts of some of Python's modules
# are what it learns from, and those of other modules are what it is judged by.
#
#     python examples/10_fine_tuning.py
#     python examples/10_fine_tuning.py training.png

# %%
import re
import sys
import time

import numpy as np
import pandas as pd

from skencoder import EncoderRetriever, EncoderVectorizer, TextEncoder
from skencoder.datasets import load_python_docs
from skencoder.metrics import score_rankings
from skencoder.objectives import PairRanking, Training
from skencoder.plotting import TrainingCurveDisplay

START = time.perf_counter()
HELD_OUT = 0.4
MOST_SUMMARY_WORDS, LEAST_DETAILS_WORDS = 40, 8
METRICS = ["ndcg@10", "recall@10"]
# In tokens; the encoder as it is finds more by the beginnings of texts than by all of them.
LENGTH = 64
# Where a capital letter begins a new word, and what stands between words.
BORDERS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[._]+")

# %% [markdown]
# ## The task
#
# A query is the end of a name, such as `Queue.put_nowait`, and has to find its documentation
# among those of all held-out modules. No module both teaches and judges. Length and
# rate were chosen on a third of the modules for learning, before the others were looked at.


# %%
def read_task() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Take the texts that are more than a sentence: queries, texts, names and modules."""
    docs = load_python_docs()
    parts = [text.partition("\n\n") for text in docs.data]
    rows = [
        len(summary.split()) < MOST_SUMMARY_WORDS and len(details.split()) >= LEAST_DETAILS_WORDS
        for summary, _, details in parts
    ]
    names = docs.names[rows]
    queries = np.array([".".join(name.split(".")[-2:]) for name in names])
    return queries, docs.data[rows], names, docs.modules[rows]


queries, texts, names, modules = read_task()
order = np.random.default_rng(0).permutation(np.unique(modules))
held_out = np.isin(modules, order[: int(HELD_OUT * len(order))])
print(f"{(~held_out).sum()} names and texts to learn from, {held_out.sum()} held out\n")

# %% [markdown]
# ## Learn
#
# `PairRanking` trains a copy of the model: of the texts of a batch, a name's own has to be
# nearest. `history_` has a row for each step, and `TrainingCurveDisplay` draws it.

# %%
objective = PairRanking(training=Training(learning_rate=1e-4))
tuned = EncoderVectorizer(
    max_length=LENGTH, overflow="truncate", fine_tune=objective, random_state=0
)
begin = time.perf_counter()
tuned.fit(queries[~held_out], texts[~held_out])
seconds = time.perf_counter() - begin
print(tuned.history_[["step", "loss", "tokens"]].iloc[::5].round(2).to_string(index=False))
display = TrainingCurveDisplay.from_estimator(tuned, name="names and texts")
# In a notebook the arguments belong to the kernel.
for path in [] if "ipykernel" in sys.modules else sys.argv[1:]:
    display.figure_.savefig(path)

# %% [markdown]
# ## Search
#
# A tuned model is a model like any other. Beside it stand the encoder as it is, and what costs
# nothing: to split names into words.


# %%
def rank(model: str | TextEncoder, asked: list[str]) -> np.ndarray:
    encoder = EncoderVectorizer(model, max_length=LENGTH, overflow="truncate")
    retriever = EncoderRetriever(encoder).fit(texts[held_out], names[held_out])
    return retriever.ids_[retriever.kneighbors(asked, 10, return_distance=False)]


asked = queries[held_out].tolist()
split_names = [BORDERS.sub(" ", query) for query in asked]
rankings = {
    "as it is": rank("all-MiniLM-L6-v2", asked),
    "names split into words": rank("all-MiniLM-L6-v2", split_names),
    "tuned": rank(tuned.encoder_, asked),
}
scores = {name: score_rankings(names[held_out], ids, METRICS) for name, ids in rankings.items()}
print(f"\n{'':24}{'nDCG@10':>8}{'recall@10':>11}")
for name, values in scores.items():
    print(f"{name:24}{values['ndcg@10'].mean():8.3f}{values['recall@10'].mean():11.3f}")

# %% [markdown]
# ## How sure is that?
#
# The differences are paired: the same queries were asked. Names of one module resemble each
# other, so it is modules that are drawn again and again.


# %%
def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean."""
    sums = pd.Series(values).groupby(modules[held_out]).agg(["sum", "size"]).to_numpy()
    drawn = np.random.default_rng(0).integers(0, len(sums), (2000, len(sums)))
    totals = sums[drawn].sum(axis=1)
    low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
    return float(low), float(high)


for name in ("as it is", "names split into words"):
    gain = scores["tuned"]["ndcg@10"] - scores[name]["ndcg@10"]
    low, high = interval(gain)
    shown = f"{gain.mean():+.3f} nDCG@10 (95 % interval {low:+.3f} to {high:+.3f})"
    print(f"tuned - {name}: {shown}")
print(f"\nTime: {time.perf_counter() - START:.0f} s, of which {seconds:.0f} s to learn")
