"""PseudoLikelihood: a loaded model that scores the tokens of texts, each guessed from the others.

What is masked stands in `masking`, how long texts are read in `windows`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skencoder.batching import TokenBudget, order_by_length
from skencoder.encoder import Boundaries
from skencoder.errors import DeviceMemoryError
from skencoder.pseudo_likelihood.copies import (
    CopyBatch,
    MaskedWindow,
    check_masked,
    pack_copies,
)
from skencoder.pseudo_likelihood.loading import LoadedMaskedLM, load_for_scoring
from skencoder.pseudo_likelihood.masking import (
    DRAWING,
    MASKINGS,
    Mask,
    WindowTokens,
    draw_tokens,
)
from skencoder.pseudo_likelihood.options import ScoringOptions, ScoringPlan, plan_scoring
from skencoder.pseudo_likelihood.progress import Progress, Silent
from skencoder.pseudo_likelihood.scores import TokenScores, refuse_score
from skencoder.pseudo_likelihood.windows import ScoringWindows, plan_scoring_windows
from skencoder.text_checks import check_texts
from skencoder.tokenization import WordedTexts
from skencoder.work_sharing import is_out_of_memory

# Numbers of logits that are there at once, 64 MB: with 250,002 tokens in the vocabulary the scores
# of 67 positions.
LOGITS_AT_ONCE = 2**24


class PseudoLikelihood:
    """A loaded masked language model that scores texts.

    A token's score is the logarithm of the probability that the model gives it where a mask
    stands in its place, in nats. Special tokens are never scored.

    Parameters
    ----------
    model : LoadedMaskedLM
        As `load_for_scoring` gives it.

    References
    ----------
    .. [1] Salazar, Liang, Nguyen & Kirchhoff (2020), Masked language model scoring,
       arXiv:1910.14659.
    .. [2] Kauf & Ivanova (2023), A better way to do masked language model scoring,
       arXiv:2305.10588.
    """

    def __init__(self, model: LoadedMaskedLM) -> None:
        self.model = model
        self._budget = TokenBudget()

    @classmethod
    def load(
        cls, model: str | Path, *, precision: str = "float32", device: str = "auto"
    ) -> "PseudoLikelihood":
        """Load a checkpoint with its masked-language-model head.

        Parameters
        ----------
        model : str or Path
            A folder, the name of an installed model package, or a hub id.
        precision : {"float32", "bfloat16", "float16", "int8", "auto"}, default="float32"
            Of the encoder.
        device : str, default="auto"
            "cpu", "cuda", "cuda:1" or "mps"; auto takes the first GPU, else the CPU.

        Returns
        -------
        PseudoLikelihood
            Ready for texts.

        Raises
        ------
        CheckpointError
            If the checkpoint is not there, has no such head, or cannot be used.
        DeviceError
            If this machine has no such device, or the device not this precision.
        ParameterError
            If precision or device has no such choice.
        """
        return cls(load_for_scoring(model, precision=precision, device=device))

    def plan(self, options: ScoringOptions) -> ScoringPlan:
        """Say what the options mean for this model.

        Parameters
        ----------
        options : ScoringOptions
            As the user gave them.

        Returns
        -------
        ScoringPlan
            Without None or "auto".

        Raises
        ------
        ParameterError
            If a value does not fit this model.
        """
        return plan_scoring(
            options,
            reach=self.model.encoder.config.max_position_embeddings,
            n_special=self.model.tokenizer.n_special,
            device_type=self.model.device.type,
        )

    @torch.no_grad()
    def score(
        self,
        texts: Sequence[str],
        options: ScoringOptions | None = None,
        *,
        progress: Progress | None = None,
    ) -> TokenScores:
        """Score every token of every text.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts; the same text is scored once.
        options : ScoringOptions, optional
            How; one token masked at a time if not given.
        progress : Progress, optional
            Is told how far it is.

        Returns
        -------
        TokenScores
            In the order of the texts.

        Raises
        ------
        CheckpointError
            If the model's tokenizer does not tell where its tokens stand.
        DeviceMemoryError
            If a single window does not fit the device's memory.
        MaskingError
            If the mask token is an ordinary token of the texts.
        NonFiniteScoreError
            If the model gives a token a score that is NaN or infinite.
        ParameterError
            If an option does not fit this model.
        TextInputError
            If a row is no text.
        """
        check_texts(texts)
        plan, told = self.plan(options or ScoringOptions()), progress or Silent()
        unique, inverse = _deduplicate(texts)
        worded = self.model.tokenizer.read_words(unique)
        windows = plan_scoring_windows(worded.tokens, plan.body_length, plan.stride)
        ready = _WindowMaker(worded, windows, plan, self._frame())
        told.start(sum(window.cost for window in ready))
        scores = np.full(len(worded.tokens.input_ids), np.nan)
        copies = pack_copies(iter(ready), self.model.mask_id, plan.batch_tokens, self._budget)
        for batch in copies:
            check_masked(batch)
            for part, found in self._score_in_parts(batch):
                self._check_finite(found, part, worded, unique)
                scores[part.sources] = found
                told.advance(len(part.input_ids))
        return TokenScores(worded, scores, windows.counts(len(unique))).take_rows(inverse)

    def _check_finite(
        self, found: NDArray[np.float64], part: CopyBatch, worded: WordedTexts, texts: list[str]
    ) -> None:
        """Refuse a score that would pass for that of a token not scored."""
        wrong = np.flatnonzero(~np.isfinite(found))
        if not len(wrong):
            return
        place = part.sources[wrong[0]]
        row = int(np.searchsorted(worded.tokens.offsets, place, side="right")) - 1
        model, precision = self.model.name, self.model.precision
        raise refuse_score(float(found[wrong[0]]), texts[row], model=model, precision=precision)

    def _frame(self) -> "_Frame":
        tokenizer = self.model.tokenizer
        return _Frame(np.array(tokenizer.prefix, np.int32), np.array(tokenizer.suffix, np.int32))

    def _score_in_parts(self, batch: CopyBatch) -> Iterator[tuple[CopyBatch, NDArray[np.float64]]]:
        """Score a batch, in halves if it does not fit."""
        try:
            yield batch, self._score_batch(batch)
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch.lengths) == 1:
                raise DeviceMemoryError(
                    f"A window of {len(batch.input_ids)} tokens is more than fits the free memory "
                    f"of {self.model.device} at once. Free some, or lower max_length."
                ) from error
        self._budget.halve(len(batch.input_ids))
        for half in batch.halves():
            yield from self._score_in_parts(half)

    def _score_batch(self, batch: CopyBatch) -> NDArray[np.float64]:
        device = self.model.device
        boundaries = Boundaries.from_lengths(batch.lengths.tolist(), device)
        input_ids = torch.from_numpy(batch.input_ids).to(device)
        places = torch.from_numpy(batch.positions).to(device)
        states = self.model.encoder.forward_packed(input_ids, boundaries, places=places).float()
        targets = torch.from_numpy(batch.targets).to(device, torch.int64)
        return self._guess(states, targets).double().cpu().numpy()

    def _guess(self, states: Tensor, targets: Tensor) -> Tensor:
        """Give the logarithm of each target's probability."""
        rows = max(1, LOGITS_AT_ONCE // self.model.encoder.config.vocab_size)
        found = []
        for some, wanted in zip(states.split(rows), targets.split(rows), strict=True):
            # (scored, hidden) -> (scored, vocab_size)
            logits = self.model.head(some)
            found.append(logits.gather(1, wanted[:, None])[:, 0] - logits.logsumexp(1))
        return torch.cat(found)


@dataclass(frozen=True)
class _Frame:
    prefix: NDArray[np.int32]
    suffix: NDArray[np.int32]


@dataclass(frozen=True)
class _WindowMaker:
    """Makes the windows one after the other, the longest first, each time it is walked through."""

    texts: WordedTexts
    windows: ScoringWindows
    plan: ScoringPlan
    frame: _Frame

    def __iter__(self) -> Iterator[MaskedWindow]:
        drawn = self._draw()
        for number in order_by_length(self.windows.lengths).tolist():
            yield self._make(number, drawn)

    def _make(self, number: int, drawn: Mask) -> MaskedWindow:
        start, stop = int(self.windows.starts[number]), int(self.windows.stops[number])
        here = np.arange(start, stop)
        inside = (here >= self.windows.firsts[number]) & (here < self.windows.lasts[number])
        body = slice(start, stop)
        tokens = WindowTokens(
            self.texts.words[body], inside & self.texts.ordinary[body], drawn[body]
        )
        parts = (self.frame.prefix, self.texts.tokens.input_ids[body], self.frame.suffix)
        copies = MASKINGS[self.plan.method](tokens)
        return MaskedWindow(np.concatenate(parts), len(self.frame.prefix), start, copies)

    def _draw(self) -> Mask:
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


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    places: dict[str, int] = {}
    inverse = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(inverse, np.int64)
