"""Texts become token ids: flat, with offsets, tokenized once and cut without touching the text.

What an encoder does with the ids stands in `skencoder.encoder`; how they are batched in
`skencoder.batching`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from skencoder.errors import CheckpointError
from skencoder.text_checks import check_texts
from skencoder.tokenizer_files import PythonTokenizer, lowercase_first, open_tokenizer

Ids = NDArray[np.int32]
Index = NDArray[np.int64]

# Texts handed to the tokenizer at once: its per-text objects are freed before the next lot.
TOKENIZE_AT_ONCE = 4096
# How published vocabularies write padding.
PAD_TOKENS = ("[PAD]", "<pad>")


@dataclass(frozen=True)
class TokenizedTexts:
    """Token ids of several texts, end to end.

    Parameters
    ----------
    input_ids : int32 of shape (tokens,)
        Token ids.
    offsets : int64 of shape (n_texts + 1,)
        Where each text begins, in tokens; the last entry is ``tokens``.
    """

    input_ids: Ids
    offsets: Index

    @property
    def lengths(self) -> Index:
        """Tokens of each text, int64 of shape (n_texts,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Windows:
    """Pieces of texts, each short enough for the encoder.

    Parameters
    ----------
    rows : int64 of shape (n_windows,)
        The text each piece is of.
    starts, stops : int64 of shape (n_windows,)
        Where it begins and ends in the flat ids, in tokens.
    leads : int64 of shape (n_windows,)
        Tokens from the beginning of its text put before it, such as a prompt's.
    """

    rows: Index
    starts: Index
    stops: Index
    leads: Index


class TextTokenizer:
    """A checkpoint's tokenizer; special tokens are added after cutting, never cut away.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer or PythonTokenizer
        As read from its files; the padding and cutting stored there are ignored.
    """

    def __init__(self, tokenizer: Tokenizer | PythonTokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self.prefix, self.suffix = _special_tokens(tokenizer)

    @classmethod
    def load(
        cls, folder: Path, *, lowercase: bool = False, trust_remote_code: bool = False
    ) -> "TextTokenizer":
        """Read a checkpoint folder's tokenizer.

        Parameters
        ----------
        folder : Path
            Where ``tokenizer.json`` or older vocabulary files lie.
        lowercase : bool, default=False
            Whether texts, but not special tokens in them, are lowercased first.
        trust_remote_code : bool, default=False
            Whether code from the folder may be run, for a tokenizer that only it has.

        Returns
        -------
        TextTokenizer
            Ready for texts.

        Raises
        ------
        CheckpointError
            If there is no tokenizer, or it cannot be used.
        """
        tokenizer = open_tokenizer(folder, trust_remote_code=trust_remote_code)
        if lowercase:
            lowercase_first(tokenizer)
        try:
            return cls(tokenizer)
        except ValueError as error:
            raise CheckpointError(f"The tokenizer in {folder} cannot be used: {error}.") from error

    @property
    def pad_token_ids(self) -> list[int]:
        """Ids that may be the padding token's, by its usual names."""
        ids = (self._tokenizer.token_to_id(token) for token in PAD_TOKENS)
        return [found for found in ids if found is not None]

    @property
    def n_special(self) -> int:
        """Special tokens put around every text, in tokens."""
        return len(self.prefix) + len(self.suffix)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id the tokenizer gives."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def count(self, text: str) -> int:
        """Count a text's tokens, special ones aside.

        Parameters
        ----------
        text : str
            One text.

        Returns
        -------
        int
            Its length in tokens.
        """
        check_texts([text])
        return len(self.tokenize([text]).input_ids)

    def tokenize(self, texts: Sequence[str]) -> TokenizedTexts:
        """Tokenize whole texts, without special tokens.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass; an empty one has no token.

        Returns
        -------
        TokenizedTexts
            Of all texts, nothing cut.
        """
        lots = [
            self._tokenize_lot(texts[start : start + TOKENIZE_AT_ONCE])
            for start in range(0, len(texts), TOKENIZE_AT_ONCE)
        ]
        lengths = np.concatenate([lengths for _, lengths in lots] or [np.zeros(0, np.int64)])
        ids = np.concatenate([ids for ids, _ in lots] or [np.zeros(0, np.int32)])
        return TokenizedTexts(ids, _offsets(lengths))

    def add_special_tokens(self, texts: TokenizedTexts, windows: Windows) -> TokenizedTexts:
        """Cut the windows out and put the special tokens around each.

        Parameters
        ----------
        texts : TokenizedTexts
            Without special tokens.
        windows : Windows
            What to cut out.

        Returns
        -------
        TokenizedTexts
            One entry per window.
        """
        bodies = windows.stops - windows.starts
        offsets = _offsets(bodies + windows.leads + self.n_special)
        framed = np.empty(offsets[-1], np.int32)
        for place, special in enumerate(self.prefix):
            framed[offsets[:-1] + place] = special
        for place, special in enumerate(self.suffix):
            framed[offsets[1:] - len(self.suffix) + place] = special
        places = offsets[:-1] + len(self.prefix)
        for place in range(windows.leads.max(initial=0)):
            led = windows.leads > place
            framed[places[led] + place] = texts.input_ids[texts.offsets[windows.rows[led]] + place]
        within = np.arange(bodies.sum()) - np.repeat(_offsets(bodies)[:-1], bodies)
        source = np.repeat(windows.starts, bodies) + within
        framed[np.repeat(places + windows.leads, bodies) + within] = texts.input_ids[source]
        return TokenizedTexts(framed, offsets)

    def _tokenize_lot(self, texts: Sequence[str]) -> tuple[Ids, Index]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        parts = [np.asarray(encoding.ids, np.int32) for encoding in encodings]
        return np.concatenate(parts), np.array([len(part) for part in parts], np.int64)


def plan_windows(texts: TokenizedTexts, limit: int, overlap: int | None, lead: int = 0) -> Windows:
    """Decide which piece or pieces of each text are encoded.

    Parameters
    ----------
    texts : TokenizedTexts
        Without special tokens.
    limit : int
        Longest piece, in tokens, the lead included.
    overlap : int or None
        Tokens that neighbouring pieces share; None takes the first piece only.
    lead : int, default=0
        Tokens at the beginning of a text that is cut, such as a prompt's, put before each of its
        pieces.

    Returns
    -------
    Windows
        In row order; every text has at least one, an empty text an empty one.
    """
    leads = np.zeros_like(texts.lengths)
    if overlap is not None:
        leads[texts.lengths > limit] = lead
    bodies, room = texts.lengths - leads, limit - leads
    if overlap is None:
        counts, step = np.ones_like(bodies), np.zeros_like(bodies)
    else:
        step = room - overlap
        counts = 1 + np.maximum(0, -(-(bodies - room) // step))
    rows = np.repeat(np.arange(len(texts)), counts)
    places = np.arange(counts.sum()) - np.repeat(_offsets(counts)[:-1], counts)
    starts = texts.offsets[rows] + leads[rows] + places * step[rows]
    stops = np.minimum(starts + room[rows], texts.offsets[rows + 1])
    return Windows(rows, starts, stops, leads[rows])


def _offsets(lengths: Index) -> Index:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _special_tokens(tokenizer: Tokenizer | PythonTokenizer) -> tuple[list[int], list[int]]:
    if not tokenizer.get_vocab_size():
        raise ValueError("its vocabulary is empty")
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    framed = tokenizer.encode("a", add_special_tokens=True).ids
    for start in range(len(framed) - len(bare) + 1):
        if framed[start : start + len(bare)] == bare:
            return framed[:start], framed[start + len(bare) :]
    raise ValueError(f"special tokens do not surround the text: {framed} for {bare}")
