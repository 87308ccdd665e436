# %% [markdown]
# # A fit that learns
#
# Eight labelled texts of each topic: the encoder as it is, and the encoder tuned on these texts,
# both before the same logistic regression. Judged on texts that neither has seen.
#
#     python examples/10_fine_tune.py

# %%
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from skencoder import EncoderVectorizer
from skencoder.datasets import load_python_docs
from skencoder.objectives import SupervisedContrastive

START = time.perf_counter()
TOPICS = [
    "concurrency",
    "email",
    "files and archives",
    "numbers and dates",
    "testing and debugging",
]
SHOTS, HELD_OUT = 8, 400
MAX_LENGTH = 64  # tokens
DRAWS = 2000


# %% [markdown]
# ## The texts


# %%
def divide(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw a few rows of each label to learn from, and others to be judged."""
    order = np.random.default_rng(0).permutation(len(labels))
    few = np.concatenate([order[labels[order] == label][:SHOTS] for label in np.unique(labels)])
    return few, np.setdiff1d(order, few, assume_unique=True)[:HELD_OUT]


# %% [markdown]
# ## Two pipelines
#
# The only difference is `fine_tune`. Its parameters are searched like any others, as
# `encodervectorizer__fine_tune__temperature`.


# %%
def make(fine_tune: SupervisedContrastive | None) -> Pipeline:
    encoder = EncoderVectorizer(
        max_length=MAX_LENGTH, overflow="truncate", fine_tune=fine_tune, random_state=0
    )
    return make_pipeline(encoder, LogisticRegression(C=10, max_iter=1000))


def interval(gains: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, by drawing texts with replacement."""
    drawn = np.random.default_rng(0).integers(0, len(gains), (DRAWS, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    docs = load_python_docs(topics=TOPICS)
    few, others = divide(docs.target)
    print(f"{len(few)} texts to learn from, {len(others)} held out, {len(TOPICS)} topics\n")
    right = {}
    for name, objective in {"as it is": None, "tuned": SupervisedContrastive()}.items():
        pipeline = make(objective).fit(docs.data[few], docs.target[few])
        right[name] = 100.0 * (pipeline.predict(docs.data[others]) == docs.target[others])
        print(f"{name:<10} accuracy {right[name].mean():.1f} %")
    low, high = interval(right["tuned"] - right["as it is"])
    gain = right["tuned"].mean() - right["as it is"].mean()
    print(f"{'gain':<10} {gain:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})\n")
    print(pipeline[0].history_[["step", "loss", "tokens", "seconds"]].iloc[[0, -1]].round(2))
    print(f"\nTime: {time.perf_counter() - START:.0f} s")


if __name__ == "__main__":
    main()
