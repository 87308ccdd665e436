# %% [markdown]
# # Know what was asked, say when it is something else, and choose a reply
#
# A bot that answers questions about some modules of the standard library has two things to do:
# recognise which one a question is about, or that it is about none of them; and find the reply.
#
#     python examples/05_dialogue.py

# %%
from textwrap import shorten

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

from skencoder import EncoderVectorizer, OutOfScopeClassifier, ReplySelector
from skencoder.datasets import load_python_docs

PER_MODULE = 40
MOST_WORDS = 40
UNSEEN = 5
DRAWS = 5
PAIRS = 400
CANDIDATES = 10
WORDS_OF_A_SENTENCE, WORDS_OF_A_REPLY = range(4, 31), range(10, 81)

# %% [markdown]
# ## Intents
#
# An intent is a module; its examples are what its parts say about themselves. In each draw some
# modules are left out of the training: their texts are what must be rejected. The score is the
# area under the ROC curve, 50 % by chance. The baseline rejects what word counts and a logistic
# regression are least sure of.

# %%
docs = load_python_docs()
rows = pd.DataFrame({"text": docs.data, "module": [m.partition(".")[0] for m in docs.modules]})
rows = rows[rows["text"].str.split().str.len() < MOST_WORDS].sample(frac=1, random_state=0)
rows = rows.groupby("module").head(PER_MODULE)
rows = rows[rows.groupby("module")["text"].transform("size") == PER_MODULE]
modules = np.unique(rows["module"])
train, test = train_test_split(rows, test_size=0.4, random_state=0, stratify=rows["module"])
print(f"{len(modules)} modules, {len(train)} texts to learn from, {len(test)} to judge")


# %%
def recognizer(vectorizer: BaseEstimator, detector: str) -> Pipeline:
    classifier = OutOfScopeClassifier(LogisticRegression(C=10, max_iter=1000), detector=detector)
    return make_pipeline(vectorizer, classifier)


def measure(pipeline: Pipeline, unseen: np.ndarray) -> float:
    learned = train[~train["module"].isin(unseen)]
    pipeline.fit(learned["text"], learned["module"])
    return roc_auc_score(~test["module"].isin(unseen), pipeline.score_samples(test["text"]))


counts, encoder = [], []
for seed in range(DRAWS):
    unseen = np.random.default_rng(seed).choice(modules, UNSEEN, replace=False)
    counts.append(
        measure(recognizer(TfidfVectorizer(sublinear_tf=True), "max_probability"), unseen)
    )
    bot = recognizer(EncoderVectorizer(), "neighbors")
    encoder.append(measure(bot, unseen))
print(f"Rejecting {UNSEEN} unseen modules, area under the curve, mean of {DRAWS} draws:")
print(f"  TF-IDF, largest probability  {np.mean(counts):.1%}")
print(f"  encoder, nearest neighbour   {np.mean(encoder):.1%}\n")

for question in [
    "send a message to a mail server over an encrypted connection",
    "how do I parse the arguments of a command line?",
    "what is a good recipe for apple pie?",
]:
    print(f"  {question:62} {bot.predict([question])[0]}")

# %% [markdown]
# ## Replies
#
# A context has two turns: the name of a function, and what it does in a sentence. The reply is
# all else that its documentation says, to be told from nine others. None of the pairs was learned
# from. A bank of known contexts and replies does better: a question is compared with both.

# %%
contexts, replies = [], []
for name, text in zip(docs.names, docs.data, strict=True):
    sentence, blank, body = text.partition("\n\n")
    n_words = len(sentence.split()), len(body.split())
    if blank and n_words[0] in WORDS_OF_A_SENTENCE and n_words[1] in WORDS_OF_A_REPLY:
        contexts.append([name.rpartition(".")[2].replace("_", " "), sentence])
        replies.append(body)
rng = np.random.default_rng(0)
chosen = rng.choice(len(replies), PAIRS, replace=False)
contexts, replies = [contexts[row] for row in chosen], [replies[row] for row in chosen]
# The right one stands first.
others = [
    rng.choice(np.delete(np.arange(PAIRS), row), CANDIDATES - 1, False) for row in range(PAIRS)
]
candidates = [[replies[row], *(replies[i] for i in others[row])] for row in range(PAIRS)]

print(f"\nRecall@1 of {CANDIDATES} replies, {PAIRS} contexts ({1 / CANDIDATES:.0%} by chance):")
for name, vectorizer in {
    "TF-IDF": TfidfVectorizer(sublinear_tf=True, stop_words="english"),
    "encoder": EncoderVectorizer(overflow="truncate"),
}.items():
    selector = ReplySelector(vectorizer).fit(contexts, replies)
    scores = selector.score_candidates(contexts, candidates)
    print(f"  {name:8} {np.mean([row.argmax() == 0 for row in scores]):.1%}")

# %% [markdown]
# ## A dialogue
#
# Older turns count less: the second question is only understood with the first.

# %%
for dialogue in [
    ["Is there a class for dates?"],
    ["I have a zip archive.", "How do I read one member of it?"],
]:
    best = selector.select([dialogue], n_replies=1).iloc[0]
    print(f"\n  {' / '.join(dialogue)}")
    print(f"    {best['score']:.2f}  {shorten(best['reply'], 90, placeholder=' ...')}")
