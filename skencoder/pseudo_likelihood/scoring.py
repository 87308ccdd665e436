"""PseudoLikelihood: a loaded model that scores the tokens of texts, each guessed from the others.

What is masked stands in `masking`, how long texts are read in `windows`, the way from texts to
their scores in `scoring_run`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skencoder.batching import TokenBudget
from skencoder.encoder import Boundaries
from skencoder.errors import DeviceMemoryError
from skencoder.pseudo_likelihood.copies import CopyBatch
from skencoder.pseudo_likelihood.loading import LoadedMaskedLM, load_for_scoring
from skencoder.pseudo_likelihood.options import ScoringOptions, ScoringPlan, plan_scoring
from skencoder.pseudo_likelihood.progress import Progress
from skencoder.pseudo_likelihood.scores import TokenScores
from skencoder.pseudo_likelihood.scoring_run import ScoringRun
from skencoder.text_checks import check_texts
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
        run = self.prepare(texts, options)
        run.finish(progress)
        return run.scores

    def prepare(self, texts: Sequence[str], options: ScoringOptions | None = None) -> ScoringRun:
        """Plan the scoring of texts, for those who want to know its cost or to stop on the way.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts; the same text is scored once.
        options : ScoringOptions, optional
            How; one token masked at a time if not given.

        Returns
        -------
        ScoringRun
            Nothing is scored yet.

        Raises
        ------
        CheckpointError
            If the model's tokenizer does not tell where its tokens stand.
        ParameterError
            If an option does not fit this model.
        TextInputError
            If a row is no text.
        """
        check_texts(texts)
        plan = self.plan(options or ScoringOptions())
        return ScoringRun(texts, self.model, plan, self._score_in_parts, self._budget)

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

    @torch.no_grad()
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
