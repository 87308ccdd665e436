"""Texts on the way to their scores: what it costs, how far it is, which texts are finished."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from skencoder.batching import TokenBudget
from skencoder.pseudo_likelihood.copies import CopyBatch, check_masked, pack_copies
from skencoder.pseudo_likelihood.loading import LoadedMaskedLM
from skencoder.pseudo_likelihood.options import ScoringPlan
from skencoder.pseudo_likelihood.progress import Progress, Silent
from skencoder.pseudo_likelihood.scores import TokenScores, refuse_score
from skencoder.pseudo_likelihood.window_maker import WindowMaker
from skencoder.pseudo_likelihood.windows import plan_scoring_windows
from skencoder.tokenization import Index

# From a batch to its parts, as large as memory allows, each with its scores in nats.
Compute = Callable[[CopyBatch], Iterator[tuple[CopyBatch, NDArray[np.float64]]]]


class ScoringRun:
    """Texts and the scores they have so far; `PseudoLikelihood.prepare` makes it.

    Parameters
    ----------
    texts : sequence of str of shape (n_texts,)
        The texts; the same text is scored once.
    model : LoadedMaskedLM
        Whose tokens they become.
    plan : ScoringPlan
        How.
    compute : callable
        What scores a batch of masked copies.
    budget : TokenBudget
        Of the device's memory.
    """

    def __init__(
        self,
        texts: Sequence[str],
        model: LoadedMaskedLM,
        plan: ScoringPlan,
        compute: Compute,
        budget: TokenBudget,
    ) -> None:
        self._texts, self._inverse = _deduplicate(texts)
        self._model, self._compute = model, compute
        self._batch_tokens, self._budget = plan.batch_tokens, budget
        self._worded = model.tokenizer.read_words(self._texts)
        self._windows = plan_scoring_windows(self._worded.tokens, plan.body_length, plan.stride)
        frame = (
            np.array(ids, np.int32) for ids in (model.tokenizer.prefix, model.tokenizer.suffix)
        )
        self._masked = WindowMaker(self._worded, self._windows, plan, *frame)
        self._found = np.full(len(self._worded.tokens.input_ids), np.nan)

    @property
    def costs(self) -> Index:
        """Tokens of each text's masked copies, int64 of shape (n_texts,)."""
        return self._masked.costs()[self._inverse]

    @property
    def scores(self) -> TokenScores:
        """What there is, in the order of the texts; NaN for what is not scored yet."""
        windows = self._windows.counts(len(self._texts))
        return TokenScores(self._worded, self._found, windows).take_rows(self._inverse)

    @property
    def finished(self) -> NDArray[np.bool_]:
        """Which texts have all their scores, bool of shape (n_texts,)."""
        rows = np.repeat(np.arange(len(self._texts)), self._worded.tokens.lengths)
        missing = self._masked.wanted & np.isnan(self._found)
        counts = np.bincount(rows[missing], minlength=len(self._texts))
        return np.asarray(counts[self._inverse] == 0)

    def finish(self, progress: Progress | None = None) -> None:
        """Score everything; what is done when it is interrupted can be had from `scores`.

        Parameters
        ----------
        progress : Progress, optional
            Is told how far it is.

        Raises
        ------
        DeviceMemoryError
            If a single window does not fit the device's memory.
        MaskingError
            If the mask token is an ordinary token of the texts.
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        """
        told = progress or Silent()
        told.start(int(self._masked.costs().sum()))
        windows = iter(self._masked)
        for batch in pack_copies(windows, self._model.mask_id, self._batch_tokens, self._budget):
            check_masked(batch)
            for part, found in self._compute(batch):
                self._check_finite(found, part.sources)
                self._found[part.sources] = found
                told.advance(len(part.input_ids))

    def _check_finite(self, found: NDArray[np.float64], sources: Index) -> None:
        """Refuse a score that would pass for that of a token not scored."""
        wrong = np.flatnonzero(~np.isfinite(found))
        if not len(wrong):
            return
        offsets = self._worded.tokens.offsets
        row = int(np.searchsorted(offsets, sources[wrong[0]], side="right")) - 1
        model, precision = self._model.name, self._model.precision
        text, score = self._texts[row], float(found[wrong[0]])
        raise refuse_score(score, text, model=model, precision=precision)


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], Index]:
    places: dict[str, int] = {}
    inverse = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(inverse, np.int64)
