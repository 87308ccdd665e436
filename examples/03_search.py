# %% [markdown]
# # Search
#
# Find a document by what it is about, compare that with search by words, put both together, and
# choose how much each counts, the scikit-learn way.
#
#     python examples/03_search.py

# %%
import time
from tempfile import mkdtemp

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit

from skencoder import Corpus, EncoderRetriever, EncoderVectorizer, FixedCorpusRetriever
from skencoder.datasets import load_python_docs
from skencoder.metrics import score_rankings

START = time.perf_counter()
N_DOCUMENTS = 800
# In words.
SUMMARY_LENGTHS, DETAILS_LENGTHS = range(1, 40), range(8, 101)
METRICS = ["ndcg@10", "recall@10"]

# %% [markdown]
# ## A task that is always there
#
# The documentation of a function begins with a sentence that says what it does, and goes on with
# the details. The details are the documents here, and the sentence, which is taken out of them,
# is the query: it has to find the details it belongs to. Half of Python's modules are for
# choosing, the other half is held out for the figures.


# %%
def read_task() -> tuple[list[str], list[str], list[str], np.ndarray]:
    docs = load_python_docs()
    rows = []
    for name, text, module in zip(docs.names, docs.data, docs.modules, strict=True):
        summary, _, details = text.partition("\n\n")
        lengths = len(summary.split()), len(details.split())
        if lengths[0] in SUMMARY_LENGTHS and lengths[1] in DETAILS_LENGTHS:
            rows.append((" ".join(summary.split()), details, name, module))
    chosen = np.random.default_rng(0).permutation(len(rows))[:N_DOCUMENTS]
    queries, documents, names, modules = zip(*(rows[row] for row in chosen), strict=True)
    return list(queries), list(documents), list(names), np.array(modules)


queries, documents, names, modules = read_task()
split = GroupShuffleSplit(1, test_size=0.5, random_state=0)
for_choosing, held_out = next(split.split(queries, groups=modules))
asked, relevant = [queries[row] for row in held_out], [names[row] for row in held_out]
print(
    f"{len(documents)} documents, {len(for_choosing)} queries to choose with, "
    f"{len(held_out)} held out"
)

# %% [markdown]
# ## Search
#
# `EncoderRetriever` encodes the documents and indexes them. `search` gives a table to read.

# %%
encoder = EncoderVectorizer(overflow="truncate")
retriever = EncoderRetriever(encoder).fit(documents, names)
found = retriever.search(["wait until several tasks are finished"], 3)
for row in found.itertuples():
    print(f"  {row.score:.2f}  {row.id}: {' '.join(row.document.split())[:60]} ...")

# %% [markdown]
# ## Against words
#
# TF-IDF is the baseline that scikit-learn brings along, BM25 the one that is hard to beat. A
# retriever with `lexical="bm25"` searches words too and fuses both rankings by reciprocal rank;
# with the weights (0, 1) it is BM25 alone. Only ranks count, so the scores need not be comparable.


# %%
def rank_by_tfidf() -> np.ndarray:
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    rows = vectorizer.fit_transform(documents)
    cosines = linear_kernel(vectorizer.transform(asked), rows)
    return np.array(names)[np.argsort(-cosines, axis=1, kind="stable")[:, :10]]


def rank(fitted: EncoderRetriever | FixedCorpusRetriever) -> np.ndarray:
    return fitted.ids_[fitted.kneighbors(asked, 10, return_distance=False)]


hybrid = EncoderRetriever(encoder, lexical="bm25").fit(documents, names)
rankings = {
    "TF-IDF": rank_by_tfidf(),
    "BM25": rank(hybrid.set_params(fusion_weights=(0, 1))),
    "encoder": rank(retriever),
    "encoder + BM25": rank(hybrid.set_params(fusion_weights=(1, 1))),
}

# %% [markdown]
# ## Choose
#
# What is fitted and scored on in a search are samples, and here these are queries: so the corpus
# is a parameter of `FixedCorpusRetriever`. As a `Corpus` it is encoded and indexed once for all
# folds and weights.

# %%
search = GridSearchCV(
    FixedCorpusRetriever(EncoderRetriever(encoder, lexical="bm25"), Corpus(documents, names)),
    {
        "retriever__fusion_weights": [(1, 0), (2, 1), (1, 1), (1, 2), (0, 1)],
        "retriever__encoder__truncate_dim": [128, 384],
    },
    cv=3,
).fit([queries[row] for row in for_choosing], [names[row] for row in for_choosing])
rankings["chosen"] = rank(search.best_estimator_)
setting = {name.split("__")[-1]: value for name, value in search.best_params_.items()}

# %% [markdown]
# ## The figures
#
# On the held-out queries, with a 95 % interval: documents of one module resemble each other, so
# it is modules that are drawn again and again.


# %%
def interval(values: np.ndarray) -> tuple[float, float]:
    _, codes = np.unique(modules[held_out], return_inverse=True)
    sums, sizes = np.bincount(codes, values), np.bincount(codes)
    draws = np.random.default_rng(0).multinomial(
        len(sizes), np.full(len(sizes), 1 / len(sizes)), size=1000
    )
    low, high = np.quantile(draws @ sums / (draws @ sizes), [0.025, 0.975])
    return float(low), float(high)


scores = {name: score_rankings(relevant, ids, METRICS) for name, ids in rankings.items()}
print(f"\n{'':16}{'nDCG@10':>9}{'95 % interval':>18}{'recall@10':>12}")
for name, values in scores.items():
    low, high = interval(values["ndcg@10"])
    print(
        f"{name:16}{values['ndcg@10'].mean():9.3f}{low:10.3f} to {high:.3f}"
        f"{values['recall@10'].mean():12.3f}"
    )
gain = scores["chosen"]["ndcg@10"] - scores["BM25"]["ndcg@10"]
low, high = interval(gain)
print(f"\nchosen: {setting}")
print(f"chosen - BM25: {gain.mean():+.3f} nDCG@10 (95 % interval {low:+.3f} to {high:+.3f})")

# %% [markdown]
# ## Keep
#
# A saved retriever is a folder; opened, its vectors and documents are mapped, not read, and
# another encoder is refused.

# %%
folder = hybrid.save(mkdtemp())
again = EncoderRetriever.load(folder, encoder=encoder)
same = (rank(again) == rankings["encoder + BM25"]).all()
print(f"\nSaved and opened: the same results: {same}")
again.partial_fit(["Wait until the kettle boils."], ["kettle"]).remove(names[0])
print(f"One document added and one removed: {again.n_documents_}")
print(f"Time: {time.perf_counter() - START:.0f} s")
