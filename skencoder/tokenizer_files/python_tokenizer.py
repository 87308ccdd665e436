"""Tokenizers that only transformers has, such as those written in Python, behind one interface.

Optional: needs the extra ``transformers``. Vocabulary files that are converted here stand in
`reading`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer, normalizers

from skencoder.errors import CheckpointError
from skencoder.static_files import static_layout
from skencoder.tokenizer_files.ids import Ids
from skencoder.tokenizer_files.options import FAMILY_OF_CLASS, read_object
from skencoder.tokenizer_files.reading import read_tokenizer
from skencoder.tokenizer_files.static_tokenizer import StaticTokenizer

# Architectures whose vocabulary files say all there is to know.
_PLAIN_MODEL_TYPES = {*FAMILY_OF_CLASS.values(), "distilbert", "electra"}
_VOCABULARIES = ("*.model", "vocab.*", "merges.txt", "bpe.codes")


class PythonTokenizer:
    """A tokenizer of transformers that has no fast form, called as a fast one.

    Parameters
    ----------
    tokenizer : object
        Of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._vocabulary: dict[str, int] = dict(tokenizer.get_vocab())
        self.lowercase = False

    def encode(self, text: str, add_special_tokens: bool = True) -> Ids:
        """Tokenize one text.

        Parameters
        ----------
        text : str
            The text.
        add_special_tokens : bool, default=True
            Whether to put special tokens around it.

        Returns
        -------
        Ids
            Nothing cut, nothing padded.
        """
        ids = self._tokenizer.encode(
            text.lower() if self.lowercase else text,
            add_special_tokens=add_special_tokens,
            truncation=False,
            verbose=False,
        )
        return Ids(list(ids))

    def encode_batch_fast(
        self, texts: Sequence[str], add_special_tokens: bool = True
    ) -> list[Ids]:
        """Tokenize several texts, one after the other.

        Parameters
        ----------
        texts : sequence of str
            The texts.
        add_special_tokens : bool, default=True
            Whether to put special tokens around each.

        Returns
        -------
        list of Ids
            One per text.
        """
        return [self.encode(text, add_special_tokens) for text in texts]

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """Give every token and its id.

        Parameters
        ----------
        with_added_tokens : bool, default=True
            Not looked at: they are always there.

        Returns
        -------
        dict of str to int
            By token.
        """
        return dict(self._vocabulary)

    def get_vocab_size(self) -> int:
        """Count the tokens.

        Returns
        -------
        int
            With the added ones.
        """
        return len(self._tokenizer)

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
        return self._vocabulary.get(token)

    def no_padding(self) -> None:
        """Do nothing: `encode` never pads."""

    def no_truncation(self) -> None:
        """Do nothing: `encode` never cuts."""


def lowercase_first(tokenizer: Tokenizer | PythonTokenizer) -> None:
    """Lowercase texts before whatever else a tokenizer does; special tokens in them stay.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer or PythonTokenizer
        Changed in place, unless it lowercases already.
    """
    if isinstance(tokenizer, PythonTokenizer):
        tokenizer.lowercase = True
        return
    present = tokenizer.normalizer
    steps: list[Any] = [] if present is None else [present]
    if isinstance(present, normalizers.Sequence):
        steps = [present[place] for place in range(len(present))]
    if not any(isinstance(step, normalizers.Lowercase) for step in steps):
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def open_tokenizer(
    folder: Path, *, trust_remote_code: bool = False
) -> Tokenizer | PythonTokenizer:
    """Read a checkpoint folder's tokenizer, by transformers where its files do not say all.

    Parameters
    ----------
    folder : Path
        The checkpoint's.
    trust_remote_code : bool, default=False
        Whether code from the checkpoint may be run.

    Returns
    -------
    tokenizers.Tokenizer or PythonTokenizer
        It puts the checkpoint's special tokens around a text.

    Raises
    ------
    CheckpointError
        If there is no tokenizer, or one that needs an extra or is damaged.
    """
    layout = static_layout(folder)
    if layout is not None:
        drop = layout == "model2vec"
        static = StaticTokenizer(read_tokenizer(folder), drop_unknown=drop)
        # It answers the same calls.
        return cast(PythonTokenizer, static)
    if (folder / "tokenizer.json").is_file():
        return read_tokenizer(folder)
    kind = _foreign_kind(folder)
    if kind is None:
        return read_tokenizer(folder)
    return _open_with_transformers(folder, kind, trust_remote_code)


def _foreign_kind(folder: Path) -> str | None:
    """Name what makes a tokenizer one that is not converted here; None where it is."""
    named = _field(folder, "tokenizer_class")
    if named is not None:
        plain = named.removesuffix("Fast") in FAMILY_OF_CLASS
        return None if plain else f"tokenizer_class={named!r}"
    model_type = _field(folder, "model_type")
    held = any(True for pattern in _VOCABULARIES for _ in folder.glob(pattern))
    if model_type is None or model_type in _PLAIN_MODEL_TYPES or not held:
        return None
    return f"model_type={model_type!r}"


def _field(folder: Path, name: str) -> str | None:
    for file in ("tokenizer_config.json", "config.json"):
        value = read_object(folder / file).get(name)
        if isinstance(value, str):
            return value
    return None


def _open_with_transformers(
    folder: Path, kind: str, trust_remote_code: bool
) -> Tokenizer | PythonTokenizer:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise CheckpointError(
            f"{folder} has no tokenizer.json and {kind}, whose tokenizer is computed by "
            f"transformers: pip install 'skencoder[transformers]'."
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder,
            trust_remote_code=trust_remote_code,
            # Trusted code may lie in another repository than its weights.
            local_files_only=not trust_remote_code,
        )
    except Exception as error:  # the library raises what its readers raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"The tokenizer in {folder} ({kind}) cannot be loaded by transformers: {reason}"
        ) from error
    fast = getattr(tokenizer, "backend_tokenizer", None)
    return fast if isinstance(fast, Tokenizer) else PythonTokenizer(tokenizer)
