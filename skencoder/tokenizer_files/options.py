"""What a folder's JSON files say of its tokenizer: whose it is, its switches, added tokens.

The vocabularies themselves are read in `reading`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skencoder.errors import CheckpointError
from skencoder.files import read_optional_json

Fields = dict[str, Any]

SAVE_WITH_TRANSFORMERS = (
    "Install transformers, load this folder with AutoTokenizer.from_pretrained and save it "
    "there with save_pretrained, which writes a tokenizer.json."
)
# Whose tokenizer a file may be.
FAMILIES = {
    "vocab.txt": ("bert", "mpnet"),
    "vocab.json": ("roberta",),
    "spiece.model": ("albert",),
    "sentencepiece.bpe.model": ("xlm-roberta", "camembert"),
    "sentencepiece.model": ("xlm-roberta", "camembert", "albert"),
}
FAMILY_OF_CLASS = {
    "BertTokenizer": "bert",
    "DistilBertTokenizer": "bert",
    "ElectraTokenizer": "bert",
    "MPNetTokenizer": "mpnet",
    "RobertaTokenizer": "roberta",
    "XLMRobertaTokenizer": "xlm-roberta",
    "CamembertTokenizer": "camembert",
    "AlbertTokenizer": "albert",
}


@dataclass(frozen=True)
class TokenizerOptions:
    """The fields of the JSON files beside a vocabulary file.

    Parameters
    ----------
    path : Path
        The vocabulary file.
    fields : dict
        ``model_type`` and ``tokenizer_class``, ``tokenizer_config.json`` and
        ``special_tokens_map.json`` in one; a field that is null is left out.
    added_tokens : dict of int to dict
        Id and fields of each token added to the vocabulary, ``content`` among them.
    """

    path: Path
    fields: Fields
    added_tokens: dict[int, Fields]

    @property
    def family(self) -> str | None:
        """Whose tokenizer it is, None where the files do not say."""
        families, named = FAMILIES[self.path.name], self.fields.get("tokenizer_class")
        if named is None:
            model_type = self.fields.get("model_type")
            return model_type if model_type in families else None
        family = FAMILY_OF_CLASS.get(str(named).removesuffix("Fast"))
        if family not in families:
            raise self._not_read("tokenizer_class")
        return family

    def default_family(self) -> str:
        """Take the family that a file's name stands for.

        Returns
        -------
        str
            The family.

        Raises
        ------
        CheckpointError
            If the model is of another kind.
        """
        if "model_type" in self.fields:
            raise self._not_read("model_type")
        return FAMILIES[self.path.name][0]

    def switch(self, name: str, *, default: bool) -> bool:
        """Look up an option that is on or off.

        Parameters
        ----------
        name : str
            The field.
        default : bool
            Where the files do not say.

        Returns
        -------
        bool
            Whether it is on.

        Raises
        ------
        CheckpointError
            If the field is neither true nor false.
        """
        value = self.fields.get(name, default)
        if not isinstance(value, bool):
            raise CheckpointError(
                f"{self.path.with_name('tokenizer_config.json')} has {name}={value!r}; true or "
                f"false was expected."
            )
        return value

    def _not_read(self, field: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} stands in a folder with {field}={self.fields[field]!r}; this file is "
            f"read as a tokenizer of {' or '.join(FAMILIES[self.path.name])} only. "
            f"{SAVE_WITH_TRANSFORMERS}"
        )


def read_options(path: Path) -> TokenizerOptions:
    """Read the JSON files beside a vocabulary file.

    Parameters
    ----------
    path : Path
        The vocabulary file; none of the others needs to be there.

    Returns
    -------
    TokenizerOptions
        What they say.

    Raises
    ------
    CheckpointError
        If a file is not a JSON object, or an added token has no content or no id.
    """
    config = read_object(path.with_name("config.json"))
    kind = ("model_type", "tokenizer_class")
    fields: Fields = {name: config[name] for name in kind if name in config}
    fields |= read_object(path.with_name("tokenizer_config.json"))
    listed = fields.get("added_tokens_decoder")
    if listed is not None:  # it repeats the two older files, and says more
        return TokenizerOptions(path, fields, _listed_tokens(path, listed))
    fields |= read_object(path.with_name("special_tokens_map.json"))
    return TokenizerOptions(path, fields, _added_tokens(path.with_name("added_tokens.json")))


def token_fields(token: Any, written_in: str) -> Fields:
    """Read a token written as a string or as an object.

    Parameters
    ----------
    token : object
        As it stands in the JSON file.
    written_in : str
        The file, for the error message.

    Returns
    -------
    dict
        With its ``content``.

    Raises
    ------
    CheckpointError
        If it is neither.
    """
    fields = {"content": token} if isinstance(token, str) else token
    if not isinstance(fields, dict) or not isinstance(fields.get("content"), str):
        raise CheckpointError(
            f"{written_in} has {token!r} for a token; a string or an object with a content was "
            f"expected."
        )
    return fields


def _listed_tokens(path: Path, listed: Any) -> dict[int, Fields]:
    path = path.with_name("tokenizer_config.json")
    if not isinstance(listed, dict) or not all(str(id_).isdecimal() for id_ in listed):
        raise CheckpointError(f"{path} has an added_tokens_decoder whose keys are not token ids.")
    return {int(id_): token_fields(token, str(path)) for id_, token in listed.items()}


def _added_tokens(path: Path) -> dict[int, Fields]:
    added = read_object(path)
    wrong = {token: id_ for token, id_ in added.items() if type(id_) is not int}
    if wrong:
        raise CheckpointError(f"{path} must map tokens to their ids; got {wrong}.")
    return {id_: {"content": token} for token, id_ in added.items()}


def read_object(path: Path) -> Fields:
    """Read a JSON object, without the fields that are null.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Empty where there is no file.

    Raises
    ------
    CheckpointError
        If it is damaged or no object.
    """
    return {name: value for name, value in read_optional_json(path).items() if value is not None}
