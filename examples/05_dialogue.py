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
CANDIDATES = 10
QUESTIONS = [
    "how do I attach a picture to a message?",
    "how do I wait for several coroutines at once?",
    "what is a good recipe for apple pie?",
]
DIALOGUES = [
    ["How do I copy a folder with everything in it?"],
    ["I have a zip archive.", "How do I open one of the files in it?"],
]
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


draws = [
    np.random.default_rng(seed).choice(modules, UNSEEN, replace=False) for seed in range(DRAWS)
]
counts = recognizer(TfidfVectorizer(sublinear_tf=True), "max_probability")
bot = recognizer(EncoderVectorizer(), "combined")
print(f"Rejecting {UNSEEN} unseen modules, area under the curve, mean of {DRAWS} draws:")
print(f"  TF-IDF, largest probability   {np.mean([measure(counts, u) for u in draws]):.1%}")
print(f"  encoder, default detector     {np.mean([measure(bot, u) for u in draws]):.1%}\n")

bot.fit(train["text"], train["module"])
for question in QUESTIONS:
    print(f"  {question:52} {bot.predict([question])[0]}")

# %% [markdown]
# ## Replies
#
# A context has two turns: the name of a function, and what it does in a sentence. The reply is
# all else that its documentation says. How often is it the best of ten, and the best of all?

# %%
docs = load_python_docs(topics=["concurrency", "files and archives", "numbers and dates"])
contexts, replies = [], []
for name, text in zip(docs.names, docs.data, strict=True):
    sentence, blank, body = text.partition("\n\n")
    n_words = len(sentence.split()), len(body.split())
    if blank and n_words[0] in WORDS_OF_A_SENTENCE and n_words[1] in WORDS_OF_A_REPLY:
        contexts.append([name.rpartition(".")[2].replace("_", " "), sentence])
        replies.append(body)
rng = np.random.default_rng(0)
# The right one stands first.
candidates = [
    [reply, *rng.choice([other for other in replies if other != reply], CANDIDATES - 1, False)]
    for reply in replies
]

print(f"\nRecall@1 for {len(replies)} contexts     of {CANDIDATES}  of {len(replies)}")
for name, vectorizer in {
    "TF-IDF": TfidfVectorizer(sublinear_tf=True, stop_words="english"),
    "encoder": EncoderVectorizer(overflow="truncate"),
}.items():
    # The contexts are those asked for, so only the replies themselves may be compared with.
    selector = ReplySelector(vectorizer, context_weight=0).fit(contexts, replies)
    scores = selector.score_candidates(contexts, candidates)
    best_of_ten = np.mean([row.argmax() == 0 for row in scores])
    print(f"  {name:24} {best_of_ten:8.1%}  {selector.score(contexts, replies):5.1%}")

# %% [markdown]
# ## A dialogue
#
# A question is compared with the known contexts and with the replies. Older turns count less, but
# the second dialogue is only understood with its first turn.

# %%
selector = ReplySelector(EncoderVectorizer(overflow="truncate")).fit(contexts, replies)
for dialogue in DIALOGUES:
    best = selector.select([dialogue], n_replies=1).iloc[0]
    print(f"\n  {' / '.join(dialogue)}")
    print(f"    {best['score']:.2f}  {shorten(best['reply'], 90, placeholder=' ...')}")
