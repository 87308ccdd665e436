"""What a model family is: how its published files name things, kept as data."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skencoder.encoder import EncoderConfig
from skencoder.errors import CheckpointError

ACTIVATION_NAMES = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
ACTIVATION_NAMES["relu"] = "relu"


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one family's ``config.json`` and weights are named.

    Parameters
    ----------
    sizes : tuple of str
        Fields of ``config.json`` that `EncoderConfig` has under the same name.
    fixed : mapping
        Fields of `EncoderConfig` that are the same for the whole family.
    expected : mapping of str to object
        Fields of ``config.json`` that, where present, must have this value.
    renames : tuple of (str, str)
        Our name and the published name of each part; ``{i}`` is the layer's number.
    prefix : str
        What some files put before every published name.
    ignored : tuple of str
        Patterns of published names that a sentence vector does not need.
    """

    sizes: tuple[str, ...]
    fixed: Mapping[str, Any]
    expected: Mapping[str, Any]
    renames: tuple[tuple[str, str], ...]
    prefix: str
    ignored: tuple[str, ...] = field(default=())

    def read_config(self, fields: Mapping[str, Any], path: Path) -> EncoderConfig:
        """Translate ``config.json``.

        Parameters
        ----------
        fields : mapping
            The file's fields.
        path : Path
            The file, for messages.

        Returns
        -------
        EncoderConfig
            The same in our words.

        Raises
        ------
        CheckpointError
            If a field is missing or has a value that this family's code does not compute.
        """
        missing = [name for name in (*self.sizes, "hidden_act") if name not in fields]
        if missing:
            raise CheckpointError(f"{path} lacks the fields {', '.join(missing)}.")
        for name, value in self.expected.items():
            if fields.get(name, value) != value:
                raise CheckpointError(
                    f"{path} has {name}={fields[name]!r}; only {value!r} is supported."
                )
        activation = ACTIVATION_NAMES.get(str(fields["hidden_act"]))
        if activation is None:
            raise CheckpointError(
                f"{path} has hidden_act={fields['hidden_act']!r}; supported are "
                f"{', '.join(ACTIVATION_NAMES)}."
            )
        sizes = {name: fields[name] for name in self.sizes}
        try:
            return EncoderConfig(**sizes, **self.fixed, hidden_act=activation)  # type: ignore[arg-type]
        except ValueError as error:
            raise CheckpointError(f"{path}: {error}") from error

    def published_names(self, names: Iterable[str]) -> dict[str, str]:
        """Give each of our parameter names its published one.

        Parameters
        ----------
        names : iterable of str
            Keys of an encoder's ``state_dict``.

        Returns
        -------
        dict
            Our name to the published name, without the prefix.
        """
        return {name: self._published_name(name) for name in names}

    def strip_prefix(self, name: str) -> str:
        """Take the family's prefix off a published name.

        Parameters
        ----------
        name : str
            A key of a weights file.

        Returns
        -------
        str
            The key as published without prefix.
        """
        return name.removeprefix(self.prefix)

    def is_ignored(self, name: str) -> bool:
        """Tell whether a published weight is known and not needed.

        Parameters
        ----------
        name : str
            A key without prefix.

        Returns
        -------
        bool
            True for, say, a pooler that next-sentence prediction used.
        """
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def _published_name(self, name: str) -> str:
        number = re.match(r"layers\.(\d+)\.", name)
        for ours, theirs in self.renames:
            if number:
                ours, theirs = (part.replace("{i}", number[1]) for part in (ours, theirs))  # noqa: PLW2901
            if name == ours or name.startswith(f"{ours}."):
                return theirs + name.removeprefix(ours)
        raise KeyError(name)
