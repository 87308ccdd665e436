"""What stands in a cache, in words, for the command line."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from skencoder.cache.store import Store, space_fact


@dataclass(frozen=True)
class Condition:
    """What a full reading of a cache found.

    Parameters
    ----------
    whole, damaged : int
        Rows whose checksum is right, and is not.
    unreadable : int
        Blocks of rows whose header is damaged.
    spaces : dict of str to int
        Whole rows by what they are: model, pooling, layer, ...
    """

    whole: int
    damaged: int
    unreadable: int
    spaces: dict[str, int]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damaged and not self.unreadable


def inspect(store: Store) -> Condition:
    """Read every row.

    Parameters
    ----------
    store : Store
        Of the cache.

    Returns
    -------
    Condition
        What was found.
    """
    whole = damaged = unreadable = 0
    spaces: Counter[bytes] = Counter()
    for block in store.blocks():
        if block is None:
            unreadable += 1
            continue
        whole += block.n_whole
        damaged += len(block.records) - block.n_whole
        spaces[block.space_id] += block.n_whole
    named: Counter[str] = Counter()
    for space_id, rows in spaces.items():
        named[_describe(store.get_fact(space_fact(space_id)), space_id)] += rows
    return Condition(whole, damaged, unreadable, dict(named))


def _describe(fact: dict[str, Any] | None, space_id: bytes) -> str:
    if fact is None:
        return f"unknown ({space_id.hex()})"
    return (
        f"model {fact['fingerprint'][:8]}, {fact['pooling']}, layer {fact['layer']}, "
        f"{fact['width']} x {fact['dtype']}, computed in {fact['precision']}, "
        f"max_length {fact['max_length']} ({fact['overflow']}), prompt {fact['prompt']!r}, "
        f"revision {fact['revision']}"
    )
