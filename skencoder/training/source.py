"""How texts become tokens for a model that learns: as they will when it encodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skencoder.encoding_plan import EncodingPlan
from skencoder.errors import TextInputError
from skencoder.text_checks import check_texts, report_overlong
from skencoder.tokenization import Index, TextTokenizer, TokenizedTexts, plan_windows


@dataclass(frozen=True)
class TextSource:
    """A tokenizer, and what is put before and cut off.

    Parameters
    ----------
    tokenizer : TextTokenizer
        Of the model.
    plan : EncodingPlan
        Says prompt and longest text.
    """

    tokenizer: TextTokenizer
    plan: EncodingPlan

    @property
    def skip(self) -> int:
        """First tokens of each text that are not pooled: a prompt's, where that is left out."""
        left_out = bool(self.plan.prompt) and not self.plan.pools_prompt
        return len(self.tokenizer.prefix) + self.plan.prompt_tokens if left_out else 0

    def read(self, texts: Sequence[str]) -> TokenizedTexts:
        """Tokenize texts, cut them and put the special tokens around them.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            What the model learns from; of an over-long one its first tokens.

        Returns
        -------
        TokenizedTexts
            One entry per text.

        Raises
        ------
        OverlongTextError
            If ``overflow="error"`` and a text is too long.
        TextInputError
            If a row holds half a character, or has no token at all.

        Warns
        -----
        UserWarning
            If a text is cut, unless ``overflow="truncate"``.
        """
        check_texts(texts)
        tokens = self.tokenizer.tokenize([self.plan.prompt + text for text in texts])
        lengths = tokens.lengths.astype(np.int64) + self.tokenizer.n_special
        # Windows are for encoding: of a text that is learned from the beginning counts.
        overflow = "warn" if self.plan.overflow == "chunk" else self.plan.overflow
        report_overlong(lengths, self.plan.max_length, overflow)
        _check_not_empty(lengths)
        windows = plan_windows(tokens, self.plan.body_length, None)
        return self.tokenizer.add_special_tokens(tokens, windows)


def _check_not_empty(lengths: Index) -> None:
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        raise TextInputError(
            f"Text {empty[0]} has no token: it is empty to this tokenizer, which puts no special "
            f"token around a text. Leave such texts out, or give them a word."
        )
