"""A language model that keeps what it gave to the tokens of one text, while it scores many."""

from collections.abc import Sequence
from typing import Any

from .errors import ScoringStoppedError
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

    def costs(self, texts: Sequence[str]) -> list[int]:
        """Say what the model has to read for each text.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts.

        Returns
        -------
        list of int
            In tokens.
        """
        return self._model.costs(texts)

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

        Raises
        ------
        ScoringStoppedError
            If it is stopped from the keyboard; it holds what is finished.
        """
        if self._text not in texts:
            return self._model.score(texts, advance)
        row, part = texts.index(self._text), 1 / len(texts)
        first = self.read(self._text, lambda share: advance(share * part)).score
        others = [number for number in range(len(texts)) if number != row]
        found = {row: first}
        if others:
            rest = [texts[number] for number in others]
            try:
                scores = self._model.score(rest, lambda share: advance(part + share * (1 - part)))
            except ScoringStoppedError as stop:
                done = {others[number]: score for number, score in stop.scores.items()}
                raise ScoringStoppedError(found | done) from stop
            found |= dict(zip(others, scores, strict=True))
        return [found[number] for number in range(len(texts))]

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
