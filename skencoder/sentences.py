"""Where the sentences of a text are, as places in the text itself.

The rules of about 300 languages (abbreviations, quotes, lists, stops of other scripts) are those
of the library `sentencex` [1]_. What becomes of the sentences stands in the estimators.

References
----------
.. [1] Wikimedia Language team, sentencex, https://github.com/wikimedia/sentencex.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from sentencex import get_sentence_boundaries

from skencoder.errors import ParameterError
from skencoder.text_checks import check_texts

# Codes as ISO 639 writes them: "en", "deu", with a variant after a hyphen where there is one.
_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")


class Span(NamedTuple):
    """A part of a text: ``text[start:stop]``.

    Parameters
    ----------
    start, stop : int
        In characters; the first one, and the first one after it.
    """

    start: int
    stop: int


def split_sentences(text: str, *, language: str = "en") -> list[Span]:
    """Find the sentences of a text.

    Parameters
    ----------
    text : str
        The text; it may be empty.
    language : str, default="en"
        Its code in ISO 639, such as "de"; it decides which abbreviations are known. Languages
        that the library has no rules for are split as the ones they are closest to.

    Returns
    -------
    list of Span
        In order and without overlap; only white space lies between them, and none at their ends.
        An empty text has none, a text without any stop is one.

    Raises
    ------
    ParameterError
        If the language is no such code.
    TextInputError
        If the text is no str, or holds half a character.

    Examples
    --------
    >>> text = "Dr. Smith paid 3.5 pounds. Why? Nobody knows"
    >>> [text[start:stop] for start, stop in split_sentences(text)]
    ['Dr. Smith paid 3.5 pounds.', 'Why?', 'Nobody knows']
    """
    check_language(language)
    check_texts([text])
    found = get_sentence_boundaries(language, text)
    spans = (_trim(text, piece["start_index"], piece["end_index"]) for piece in found)
    return [span for span in spans if span.start < span.stop]


def widen(spans: Sequence[Span], context: int) -> list[Span]:
    """Give each sentence its neighbours in the text.

    Parameters
    ----------
    spans : sequence of Span of shape (n_sentences,)
        Of one text, in order.
    context : int
        How many sentences before and after.

    Returns
    -------
    list of Span of shape (n_sentences,)
        From the first neighbour's start to the last one's stop.
    """
    last = len(spans) - 1
    return [
        Span(spans[max(0, place - context)].start, spans[min(last, place + context)].stop)
        for place in range(len(spans))
    ]


@dataclass(frozen=True)
class SplitTexts:
    """The sentences of several texts, end to end.

    Parameters
    ----------
    texts : list of str of shape (n_texts,)
        The texts.
    spans : list of Span of shape (n_sentences,)
        Each sentence's place in its text.
    offsets : list of int of shape (n_texts + 1,)
        Where each text's sentences begin; the last entry is ``n_sentences``.
    """

    texts: list[str]
    spans: list[Span]
    offsets: list[int]

    @classmethod
    def split(cls, texts: Sequence[str], *, language: str = "en") -> "SplitTexts":
        """Find the sentences of several texts.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            The texts; some may be empty.
        language : str, default="en"
            Of them all, as `split_sentences` takes it.

        Returns
        -------
        SplitTexts
            Their sentences.

        Raises
        ------
        ParameterError
            If the language is no such code.
        TextInputError
            If a text is no str, or holds half a character.
        """
        found = [split_sentences(text, language=language) for text in texts]
        offsets = list(accumulate(map(len, found), initial=0))
        return cls(list(texts), [span for spans in found for span in spans], offsets)

    @property
    def owners(self) -> list[int]:
        """The number of each sentence's text, of shape (n_sentences,)."""
        counts = self.counts
        return [text for text, count in enumerate(counts) for _ in range(count)]

    @property
    def counts(self) -> list[int]:
        """How many sentences each text has, of shape (n_texts,)."""
        return [stop - start for start, stop in pairwise(self.offsets)]

    def widened(self, context: int) -> "SplitTexts":
        """Give each sentence its neighbours of the same text.

        Parameters
        ----------
        context : int
            How many before and after.

        Returns
        -------
        SplitTexts
            As many spans, which overlap.
        """
        wide = [
            span
            for start, stop in pairwise(self.offsets)
            for span in widen(self.spans[start:stop], context)
        ]
        return SplitTexts(self.texts, wide, self.offsets)

    def read(self) -> list[str]:
        """Read the sentences.

        Returns
        -------
        list of str of shape (n_sentences,)
            As they stand in their texts.
        """
        return [
            self.texts[text][start:stop]
            for text, (start, stop) in zip(self.owners, self.spans, strict=True)
        ]


def check_language(language: Any) -> None:
    """Refuse what is no code of a language.

    Parameters
    ----------
    language : object
        What came.

    Raises
    ------
    ParameterError
        If it is not written as ISO 639 does.
    """
    if not isinstance(language, str) or not _CODE.fullmatch(language):
        raise ParameterError(
            f"language must be a code of ISO 639, such as 'en' or 'de'; got {language!r}."
        )


def _trim(text: str, start: int, stop: int) -> Span:
    piece = text[start:stop]
    return Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))


def holds_any(sentence: str, strings: Iterable[str]) -> bool:
    """Say whether one of several strings stands in a sentence.

    Parameters
    ----------
    sentence : str
        The sentence.
    strings : iterable of str
        The strings.

    Returns
    -------
    bool
        Whatever the case, and the kind and length of white space.
    """
    plain = _plain(sentence)
    return any(_plain(string) in plain for string in strings)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
