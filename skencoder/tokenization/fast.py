"""Faster tokenizers: used where they are installed and give the ids of the `tokenizers` library.

What they are compared on stands in `parity`. None of them is needed.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import BPE, Model, WordPiece

from skencoder.errors import TokenizerWarning
from skencoder.frames import user_stacklevel
from skencoder.tokenization.flat import TokenizedTexts, end_to_end, offsets_of
from skencoder.tokenization.library import library_ids
from skencoder.tokenization.parity import Tokenize, ascii_texts, first_difference, other_texts


@dataclass(frozen=True)
class FastPackage:
    """A package that may be installed.

    Parameters
    ----------
    name : str
        As it is imported.
    model : type
        Model of `tokenizers` that it knows.
    open : callable
        Maps the content of a ``tokenizer.json`` to what maps texts to ids, without special tokens.
    """

    name: str
    model: type[Model]
    open: Callable[[str], Tokenize]


@dataclass(frozen=True)
class FastTokenizer:
    """A tokenizer that was found equal to the library's.

    Parameters
    ----------
    package : str
        Whose it is.
    read : callable
        Maps texts to their ids.
    ascii_only : bool
        Whether it was found equal on ASCII texts only.
    """

    package: str
    read: Tokenize
    ascii_only: bool

    def encode(self, texts: list[str], otherwise: Tokenize) -> TokenizedTexts:
        """Tokenize whole texts, without special tokens.

        Parameters
        ----------
        texts : list of str of length n_texts
            At least one.
        otherwise : callable
            Reads the texts that are not for this tokenizer.

        Returns
        -------
        TokenizedTexts
            Of all texts, in their order.
        """
        if not self.ascii_only:
            return self.read(texts)
        ours = np.fromiter(map(str.isascii, texts), bool, len(texts))
        if ours.all():
            return self.read(texts)
        rest = otherwise([text for text in texts if not text.isascii()])
        if not ours.any():
            return rest
        read = self.read([text for text in texts if text.isascii()])
        places = np.where(ours, np.cumsum(ours), len(read) + np.cumsum(~ours)) - 1
        return end_to_end([read, rest]).take_rows(places)


def open_fast_tokenizer(
    tokenizer: Tokenizer, packages: Sequence[FastPackage] | None = None
) -> FastTokenizer | None:
    """Open the faster tokenizer that is installed, if it gives the same ids.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        It neither cuts nor pads.
    packages : sequence of FastPackage, optional
        Which to look for; `PACKAGES` if not given.

    Returns
    -------
    FastTokenizer or None
        None where nothing is installed that can take this tokenizer's place.

    Warns
    -----
    TokenizerWarning
        If something is installed but cannot be used.
    """
    for package in PACKAGES if packages is None else packages:
        if isinstance(tokenizer.model, package.model) and find_spec(package.name):
            try:
                return _open_checked(package, tokenizer)
            except Exception as error:  # each package raises errors of its own
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                warnings.warn(
                    f"{package.name} is installed but not used for this tokenizer: {reason}. "
                    f"Its texts are tokenized by the tokenizers library.",
                    TokenizerWarning,
                    stacklevel=user_stacklevel(),
                )
    return None


def _open_checked(package: FastPackage, tokenizer: Tokenizer) -> FastTokenizer:
    read = package.open(tokenizer.to_str())

    def expected(texts: list[str]) -> TokenizedTexts:
        return library_ids(tokenizer, texts)

    different = first_difference(expected, read, ascii_texts(tokenizer))
    if different is not None:
        raise ValueError(f"its ids differ from the tokenizers library's on {different[:40]!r}")
    ascii_only = first_difference(expected, read, other_texts(tokenizer)) is not None
    return FastTokenizer(package.name, read, ascii_only)


def _open_nanotoken(tokenizer_json: str) -> Tokenize:
    fast = import_module("nanotoken").Tokenizer.from_json(tokenizer_json)

    def read(texts: list[str]) -> TokenizedTexts:
        rows = fast.encode_batch(texts, add_special_tokens=False)
        return TokenizedTexts(rows.ids.astype(np.int32), rows.offsets)

    return read


def _open_gigatoken(tokenizer_json: str) -> Tokenize:
    awkward = import_module("awkward")
    fast = import_module("gigatoken").Tokenizer.from_json(tokenizer_json)

    def read(texts: list[str]) -> TokenizedTexts:
        rows = fast.encode_batch(texts)
        lengths = np.asarray(awkward.num(rows), np.int64)
        return TokenizedTexts(np.asarray(awkward.flatten(rows), np.int32), offsets_of(lengths))

    return read


PACKAGES = (
    FastPackage("nanotoken", WordPiece, _open_nanotoken),
    FastPackage("gigatoken", BPE, _open_gigatoken),
)
