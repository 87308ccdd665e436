# %% [markdown]
# # Look at texts
#
# Three pictures of what vectors say: a map of texts, a heat map of similarities, and the texts
# nearest to a text. They are written to a folder.
#
#     python examples/06_look.py
#     python examples/06_look.py pictures

# %%
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from skencoder import EncoderVectorizer
from skencoder.datasets import load_python_docs
from skencoder.plotting import EmbeddingDisplay, NeighborsDisplay, SimilarityDisplay

PER_TOPIC = 80
NEIGHBORS = 5
MOST_WORDS = 40
TOPICS = ["concurrency", "email", "files and archives", "numbers and dates"]
# In a notebook the arguments belong to the kernel.
named = [] if "ipykernel" in sys.modules else sys.argv[1:]
folder = Path(named[0] if named else mkdtemp())
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The texts, as vectors and as word counts

# %%
docs = load_python_docs(topics=TOPICS)
short = np.array([len(text.split()) < MOST_WORDS for text in docs.data])
rng = np.random.default_rng(0)
rows = np.concatenate(
    [
        rng.choice(np.flatnonzero(short & (docs.target == topic)), PER_TOPIC, replace=False)
        for topic in range(len(TOPICS))
    ]
)
texts, topics, modules = docs.data[rows], docs.target_names[docs.target[rows]], docs.modules[rows]
vectorizer = EncoderVectorizer()
vectors = vectorizer.fit_transform(texts)
counts = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)

# %% [markdown]
# ## A map
#
# Of all directions it shows the two in which the vectors vary most: little of the whole, as the
# axes say. So there is also a number that looks at all of them: how many of a text's nearest
# neighbours in other modules are about the same topic.


# %%
def same_topic(vectors: Any) -> float:
    found = NearestNeighbors(n_neighbors=len(texts)).fit(normalize(vectors))
    order = found.kneighbors(return_distance=False, n_neighbors=len(texts) - 1)
    shares = []
    for row, nearest in enumerate(order):
        foreign = nearest[modules[nearest] != modules[row]][:NEIGHBORS]
        shares.append((topics[foreign] == topics[row]).mean())
    return float(np.mean(shares))


figure = Figure(figsize=(11, 4), layout="constrained")
for ax, (name, given) in zip(
    figure.subplots(1, 2),
    {"word counts": counts, "sentence vectors": vectors}.items(),
    strict=True,
):
    EmbeddingDisplay.from_embeddings(given, topics, ax=ax)
    ax.set_title(name)
figure.savefig(folder / "map.png")
print(f"The {NEIGHBORS} nearest texts of other modules are of the same topic:")
print(f"  TF-IDF   {same_topic(counts):.1%}   (by chance about {1 / len(TOPICS):.0%})")
print(f"  encoder  {same_topic(vectors):.1%}\n")

# %% [markdown]
# ## Similarities

# %%
sentences = [
    "Wait until the thread has finished.",
    "Block until the worker is done.",
    "Return the day of the week.",
    "Is it Monday or Tuesday?",
    "Copy a folder with all its files.",
    "Duplicate a directory tree.",
]
display = SimilarityDisplay.from_estimator(vectorizer, sentences)
display.figure_.savefig(folder / "similarities.png")
pairs = display.similarities[[0, 2, 4], [1, 3, 5]]
rest = display.similarities[np.triu_indices(6, 1)]
print(f"Similarity of the three paraphrases {pairs.mean():.2f}, of all pairs {rest.mean():.2f}")

# %% [markdown]
# ## Neighbours of a text

# %%
question = "unpack a compressed file"
display = NeighborsDisplay.from_estimator(vectorizer, texts, question)
display.figure_.savefig(folder / "neighbors.png")
print(f"Nearest to {question!r}: {display.texts[0]!r}\n")
print("Pictures:", *sorted(folder.glob("*.png")), sep="\n  ")
