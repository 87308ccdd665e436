"""Learning to guess masked tokens: what is masked is drawn anew at every step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from skencoder.tokenization import Ids, Index, TokenizedTexts
from skencoder.training.batches import cut_by_tokens, pack_texts, shuffled_batches
from skencoder.training.learner import Learner
from skencoder.training.losses import masked_token_loss
from skencoder.training.masked_rows import MaskedRows, whole_texts
from skencoder.training.masking import MaskedTokens, choose_places, mask_tokens
from skencoder.training.tasks import Step


@dataclass(frozen=True)
class MaskedTask:
    """Windows of texts in which masked tokens are guessed.

    The loss is the mean cross entropy of the masked tokens, in nats.

    Parameters
    ----------
    rows : MaskedRows
        The windows.
    mask_id : int
        The mask's id.
    random_ids : int of shape (ids,)
        Ids that may stand in for a token.
    probability : float
        Of a token, or of a word, to be masked.
    whole_word : bool
        Whether all pieces of a word are masked together.
    least_rows : int
        A window alone says something.
    teacher : str
        There is none.
    modules : mapping of str to nn.Module
        Nothing is trained beside the model.
    """

    rows: MaskedRows
    mask_id: int
    random_ids: Ids | Index
    probability: float
    whole_word: bool
    least_rows: int = 1
    teacher: str = ""
    modules: Mapping[str, nn.Module] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Windows to learn from."""
        return len(self.rows.texts)

    def origins(self, rows: Index) -> Index:
        """Say which texts windows are of.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int64 of shape (n_rows,)
            Numbers of texts.
        """
        return self.rows.origins[rows]

    def tokens(self, rows: Index) -> int:
        """Count the tokens of windows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            Which.

        Returns
        -------
        int
            Special tokens included.
        """
        return int(self.rows.texts.lengths[rows].sum())

    def batches(self, rows: Index, batch_size: int, rng: np.random.Generator) -> list[Index]:
        """Draw one pass over windows.

        Parameters
        ----------
        rows : int64 of shape (n_rows,)
            What to draw from.
        batch_size : int
            Windows of a batch.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        list of int64 arrays
            Every window stands in exactly one.
        """
        return shuffled_batches(rows, batch_size, rng)

    def hold_out(self, count: int, rng: np.random.Generator) -> Index:
        """Choose windows that are not learned from, to watch the loss on them.

        Parameters
        ----------
        count : int
            How many, about.
        rng : numpy Generator
            Draws them.

        Returns
        -------
        int64 of shape (n_held_out,)
            Of whole texts, where there are two or more; in rising order.
        """
        return whole_texts(self.rows.origins, count, rng)

    def accumulate(self, learner: Learner, step: Step) -> float:
        """Add the gradient of some windows' loss to the parameters.

        Parameters
        ----------
        learner : Learner
            The model.
        step : Step
            Which windows, and what is drawn.

        Returns
        -------
        float
            In nats per masked token.
        """
        learner.seed(step.seed)
        # Summed up on the device: a number asked for would make it wait after each pass.
        total = torch.zeros((), device=learner.device)
        for share in self._shares(learner, step):
            share.backward()
            total += share.detach()
        return float(total)

    @torch.no_grad()
    def evaluate(self, learner: Learner, step: Step) -> float:
        """Take the loss of windows that are not learned from.

        Parameters
        ----------
        learner : Learner
            The model, in evaluation mode.
        step : Step
            Which windows; the same seed masks the same.

        Returns
        -------
        float
            In nats per masked token.
        """
        return float(torch.stack(list(self._shares(learner, step))).sum())

    def _shares(self, learner: Learner, step: Step) -> Iterator[Tensor]:
        """Go through the model pass by pass; the parts add up to the mean over all places."""
        chosen = self.rows.take_rows(step.rows)
        masked = self._mask(chosen, np.random.default_rng(step.seed))
        hidden = TokenizedTexts(masked.input_ids, chosen.texts.offsets)
        is_target = np.zeros(len(masked.input_ids), bool)
        is_target[masked.places] = True
        answers = chosen.texts.input_ids
        for rows in cut_by_tokens(chosen.texts.lengths, step.batch_tokens):
            source = hidden.places_of(rows)
            places = np.flatnonzero(is_target[source])
            if len(places):
                targets = torch.from_numpy(answers[source[places]].astype(np.int64))
                loss = self._loss(learner, hidden.take_rows(rows), places, targets)
                yield loss / len(masked.places)

    def _mask(self, chosen: MaskedRows, rng: np.random.Generator) -> MaskedTokens:
        places = choose_places(
            chosen.maskable,
            probability=self.probability,
            words=chosen.words if self.whole_word else None,
            generator=rng,
        )
        return mask_tokens(
            chosen.texts.input_ids,
            places,
            mask_id=self.mask_id,
            random_ids=self.random_ids,
            generator=rng,
        )

    def _loss(
        self, learner: Learner, texts: TokenizedTexts, places: Index, targets: Tensor
    ) -> Tensor:
        device = learner.device
        logits = learner.guess(pack_texts(texts, device), torch.from_numpy(places).to(device))
        return masked_token_loss(logits, targets.to(device))
