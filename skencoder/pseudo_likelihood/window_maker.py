"""The masked windows of texts, made when they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skencoder.batching import order_by_length
from skencoder.pseudo_likelihood.copies import MaskedWindow
from skencoder.pseudo_likelihood.masking import (
    DRAWING,
    MASKINGS,
    Mask,
    WindowTokens,
    draw_tokens,
)
from skencoder.pseudo_likelihood.options import ScoringPlan
from skencoder.pseudo_likelihood.windows import ScoringWindows
from skencoder.tokenization import Ids, Index, WordedTexts


@dataclass(frozen=True)
class WindowMaker:
    """Makes the windows one after the other, the longest first, each time it is walked through.

    Parameters
    ----------
    texts : WordedTexts
        The tokens.
    windows : ScoringWindows
        Where each begins and ends.
    plan : ScoringPlan
        What is masked.
    prefix, suffix : int32 of shape (special,)
        Special tokens before and after each window.
    """

    texts: WordedTexts
    windows: ScoringWindows
    plan: ScoringPlan
    prefix: Ids
    suffix: Ids

    def __iter__(self) -> Iterator[MaskedWindow]:
        drawn = self._drawn()
        for number in order_by_length(self.windows.lengths).tolist():
            yield self._make(number, drawn)

    @property
    def wanted(self) -> Mask:
        """Which tokens are to be scored, bool of shape (tokens,)."""
        return self._drawn() if self.plan.method == DRAWING else self.texts.ordinary

    def costs(self) -> Index:
        """Count the tokens of each text's masked copies.

        Returns
        -------
        int64 of shape (n_texts,)
            0 for a text without a token to score.
        """
        drawn = self._drawn()
        costs = [self._make(number, drawn).cost for number in range(len(self.windows.rows))]
        totals = np.bincount(self.windows.rows, costs, len(self.texts))
        return totals.astype(np.int64)

    def _make(self, number: int, drawn: Mask) -> MaskedWindow:
        start, stop = int(self.windows.starts[number]), int(self.windows.stops[number])
        here = np.arange(start, stop)
        inside = (here >= self.windows.firsts[number]) & (here < self.windows.lasts[number])
        body = slice(start, stop)
        tokens = WindowTokens(
            self.texts.words[body], inside & self.texts.ordinary[body], drawn[body]
        )
        parts = (self.prefix, self.texts.tokens.input_ids[body], self.suffix)
        copies = MASKINGS[self.plan.method](tokens)
        return MaskedWindow(np.concatenate(parts), len(self.prefix), start, copies)

    def _drawn(self) -> Mask:
        if self.plan.method != DRAWING:
            return np.zeros(len(self.texts.words), bool)
        cuts = self.texts.tokens.offsets[1:-1]
        pairs = zip(
            np.split(self.texts.tokens.input_ids, cuts),
            np.split(self.texts.ordinary, cuts),
            strict=True,
        )
        share, seed = self.plan.mask_probability, self.plan.seed
        return np.concatenate([draw_tokens(ids, ordinary, share, seed) for ids, ordinary in pairs])
