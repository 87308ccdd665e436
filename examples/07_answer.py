# %% [markdown]
# # Answer questions with a sentence, or with none
#
# A search finds passages; a question wants one sentence of them, where it stands, and silence
# where there is no answer. The texts are what Python's standard library says about numbers and
# dates. Words that a question shares with its answer count too: compare the answerer with vectors
# alone, and with BM25 over the same sentences.
#
#     python examples/07_answer.py

# %%
import time
from textwrap import shorten

import bm25s
import numpy as np
import Stemmer
from sklearn.metrics import roc_auc_score

from skencoder import EncoderRetriever, EncoderVectorizer, PassageAnswerer
from skencoder.datasets import load_python_docs
from skencoder.sentences import SplitTexts

START = time.perf_counter()
SHOWN = 70

# %% [markdown]
# ## Questions
#
# Each with a string that must stand in the sentence, and some that these texts do not answer.

# %%
QUESTIONS = {
    "On which weekday do calendars begin unless told otherwise?": "Monday as the first day",
    "What is the first ISO week of a year?": "first Thursday",
    "Which separator stands between date and time by default?": "default 'T'",
    "Are NaNs nonzero?": "considered nonzero",
    "Are halves rounded toward even?": "half toward even",
    "When is gauss not safe to use?": "Not thread-safe",
    "Can an element be chosen again, with replacement?": "with replacement",
    "How can I draw quartiles?": "Set *n* to 4",
    "What if no attempt to obtain the hardware address succeeds?": "random 48-bit",
    "Which generator uses the operating system as its source?": "/dev/urandom",
    "Which types may a random seed have?": "supported seed types",
    "Does listing the time zones open many files?": "large number of files",
    "Is Fraction.from_float(0.3) three tenths?": "Beware that Fraction.from_float(0.3)",
    "Is the intermediate product rounded?": "no rounding of the",
    "In which unit is the mean angle mu expressed?": "radians",
    "How is lambd computed from the mean?": "1.0 divided by the desired mean",
    "Can UUIDs be used as keys of a dictionary?": "usable as dictionary keys",
    "What happens when the divisor is zero?": "division of a finite number by zero",
    "Which methods must subclasses of tzinfo override?": "must override",
    "Which day is number 1 of the Gregorian ordinals?": "January 1 of year 1",
    "How do I check that something is a number of any kind?": "isinstance(x, Number)",
    "How many standard deviations from the mean is x?": "standard deviations above or below",
    "Must the name of a time zone mean anything?": "100% informational",
    "How large is a random value of the beta distribution?": "between 0 and 1",
}
UNANSWERABLE = [
    "How do I bake bread without yeast?",
    "Who composed The Magic Flute?",
    "How do I send an email with an attachment?",
    "What is the capital of Australia?",
    "How can I resize an image?",
    "Which planet has the most moons?",
    "How do I open a window with two buttons?",
    "Who won the world cup in 1998?",
    "How do I start a thread?",
    "What is the boiling point of water?",
    "How do I compress a folder?",
    "How long do cats live?",
]


# %% [markdown]
# ## The baseline
#
# BM25 over the same sentences, with English stems and stop words.


# %%
def bm25_answers(passages: list[str], questions: list[str]) -> tuple[list[str], np.ndarray]:
    """Give the best sentence of each question and its score."""
    sentences = SplitTexts.split(passages).read()
    options = {"stopwords": "english", "stemmer": Stemmer.Stemmer("english")}
    options |= {"return_ids": False, "show_progress": False}
    index = bm25s.BM25()
    index.index(bm25s.tokenize(sentences, **options), show_progress=False)
    scores = np.stack([index.get_scores(words) for words in bm25s.tokenize(questions, **options)])
    return [sentences[row] for row in scores.argmax(axis=1)], scores.max(axis=1)


# %% [markdown]
# ## Compare
#
# The share of questions whose string stands in the sentence, and how well scores tell questions
# that are answered here from those that are not (AUROC: 0.5 is chance, 1 is always).


# %%
def line(name: str, sentences: list[str], scores: np.ndarray) -> str:
    wanted = list(QUESTIONS.values())
    # A sentence of a docstring runs over several lines.
    plain = [" ".join(sentence.split()) for sentence in sentences]
    hits = [text in sentence for text, sentence in zip(wanted, plain, strict=False)]
    answerable = np.arange(len(scores)) < len(wanted)
    auroc = roc_auc_score(answerable, scores)
    return f"  {name:<18}{np.mean(hits):7.1%} answered rightly   AUROC {auroc:.2f}"


def compare(answerer: PassageAnswerer, passages: list[str], names: list[str]) -> list[str]:
    questions = [*QUESTIONS, *UNANSWERABLE]
    report = [
        f"{len(QUESTIONS)} questions and {len(UNANSWERABLE)} that have no answer here",
        line("BM25", *bm25_answers(passages, questions)),
    ]
    for name, weight in (("vectors", 0.0), ("vectors and words", 1.0)):
        # Vectors are kept, so to fit again takes no time.
        answerer.set_params(word_weight=weight).fit(passages, names)
        found = answerer.answer(questions)
        report.append(line(name, list(found["answer"]), found["score"].to_numpy()))
    return report


# %% [markdown]
# ## Say nothing where there is nothing to say
#
# Every second question chooses the threshold, the others show what it does.


# %%
def calibrate(answerer: PassageAnswerer) -> list[str]:
    questions = [*QUESTIONS, *UNANSWERABLE]
    answers = [*QUESTIONS.values(), *(None for _ in UNANSWERABLE)]
    before = answerer.score(questions[1::2], answers[1::2])
    answerer.calibrate(questions[::2], answers[::2])
    after = answerer.score(questions[1::2], answers[1::2])
    report = [
        f"Threshold {answerer.threshold_:.2f}, chosen on every second question; right answers, or "
        f"silence where there is none,",
        f"  on the others: {after:.1%}; with no threshold: {before:.1%}",
        "",
    ]
    for row in answerer.answer([*questions[1:8:2], *UNANSWERABLE[1:4:2]]).itertuples():
        shown = "-" if row.answer is None else f"{row.passage} [{row.start}:{row.stop}] "
        text = "" if row.answer is None else shorten(row.answer, SHOWN, placeholder=" ...")
        report += [f"  {row.question}", f"    {row.score:.2f}  {shown}{text}"]
    return report


# %%
def main() -> None:
    docs = load_python_docs(topics=["numbers and dates"])
    passages, names = docs.data.tolist(), docs.names.tolist()
    retriever = EncoderRetriever(EncoderVectorizer(overflow="truncate"))
    answerer = PassageAnswerer(retriever).fit(passages, names)
    print(f"{len(passages)} passages, {answerer.n_sentences_} sentences\n")
    print("\n".join([*compare(answerer, passages, names), "", *calibrate(answerer)]))
    print(f"\nTime: {time.perf_counter() - START:.0f} s")


if __name__ == "__main__":
    main()
