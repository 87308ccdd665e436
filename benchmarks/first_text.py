"""A language model that keeps what it gave to the tokens of one text, while it scores many."""

from collections.abc import Sequence
from typing import Any

from .language_models import Advance, LanguageModel, ReadText, ScoredToken, TextScore


class FirstTextKept:
    """A language model, and the tokens of a text that it scored in passing.

    Parameters
    ----------
    model : LanguageModel
        Does the work.
    text : str
        Whose tokens are kept.
    """

    def __init__(self, model: LanguageModel, text: str) -> None:
        self._model, self._text = model, text
        self._read: ReadText | None = None
        self.name, self.kind = model.name, model.kind
        self.method, self.fingerprint = model.method, model.fingerprint

    @property
    def used(self) -> dict[str, Any]:
        """How the model is run: lengths, precision, device."""
        return self._model.used

    @property
    def tokens(self) -> tuple[ScoredToken, ...]:
        """The text's tokens; scored here only if the text was not among those scored."""
        return self.read(self._text, lambda _: None).tokens

    def score(self, texts: Sequence[str], advance: Advance) -> list[TextScore]:
        """Score texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.
        advance : callable
            Told which share is done.

        Returns
        -------
        list of TextScore
            In the order of the texts.
        """
        if self._text not in texts:
            return self._model.score(texts, advance)
        row, part = texts.index(self._text), 1 / len(texts)
        first = self.read(self._text, lambda share: advance(share * part)).score
        others = [text for number, text in enumerate(texts) if number != row]
        scores = self._model.score(others, lambda share: advance(part + share * (1 - part)))
        return [*scores[:row], first, *scores[row:]]

    def read(self, text: str, advance: Advance) -> ReadText:
        """Score one text, and keep what its tokens had.

        Parameters
        ----------
        text : str
            The text.
        advance : callable
            Told which share is done.

        Returns
        -------
        ReadText
            Its score and its tokens.
        """
        if text != self._text:
            return self._model.read(text, advance)
        if self._read is None:
            self._read = self._model.read(text, advance)
        return self._read
