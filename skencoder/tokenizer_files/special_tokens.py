"""Special and added tokens: which there are, and how a tokenizer is told of them.

The JSON fields they come from are read in `options`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Tokenizer

from skencoder.errors import CheckpointError
from skencoder.tokenizer_files.options import Fields, TokenizerOptions, token_fields

ROLES = ("cls_token", "sep_token", "unk_token", "pad_token", "mask_token")
FAIRSEQ_TOKENS = ("<s>", "</s>", "<unk>", "<pad>", "<mask>")
SPECIAL_TOKENS = {
    "bert": ("[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]"),
    "mpnet": ("<s>", "</s>", "[UNK]", "<pad>", "<mask>"),
    "roberta": FAIRSEQ_TOKENS,
    "xlm-roberta": FAIRSEQ_TOKENS,
    "camembert": FAIRSEQ_TOKENS,
    "albert": ("[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]"),
}
# How a token is looked for in a text.
MATCHING = ("single_word", "lstrip", "rstrip")


@dataclass(frozen=True)
class SpecialTokens:
    """The tokens that are found in a text before it is cut into pieces.

    Parameters
    ----------
    options : TokenizerOptions
        Where they are from.
    cls, sep, unk : AddedToken
        Put before a text, put after it, and given for what is not in the vocabulary.
    others : list of AddedToken
        Special tokens that a vocabulary may lack.
    """

    options: TokenizerOptions
    cls: AddedToken
    sep: AddedToken
    unk: AddedToken
    others: list[AddedToken]

    def add_to(self, tokenizer: Tokenizer) -> tuple[tuple[str, int], tuple[str, int]]:
        """Tell a tokenizer its added and its special tokens.

        Parameters
        ----------
        tokenizer : tokenizers.Tokenizer
            With its vocabulary; changed in place.

        Returns
        -------
        tuple of (str, int)
            ``cls`` and ``sep``, each with its id.

        Raises
        ------
        CheckpointError
            If a needed token is missing, or an added token gets another id than it should.
        """
        special = [*self.others, self.cls, self.sep, self.unk]
        by_content = {token.content: token for token in special}
        for id_, fields in sorted(self.options.added_tokens.items()):
            self._add(tokenizer, by_content.get(fields["content"], _token(fields)), id_)
        cls, sep, _ = (self._id(tokenizer, token) for token in (self.cls, self.sep, self.unk))
        # A token without an id would get one that the model has no vector for.
        known = [token for token in special if tokenizer.token_to_id(token.content) is not None]
        tokenizer.add_special_tokens(known)
        return (self.cls.content, cls), (self.sep.content, sep)

    def _add(self, tokenizer: Tokenizer, token: AddedToken, id_: int) -> None:
        tokenizer.add_tokens([token])
        if tokenizer.token_to_id(token.content) != id_:
            raise CheckpointError(
                f"{self.options.path} gives the added token {token.content!r} the id "
                f"{tokenizer.token_to_id(token.content)}; {id_} was expected. The vocabulary and "
                f"the list of added tokens are not of one tokenizer: fetch both again."
            )

    def _id(self, tokenizer: Tokenizer, token: AddedToken) -> int:
        id_ = tokenizer.token_to_id(token.content)
        if id_ is None:
            raise CheckpointError(
                f"{self.options.path} lacks the special token {token.content!r}; fetch the file "
                f"again, or name this tokenizer's own in tokenizer_config.json."
            )
        return id_


def special_tokens(options: TokenizerOptions, family: str) -> SpecialTokens:
    """Find out which special tokens there are.

    Parameters
    ----------
    options : TokenizerOptions
        Names and fields of them.
    family : str
        Whose names to take where the options have none.

    Returns
    -------
    SpecialTokens
        Not yet looked up in the vocabulary.

    Raises
    ------
    CheckpointError
        If a field does not hold a token.
    """
    tokens = [
        # Byte pairs would else make a token of the space before a mask.
        _special_token(options, options.fields.get(role, name), lstrip=role == "mask_token")
        for role, name in zip(ROLES, SPECIAL_TOKENS[family], strict=True)
    ]
    extra = [_special_token(options, token, lstrip=False) for token in _extra_tokens(options)]
    cls, sep, unk, *others = tokens
    return SpecialTokens(options, cls, sep, unk, extra + others)


def _extra_tokens(options: TokenizerOptions) -> Iterator[Any]:
    for field in ("additional_special_tokens", "extra_special_tokens"):
        tokens = options.fields.get(field, [])
        if isinstance(tokens, dict):
            yield from tokens.values()
        else:
            yield from tokens if isinstance(tokens, list) else [tokens]


def _special_token(options: TokenizerOptions, token: Any, *, lstrip: bool) -> AddedToken:
    where = f"{options.path.parent} (tokenizer_config.json or special_tokens_map.json)"
    fields = token_fields(token, where)
    added = {known["content"]: known for known in options.added_tokens.values()}
    usual = {"lstrip": lstrip} | added.get(fields["content"], {})
    return _token(usual | fields | {"special": True})


def _token(fields: Fields) -> AddedToken:
    special = bool(fields.get("special", False))
    matching = {name: bool(fields.get(name, False)) for name in MATCHING}
    normalized = bool(fields.get("normalized", not special))
    return AddedToken(fields["content"], normalized=normalized, special=special, **matching)
