# %% [markdown]
# # Summaries of a text's own sentences
#
# What does a module do, told by the sentences of all that it holds? The reference is the module's
# own docstring, which the summarizer does not see. Compared with the first sentences (the usual
# baseline) and with random ones, by ROUGE.
#
#     python examples/08_summarize.py

# %%
import time
from collections import defaultdict
from textwrap import fill

import numpy as np
from rouge_score.rouge_scorer import RougeScorer

from skencoder import EncoderVectorizer, ExtractiveSummarizer
from skencoder.datasets import load_python_docs
from skencoder.summarization import Budget, take_best

START = time.perf_counter()
MAX_TOKENS = 130  # about a hundred words
METRICS = ("rouge1", "rouge2", "rougeL")
DRAWS = 2000
WIDTH = 90
MIN_PARTS, MIN_WORDS = 10, 50


# %% [markdown]
# ## The texts
#
# Modules whose docstring has fifty words, and that hold ten documented things.


# %%
def read_modules() -> dict[str, tuple[str, str]]:
    """Give each module's text and its own docstring, examples left out."""
    docs = load_python_docs()
    own, members = {}, defaultdict(list)
    for name, module, text in zip(docs.names, docs.modules, docs.data, strict=True):
        prose = text.partition(">>>")[0]
        if name == module:
            own[module] = prose
        else:
            members[module].append(prose)
    return {
        module: ("\n\n".join(parts), own[module])
        for module, parts in members.items()
        if len(parts) >= MIN_PARTS and len(own.get(module, "").split()) >= MIN_WORDS
    }


# %% [markdown]
# ## The ways
#
# A method may be a function of the sentences' vectors and the budget, so the baselines are two
# lines each.


# %%
def take_first(vectors: np.ndarray, budget: Budget) -> list[int]:
    return take_best(-np.arange(len(vectors)), budget)


def take_any(vectors: np.ndarray, budget: Budget) -> list[int]:
    return take_best(np.random.default_rng(0).random(len(vectors)), budget)


METHODS = {
    "first sentences": take_first,
    "random sentences": take_any,
    "centroid": "centroid",
    "LexRank": "lexrank",
    "MMR": "mmr",
}


# %%
def rouge(summaries: np.ndarray, references: list[str]) -> np.ndarray:
    scorer = RougeScorer(METRICS, use_stemmer=True)
    rows = [scorer.score(*pair) for pair in zip(references, summaries, strict=True)]
    return np.array([[row[metric].fmeasure for metric in METRICS] for row in rows])


def interval(gains: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, by drawing modules with replacement."""
    drawn = np.random.default_rng(0).integers(0, len(gains), (DRAWS, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    modules = read_modules()
    texts, references = map(list, zip(*modules.values(), strict=True))
    # Each sentence is encoded once; all methods and the shown summaries share the cache.
    encoder = EncoderVectorizer(overflow="truncate")
    print(f"{len(texts)} modules, summaries of at most {MAX_TOKENS} tokens\n")
    print(f"{'':<18}ROUGE-1  ROUGE-2  ROUGE-L   ROUGE-L beside the first sentences")
    scores = {}
    for name, method in METHODS.items():
        summarizer = ExtractiveSummarizer(
            encoder, method=method, max_sentences=None, max_tokens=MAX_TOKENS
        )
        summaries = summarizer.fit_transform(texts)
        scores[name] = rouge(summaries, references)
        shown = "   ".join(f"{value:.3f} " for value in scores[name].mean(axis=0))
        gains = (scores[name] - scores["first sentences"])[:, -1]
        low, high = interval(gains)
        compared = f"{gains.mean():+.3f} (95 % interval {low:+.3f} to {high:+.3f})"
        print(f"{name:<18} {shown} {compared if name != 'first sentences' else ''}".rstrip())
    name = "calendar" if "calendar" in modules else next(iter(modules))
    short = ExtractiveSummarizer(encoder, max_sentences=3).fit(texts)
    print(f"\n{name} in three sentences:")
    for row in short.select([modules[name][0]]).itertuples():
        content = " ".join(row.content.split())
        print(fill(f"[{row.start}:{row.stop}] {content}", WIDTH, initial_indent="  "))
    print(f"\nTime: {time.perf_counter() - START:.0f} s")


if __name__ == "__main__":
    main()
