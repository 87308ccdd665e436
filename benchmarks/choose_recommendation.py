"""What follows from a choice: which candidate to take, and why, in sentences."""

from dataclasses import dataclass

from .choose import CandidateScore, Choice

SIGNIFICANCE = 0.05
METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
}


@dataclass(frozen=True)
class Recommendation:
    """What to take.

    Parameters
    ----------
    name : str
        The candidate.
    reasons : tuple of str
        Sentences.
    """

    name: str
    reasons: tuple[str, ...]


def recommend(choice: Choice) -> Recommendation:
    """Take the fastest candidate that is nearly as good as the best.

    That is one which loses no more than the tolerance and is not significantly worse. Both are
    asked for: with few texts much is not significant that matters. The test is not adjusted for
    the number of candidates here, as that would make it easier to pass.

    Parameters
    ----------
    choice : Choice
        What was tried.

    Returns
    -------
    Recommendation
        With its reasons. Where no speed is known, the smallest is taken.
    """
    best = choice.candidates[0]
    near = [one for one in choice.candidates if _is_near(one, choice.tolerance)]
    known = [one for one in near if one.texts_per_second is not None]
    taken = max(known, key=_speed) if known else min(near, key=lambda one: one.size.megabytes)
    reasons = [*_judge_quality(choice, taken, best), *_judge_cost(taken, best, len(near))]
    reasons += [*_tell_others(choice, near), *_warn_of_majority(choice, best)]
    return Recommendation(taken.name, tuple(reasons))


def _is_near(one: CandidateScore, tolerance: float) -> bool:
    if one.test is None:
        return True
    return one.test.difference >= -tolerance and one.test.p_value >= SIGNIFICANCE


def _speed(one: CandidateScore) -> float:
    return one.texts_per_second or 0.0


def _judge_quality(choice: Choice, taken: CandidateScore, best: CandidateScore) -> list[str]:
    metric = METRIC_NAMES[choice.metric]
    if taken.test is None:
        return [f"Its {metric} of {taken.mean:.3f} is the best of all."]
    test = taken.test
    told = [
        f"Its {metric} is {taken.mean:.3f}, the best is {best.mean:.3f} ({best.name}); the "
        f"difference of {test.difference:+.3f} (95 % interval {test.low:+.3f} to "
        f"{test.high:+.3f}) is not significant: p = {test.p_value:.2g} in the corrected resampled "
        "t-test."
    ]
    if test.low < -choice.tolerance:
        told.append(
            f"But not significant is not equal: with {choice.n_texts} texts it may still be "
            f"{-test.low:.3f} worse. Where that matters take {best.name}, or label more texts."
        )
    return told


def _judge_cost(taken: CandidateScore, best: CandidateScore, n_equal: int) -> list[str]:
    if n_equal == 1:
        return ["No other candidate is nearly as good."]
    if not taken.texts_per_second:
        return [f"No speed is known; with {taken.size.megabytes:.0f} MB it is the smallest."]
    told = (
        f"With {taken.texts_per_second:,.0f} texts per second it is the fastest of the {n_equal} "
        "candidates that are nearly as good"
    )
    if best.texts_per_second and taken is not best:
        told += (
            f", {taken.texts_per_second / best.texts_per_second:,.1f} times as fast as the best"
        )
    return [f"{told}; it takes {taken.size.megabytes:.1f} MB."]


def _tell_others(choice: Choice, near: list[CandidateScore]) -> list[str]:
    significant: list[str] = []
    notable: list[str] = []
    for one in choice.candidates:
        if one.test and one not in near:
            told = f"{one.name} ({one.test.difference:+.3f}, p = {one.test.p_value:.2g})"
            (significant if one.test.p_value < SIGNIFICANCE else notable).append(told)
    starts = {
        "Significantly worse than the best": significant,
        f"Worse by more than {choice.tolerance:g}, though not significantly": notable,
    }
    return [f"{start}: {', '.join(others)}." for start, others in starts.items() if others]


def _warn_of_majority(choice: Choice, best: CandidateScore) -> list[str]:
    label, share = choice.majority
    if choice.metric != "accuracy":
        return []
    told = [f"Always answering {label!r} would be right for {share:.3f} of the texts."]
    if best.mean <= share + choice.tolerance:
        told.append("No candidate is much better than that: the labels may not be in the texts.")
    return told
