# %% [markdown]
# # A table instead of a model
#
# `distill_static` turns a Transformer into a lookup table of token vectors: no layer is computed
# any more, and a text's vector is the mean of its tokens' vectors. How much faster is that, and
# how much of the quality is left?
#
#     python examples/02_distill_a_static_model.py

# %%
import time
from tempfile import mkdtemp

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score

from skencoder import EncoderVectorizer, TextEncoder, distill_static
from skencoder.datasets import load_python_docs

ROWS = 400
FOLDS = 3
# They get a vector of their own; frequent ones first, as far as one can say.
PHRASES = ["regular expression", "time zone", "event loop", "file descriptor", "byte order"]

# %% [markdown]
# ## Distill
#
# Every token of the model's tokenizer is encoded alone, once; then come principal components and
# weights by rarity. Without `folder=` the table lies in a temporary folder until the program ends.

# %%
model = TextEncoder.load("all-MiniLM-L6-v2")
begin = time.perf_counter()
static = distill_static(model, vocabulary=PHRASES)
config = static.encoder.config
print(
    f"Distilled {config.vocab_size} tokens to {config.hidden_size} dimensions in "
    f"{time.perf_counter() - begin:.0f} s"
)

# %% [markdown]
# ## Compare
#
# To `EncoderVectorizer` both are models like any other. The labels are the topics of the standard
# library's modules, and no module both trains and tests. The cache is off, so that time is time
# to encode.

# %%
docs = load_python_docs()
rows = np.random.default_rng(0).choice(len(docs.data), ROWS, replace=False)
texts, topics, modules = [docs.data[row] for row in rows], docs.target[rows], docs.modules[rows]

for name, compared in [("all-MiniLM-L6-v2", model), ("its static table", static)]:
    vectorizer = EncoderVectorizer(compared, overflow="truncate", cache=None).fit(texts[:2])
    begin = time.perf_counter()
    vectors = vectorizer.transform(texts)
    seconds = time.perf_counter() - begin
    accuracies = cross_val_score(
        LogisticRegression(C=10), vectors, topics, groups=modules, cv=GroupKFold(FOLDS)
    )
    print(f"{name:17} {ROWS / seconds:9,.0f} texts/s   accuracy {accuracies.mean():.0%}")

# %% [markdown]
# ## Keep
#
# Saved, it is a folder of some 30 MB that needs nothing else, for model2vec and
# sentence-transformers too.

# %%
folder = EncoderVectorizer(static).fit(texts).save(mkdtemp())
again = EncoderVectorizer.load(folder).fit_transform(["the event loop", "asyncio"])
print(f"Saved and loaded: vectors of {again.shape[1]} dimensions")
