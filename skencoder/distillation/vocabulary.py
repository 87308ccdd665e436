"""The tokenizer of a static model: its model's own, and words that get a token each.

Which vectors the tokens have is decided in `static`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import AddedToken, Tokenizer

from skencoder.errors import CheckpointError, ParameterError
from skencoder.text_checks import check_texts
from skencoder.tokenizer_files import unknown_id

# Places that authors kept free and no text has, at the head of published vocabularies: counted as
# tokens, they would make every rank of the others too large.
UNUSED = re.compile(r"\[unused\d+\]|<unused\d+>")


@dataclass(frozen=True)
class StaticVocabulary:
    """A tokenizer and what of its vocabulary has a vector.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        It puts nothing around texts, and neither cuts nor pads.
    token_ids : list of int
        Of the tokens that texts can have, from frequent to rare as far as their order says.
    words : dict of str to int
        Words that were added and the ids they got, in the order in which they were given.
    """

    tokenizer: Tokenizer
    token_ids: list[int]
    words: dict[str, int]

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1


def make_vocabulary(tokenizer: Tokenizer, words: Sequence[str]) -> StaticVocabulary:
    """Add words to a copy of a tokenizer.

    A word is found where no letter or digit stands beside it, in whatever way the tokenizer
    normalises texts; a word that is one token already gets no other.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Of the model.
    words : sequence of str of shape (n_words,)
        Words and phrases.

    Returns
    -------
    StaticVocabulary
        The tokenizer, its tokens and its new words.

    Raises
    ------
    CheckpointError
        If the vocabulary's ids have gaps, where other libraries would look up wrong vectors.
    ParameterError
        If something is no word.
    """
    static = _bare_copy(tokenizer)
    special = {id_ for id_, token in static.get_added_tokens_decoder().items() if token.special}
    unknown, vocabulary = unknown_id(static), static.get_vocab(with_added_tokens=True)
    if len(set(vocabulary.values())) != max(vocabulary.values(), default=-1) + 1:
        raise CheckpointError(
            f"The tokenizer's {len(vocabulary)} tokens have ids up to {max(vocabulary.values())}; "
            f"a table of vectors needs one id for each, without gaps."
        )
    used = sorted(
        id_
        for token, id_ in vocabulary.items()
        if id_ not in special and id_ != unknown and not UNUSED.fullmatch(token)
    )
    new = _new_words(static, words)
    static.add_tokens([_added(word, static) for word in new])
    vocabulary = static.get_vocab(with_added_tokens=True)
    ids = {word: vocabulary[word] for word in new}
    taken = set(ids.values())
    return StaticVocabulary(static, [id_ for id_ in used if id_ not in taken], ids)


def _bare_copy(tokenizer: Tokenizer) -> Tokenizer:
    fields = json.loads(tokenizer.to_str())
    return Tokenizer.from_str(
        json.dumps(fields | {"post_processor": None, "truncation": None, "padding": None})
    )


def _added(word: str, tokenizer: Tokenizer) -> AddedToken:
    # Byte pairs would else make a token of the space before a word.
    if _normalize(tokenizer, "a b") == "a b":
        return AddedToken(word, single_word=True, lstrip=True, normalized=True)
    # Where spaces become letters, a word can be told from its neighbours before that only.
    return AddedToken(word, single_word=True, lstrip=True, rstrip=True, normalized=False)


def _new_words(tokenizer: Tokenizer, words: Sequence[str]) -> list[str]:
    if isinstance(words, str):
        raise ParameterError(f"vocabulary must be a list of words; got the one text {words!r}.")
    if not len(words):
        return []
    check_texts(words)
    stripped = [word.strip() for word in words]
    if not all(stripped):
        raise ParameterError(
            f"vocabulary must hold words; row {stripped.index('')} has nothing but spaces."
        )
    chosen: dict[str, str] = {}
    for word in stripped:
        chosen.setdefault(_normalize(tokenizer, word), word)
    encodings = tokenizer.encode_batch_fast(list(chosen.values()), add_special_tokens=False)
    unknown = unknown_id(tokenizer)
    return [
        word
        for word, encoding in zip(chosen.values(), encodings, strict=True)
        if len(encoding.ids) != 1 or encoding.ids == [unknown]
    ]


def _normalize(tokenizer: Tokenizer, word: str) -> str:
    normalizer = tokenizer.normalizer
    return word if normalizer is None else str(normalizer.normalize_str(word))
