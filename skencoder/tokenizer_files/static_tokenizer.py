"""The tokenizer of a static model: no special tokens, and a text always has a token.

What the table makes of the ids stands in `skencoder.encoder`.
"""

import json
from collections.abc import Sequence

from tokenizers import Tokenizer

from skencoder.tokenizer_files.ids import Ids

# The encoder's own NO_TOKEN, which finds a vector of zeros: a text without any known token.
NO_TOKEN = -1


class StaticTokenizer:
    """A fast tokenizer whose special tokens are not put around texts.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        As read from its file.
    drop_unknown : bool
        Whether tokens that are not in the vocabulary are left out, as model2vec does; else they
        are tokens like any other, as for sentence-transformers.

    Attributes
    ----------
    tokenizer : tokenizers.Tokenizer
        The tokenizer as read from its file; it leaves nothing out.
    unknown_id : int or None
        The token that is left out.
    """

    def __init__(self, tokenizer: Tokenizer, *, drop_unknown: bool) -> None:
        self.tokenizer = tokenizer
        self.unknown_id = unknown_id(tokenizer) if drop_unknown else None

    def encode(self, text: str, add_special_tokens: bool = True) -> Ids:
        """Tokenize one text.

        Parameters
        ----------
        text : str
            The text.
        add_special_tokens : bool, default=True
            Not looked at: a static model has none.

        Returns
        -------
        Ids
            At least one, `NO_TOKEN` if there is no other.
        """
        return self.encode_batch_fast([text])[0]

    def encode_batch_fast(
        self, texts: Sequence[str], add_special_tokens: bool = True
    ) -> list[Ids]:
        """Tokenize several texts.

        Parameters
        ----------
        texts : sequence of str
            The texts.
        add_special_tokens : bool, default=True
            Not looked at: a static model has none.

        Returns
        -------
        list of Ids
            One per text, each with at least one token.
        """
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [Ids(self._known(encoding.ids) or [NO_TOKEN]) for encoding in encodings]

    def _known(self, ids: list[int]) -> list[int]:
        unknown = self.unknown_id
        # Most texts have no unknown token, and looking for one is quicker than copying.
        return [id_ for id_ in ids if id_ != unknown] if unknown in ids else ids

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """Give every token and its id.

        Parameters
        ----------
        with_added_tokens : bool, default=True
            Whether those that were added to the model's are among them.

        Returns
        -------
        dict of str to int
            By token.
        """
        vocabulary: dict[str, int] = self.tokenizer.get_vocab(with_added_tokens=with_added_tokens)
        return vocabulary

    def get_vocab_size(self) -> int:
        """Count the tokens.

        Returns
        -------
        int
            With the added ones.
        """
        return int(self.tokenizer.get_vocab_size())

    def token_to_id(self, token: str) -> int | None:
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
        found: int | None = self.tokenizer.token_to_id(token)
        return found

    def no_padding(self) -> None:
        """Forget the padding that stands in the file."""
        self.tokenizer.no_padding()

    def no_truncation(self) -> None:
        """Forget the cutting that stands in the file."""
        self.tokenizer.no_truncation()


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """Find the token that stands for what is not in a vocabulary.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Of word pieces, byte pairs, whole words or sentence pieces.

    Returns
    -------
    int or None
        Its id; None where everything can be written with the vocabulary.
    """
    if hasattr(tokenizer.model, "unk_token"):
        token = tokenizer.model.unk_token
        return None if token is None else tokenizer.token_to_id(token)
    # Sentence pieces say it in their file only.
    found: int | None = json.loads(tokenizer.to_str())["model"].get("unk_id")
    return found
