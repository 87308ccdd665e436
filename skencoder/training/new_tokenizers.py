"""A tokenizer is trained on a corpus and written as a folder; its kinds: tokenizer_kinds.py."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from skencoder.errors import ParameterError, TextInputError
from skencoder.files import appearing, check_is_new
from skencoder.training.tokenizer_kinds import PAD_TOKEN_IDS, TRAINERS
from skencoder.training.tokenizer_parts import BERT_TOKENS, ROBERTA_TOKENS, Corpus

TokenizerKind = Literal["wordpiece", "bpe", "unigram"]
_ROLES = {
    BERT_TOKENS: ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"),
    ROBERTA_TOKENS: ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"),
}


@dataclass(frozen=True)
class NewTokenizer:
    """A tokenizer that was trained and written.

    Parameters
    ----------
    folder : Path
        Where ``tokenizer.json`` and ``tokenizer_config.json`` lie.
    vocab_size : int
        Its tokens, special ones included; fewer than asked for where the corpus gave no more.
    pad_token_id : int
        Its padding.
    """

    folder: Path
    vocab_size: int
    pad_token_id: int


def train_tokenizer(
    texts: Iterable[str],
    folder: str | Path,
    *,
    kind: TokenizerKind = "wordpiece",
    vocab_size: int,
    lowercase: bool = True,
    min_frequency: int = 2,
) -> NewTokenizer:
    """Train a tokenizer and write its folder, as other libraries read it.

    The same texts give the same files.

    Parameters
    ----------
    texts : iterable of str
        The corpus; it is gone through once and not kept.
    folder : str or Path
        Where to; it must not exist, or be empty.
    kind : {"wordpiece", "bpe", "unigram"}, default="wordpiece"
        As BERT, RoBERTa (bytes) or XLM-RoBERTa have it.
    vocab_size : int
        Most tokens wanted, special ones included.
    lowercase : bool, default=True
        Whether capitals count for nothing; WordPiece then drops accents too, as BERT does.
    min_frequency : int, default=2
        How often two pieces must stand together to become one; Unigram has no such limit.

    Returns
    -------
    NewTokenizer
        The folder and how many tokens there are.

    Raises
    ------
    ParameterError
        If a parameter cannot be used, or ``vocab_size`` is too small for the characters.
    TextInputError
        If a row is no text, or there is too little text to learn from.
    CheckpointError
        If the folder holds something.
    OSError
        If the folder cannot be written; nothing is left behind.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from skencoder.training.new_tokenizers import train_tokenizer
    >>> train_tokenizer(["so far so good"], mkdtemp(), vocab_size=25).vocab_size
    17
    """
    _check_parameters(kind, vocab_size, min_frequency)
    target = Path(folder).expanduser().resolve()
    check_is_new(target)
    alphabet = _Alphabet(kind, vocab_size)
    corpus = Corpus(texts, vocab_size, lowercase, min_frequency, alphabet.check)
    tokenizer = TRAINERS[kind](corpus)
    found = tokenizer.get_vocab_size()
    _check_learned(found, alphabet.size, corpus)
    with appearing(target) as draft:
        (draft / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
        fields = json.dumps(_fields(tokenizer), indent=2) + "\n"
        (draft / "tokenizer_config.json").write_text(fields, encoding="utf-8")
    return NewTokenizer(target, found, PAD_TOKEN_IDS[kind])


class _Alphabet:
    """Remembers how many tokens there are before anything is learned, if they fit."""

    def __init__(self, kind: str, vocab_size: int) -> None:
        self.kind, self.vocab_size, self.size = kind, vocab_size, 0

    def check(self, size: int) -> None:
        self.size = size
        if size > self.vocab_size:
            raise ParameterError(
                f"vocab_size={self.vocab_size} is too small: the special tokens and the single "
                f"characters of a {self.kind} tokenizer for these texts are {size} tokens. "
                f"Choose several times as many."
            )


def _check_learned(found: int, alphabet: int, corpus: Corpus) -> None:
    # With as many tokens as characters that is what was asked for.
    if found > alphabet or corpus.vocab_size == alphabet:
        return
    raise TextInputError(
        f"The texts are too few to learn a tokenizer from: no two pieces stand together "
        f"min_frequency={corpus.min_frequency} times, so that every token would be one "
        f"character. Give more text."
    )


def _check_parameters(kind: str, vocab_size: object, min_frequency: object) -> None:
    if kind not in TRAINERS:
        raise ParameterError(f"kind must be one of {', '.join(TRAINERS)}; got {kind!r}.")
    for name, value in (("vocab_size", vocab_size), ("min_frequency", min_frequency)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ParameterError(f"{name} must be a positive integer; got {value!r}.")


def _fields(tokenizer: Tokenizer) -> dict[str, Any]:
    known = tokenizer.get_vocab()
    tokens = next(tokens for tokens in _ROLES if known.keys() >= {*tokens})
    roles = dict(zip(_ROLES[tokens], tokens, strict=True))
    # As ``tokenizer.json`` has it, nothing rebuilt. A text alone is all segment 0, so that the
    # models which know no segments read the same.
    return {
        **roles,
        "bos_token": roles["cls_token"],
        "eos_token": roles["sep_token"],
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
