"""What a tokenizer that is no `tokenizers.Tokenizer` gives: ids by the same name, nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ids:
    """What a tokenizer gives for one text.

    Parameters
    ----------
    ids : list of int
        Token ids.
    """

    ids: list[int]
