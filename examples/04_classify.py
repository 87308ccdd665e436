# %% [markdown]
# # Classify with few labels, with none, and with probabilities that hold
#
# Every classifier of scikit-learn takes sentence vectors. Word counts are the baseline, with the
# same classifier; no module of the standard library both trains and tests.
#
#     python examples/04_classify.py

# %%
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skencoder import EncoderVectorizer, ZeroShotClassifier
from skencoder.datasets import load_python_docs

PER_TOPIC = 110
MOST_WORDS = 60
SHOTS = 8
DRAWS = 10
# What each topic is about, in a sentence.
DESCRIPTIONS = {
    "command line and logging": "Parsing arguments of a command line, terminals, log records.",
    "concurrency": "Threads, processes, coroutines, locks, queues and event loops.",
    "email": "Mail messages, their headers and attachments, mailboxes, mail servers.",
    "files and archives": "Reading and writing files, paths, folders, compressed archives.",
    "numbers and dates": "Arithmetic, statistics, random numbers, dates, times, calendars.",
    "testing and debugging": "Unit tests, mock objects, profilers, breakpoints, tracebacks.",
}

# %% [markdown]
# ## The texts

# %%
docs = load_python_docs(topics=DESCRIPTIONS)
rows = pd.DataFrame(
    {
        "text": docs.data,
        "topic": docs.target_names[docs.target],
        "module": docs.modules,
        "depth": [name.count(".") for name in docs.names],
        "n_lines": [text.count("\n") + 1 for text in docs.data],
        "is_class": [name.rpartition(".")[2][:1].isupper() for name in docs.names],
    }
)
rows = rows[rows["text"].str.split().str.len() < MOST_WORDS].sample(frac=1, random_state=0)
rows = rows.groupby("topic").head(PER_TOPIC)
halves = StratifiedGroupKFold(2, shuffle=True, random_state=0)
train, test = (rows.iloc[part] for part in next(halves.split(rows, rows["topic"], rows["module"])))
print(f"{len(train)} texts to learn from, {len(test)} to judge, {len(DESCRIPTIONS)} topics\n")


# %% [markdown]
# ## A few labelled texts of each topic, or many
#
# The encoder's vectors are kept for the session: each text is encoded once, however often it is
# learned from.


# %%
def with_counts() -> Pipeline:
    return make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10))


def with_encoder() -> Pipeline:
    return make_pipeline(EncoderVectorizer(), LogisticRegression(C=10))


def accuracy(pipeline: Pipeline, learned: pd.DataFrame) -> float:
    return pipeline.fit(learned["text"], learned["topic"]).score(test["text"], test["topic"])


def draw(shots: int, seed: int) -> pd.DataFrame:
    return train.sample(frac=1, random_state=seed).groupby("topic").head(shots)


print("accuracy                      TF-IDF  encoder")
for shots in (SHOTS, 4 * SHOTS):
    few = [draw(shots, seed) for seed in range(DRAWS)]
    means = [
        np.mean([accuracy(make(), part) for part in few]) for make in (with_counts, with_encoder)
    ]
    print(f"{shots:3} texts of each topic       {means[0]:7.1%}  {means[1]:7.1%}")
print(f"all texts                     {accuracy(with_counts(), train):6.1%}  ", end="")
print(f"{accuracy(with_encoder(), train):7.1%}")

# %% [markdown]
# ## No labelled text at all
#
# A sentence says what a topic is about, and a text is given the topic of the closest sentence.
# Word counts are given all texts, for their words; the encoder needs none.

# %%
zero_shot = ZeroShotClassifier(descriptions=DESCRIPTIONS).fit()
counted = ZeroShotClassifier(TfidfVectorizer(sublinear_tf=True), descriptions=DESCRIPTIONS)
counted = counted.fit(train["text"]).score(test["text"], test["topic"])
ours = zero_shot.score(test["text"], test["topic"])
print(f"a sentence on each topic      {counted:6.1%}  {ours:7.1%}\n")

# %% [markdown]
# ## How sure is it?
#
# A classifier that learned from vectors of length one says less than it knows. On folds of the
# same texts it learns how sure to be. Both losses are better the smaller they are.

# %%
plain = make_pipeline(EncoderVectorizer(), LogisticRegression())
print("probabilities                log-loss    Brier")
for name, classifier in {
    "as they are": plain,
    "calibrated": CalibratedClassifierCV(plain, method="temperature"),
}.items():
    classifier.fit(train["text"], train["topic"].to_numpy())
    p = classifier.predict_proba(test["text"])
    losses = [
        loss(test["topic"], p, labels=classifier.classes_) for loss in (log_loss, brier_score_loss)
    ]
    print(f"{name:28} {losses[0]:8.3f}  {losses[1]:7.3f}")

# %% [markdown]
# ## Text beside numbers
#
# Does a text document a class? The text tells, and so does where it stands: in a table each
# column has its own transformer.

# %%
text = (EncoderVectorizer(), "text")
numbers = (StandardScaler(), ["depth", "n_lines"])
commonest = test["is_class"].value_counts(normalize=True).max()
print("\nclass or not                accuracy")
print(f"the commonest answer          {commonest:6.1%}")
for name, columns in {"text": [text], "numbers": [numbers], "both": [text, numbers]}.items():
    pipeline = make_pipeline(make_column_transformer(*columns), LogisticRegression(C=10))
    pipeline.fit(train, train["is_class"])
    print(f"{name:28}  {pipeline.score(test, test['is_class']):6.1%}")
