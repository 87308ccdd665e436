"""A checkpoint's tokenizer: texts to flat ids, and special tokens around what was cut out.

How texts become ids stands in `reader`; how they are cut in `windows`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from skencoder.errors import CheckpointError
from skencoder.text_checks import check_texts
from skencoder.tokenization.flat import Ids, Index, TokenizedTexts, end_to_end, offsets_of, spans
from skencoder.tokenization.reader import open_reader
from skencoder.tokenization.windows import Windows
from skencoder.tokenization.worded import WordedTexts, read_words, special_ids
from skencoder.tokenizer_files import PythonTokenizer, lowercase_first, open_tokenizer

# How published vocabularies write padding.
PAD_TOKENS = ("[PAD]", "<pad>")


class TextTokenizer:
    """A checkpoint's tokenizer; special tokens are added after cutting, never cut away.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer or PythonTokenizer
        As read from its files; the padding and cutting stored there are ignored.

    Warns
    -----
    TokenizerWarning
        If a faster tokenizer is installed but cannot be used.
    """

    def __init__(self, tokenizer: Tokenizer | PythonTokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._read = open_reader(tokenizer)
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
        given = list(texts)
        return self._read(given) if given else end_to_end([])

    def find_tokens(self, text: str) -> tuple[Ids, Index]:
        """Tokenize one text and say where in it each token stands.

        Parameters
        ----------
        text : str
            A text that `skencoder.text_checks` let pass.

        Returns
        -------
        input_ids : int32 of shape (tokens,)
            Without special tokens, as `tokenize` gives them.
        places : int64 of shape (tokens, 2)
            First character of each token, and the first one after it.

        Raises
        ------
        CheckpointError
            If the tokenizer does not tell places.
        """
        encoding = self._with_places().encode(text, add_special_tokens=False)
        places = np.array(encoding.offsets, np.int64).reshape(-1, 2)
        return np.array(encoding.ids, np.int32), places

    def read_words(self, texts: Sequence[str]) -> WordedTexts:
        """Tokenize whole texts, without special tokens, and keep their words and places.

        Parameters
        ----------
        texts : sequence of str of shape (n_texts,)
            Texts that `skencoder.text_checks` let pass.

        Returns
        -------
        WordedTexts
            Of all texts, nothing cut.

        Raises
        ------
        CheckpointError
            If the tokenizer does not tell places.
        """
        return read_words(self._with_places(), texts)

    def token_id(self, token: str) -> int | None:
        """Look one token up.

        Parameters
        ----------
        token : str
            As the vocabulary writes it.

        Returns
        -------
        int or None
            Its id; None where there is no such token.
        """
        return self._tokenizer.token_to_id(token)

    def token_names(self) -> dict[int, str]:
        """Give every token as the vocabulary writes it.

        Returns
        -------
        dict of int to str
            By id.
        """
        names = self._tokenizer.get_vocab(with_added_tokens=True)
        return {id_: token for token, id_ in names.items()}

    def special_ids(self) -> set[int]:
        """List the ids of special tokens, the one for unknown pieces left out.

        Returns
        -------
        set of int
            Of tokens that stand for no text.

        Raises
        ------
        CheckpointError
            If the tokenizer does not tell.
        """
        return special_ids(self._with_places())

    def _with_places(self) -> Tokenizer:
        if not isinstance(self._tokenizer, Tokenizer):
            raise CheckpointError(
                "The checkpoint's tokenizer does not say where in a text its tokens stand; one "
                "with a tokenizer.json does."
            )
        return self._tokenizer

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
        offsets = offsets_of(bodies + windows.leads + self.n_special)
        framed = np.empty(offsets[-1], np.int32)
        for place, special in enumerate(self.prefix):
            framed[offsets[:-1] + place] = special
        for place, special in enumerate(self.suffix):
            framed[offsets[1:] - len(self.suffix) + place] = special
        places = offsets[:-1] + len(self.prefix)
        for place in range(windows.leads.max(initial=0)):
            led = windows.leads > place
            framed[places[led] + place] = texts.input_ids[texts.offsets[windows.rows[led]] + place]
        source = spans(windows.starts, bodies)
        framed[spans(places + windows.leads, bodies)] = texts.input_ids[source]
        return TokenizedTexts(framed, offsets)


def _special_tokens(tokenizer: Tokenizer | PythonTokenizer) -> tuple[list[int], list[int]]:
    if not tokenizer.get_vocab_size():
        raise ValueError("its vocabulary is empty")
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    framed = tokenizer.encode("a", add_special_tokens=True).ids
    for start in range(len(framed) - len(bare) + 1):
        if framed[start : start + len(bare)] == bare:
            return framed[:start], framed[start + len(bare) :]
    raise ValueError(f"special tokens do not surround the text: {framed} for {bare}")
