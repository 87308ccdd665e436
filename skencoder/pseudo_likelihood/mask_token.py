"""Which token is the mask: as the checkpoint's files say, else by its usual names."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from skencoder.errors import CheckpointError
from skencoder.files import read_optional_json
from skencoder.tokenization import TextTokenizer

MASK_TOKENS = ("[MASK]", "<mask>", "<|mask|>")
NAMING_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def find_mask_id(folder: Path, tokenizer: TextTokenizer, special_ids: Mapping[str, int]) -> int:
    """Find the mask's id.

    Parameters
    ----------
    folder : Path
        Where the tokenizer's files lie.
    tokenizer : TextTokenizer
        Of this folder.
    special_ids : mapping of str to int
        What ``config.json`` says of special tokens.

    Returns
    -------
    int
        An id of the tokenizer's.

    Raises
    ------
    CheckpointError
        If the tokenizer has no mask, or not the one its files name.
    """
    for path, token in _named(folder):
        id_ = tokenizer.token_id(token)
        if id_ is None:
            raise CheckpointError(
                f"{path} has mask_token={token!r}, which the tokenizer beside it does not have; "
                f"the files are of two checkpoints."
            )
        return id_
    published = special_ids.get("mask_token_id")
    known = [tokenizer.token_id(token) for token in MASK_TOKENS]
    found = [id_ for id_ in (published, *known) if id_ is not None]
    if not found:
        raise CheckpointError(
            f"The tokenizer in {folder} has no mask token (looked for {', '.join(MASK_TOKENS)}), "
            f"so nothing can be masked; name it as mask_token in tokenizer_config.json."
        )
    return found[0]


def _named(folder: Path) -> Iterator[tuple[Path, str]]:
    for name in NAMING_FILES:
        token = read_optional_json(folder / name).get("mask_token")
        if isinstance(token, dict):
            token = token.get("content")
        if isinstance(token, str):
            yield folder / name, token
