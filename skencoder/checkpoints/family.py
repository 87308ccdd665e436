"""What a model family is: how its published files name things, kept as data."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from skencoder.encoder import EncoderConfig, HeadConfig
from skencoder.encoder.config import MOST_LAYERS
from skencoder.errors import CheckpointError

ACTIVATION_NAMES = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "swiglu": "silu",
    "geglu": "gelu",
}
# How the first layers of checkpoints of 2018 and 2019 name a norm's weight and bias.
LEGACY_SUFFIXES = {".gamma": ".weight", ".beta": ".bias"}

# What many files store as one matrix, in this order of rows.
QUERY_KEY_VALUE = tuple(
    f"layers.{{i}}.attention.sublayer.{name}" for name in ("query", "key", "value")
)

Fields = Mapping[str, Any]


class Place(NamedTuple):
    """Where one of our parameters stands in a published file.

    Parameters
    ----------
    name : str
        Published name, without prefix.
    part, parts : int
        Which part of the published matrix it is, and of how many stacked by rows.
    """

    name: str
    part: int = 0
    parts: int = 1


def _nothing(_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one family's ``config.json`` and weights are named.

    Parameters
    ----------
    architectures : pair of str
        What transformers calls the encoder alone and the encoder with its head.
    fields : mapping of str to (str or tuple of str)
        Each field of `EncoderConfig` and its published name, or names in order of preference.
    defaults : mapping
        Values, in our words, of fields that published files leave out.
    fixed : mapping
        Fields of `EncoderConfig` that are the same for the whole family.
    biases : mapping of str to str
        The published field that says whether a part has a bias; False where it is left out.
    expected : mapping of str to object
        Fields of ``config.json`` that, where present, must have this value.
    derive : callable
        From published fields to those of `EncoderConfig` that are more than another name.
    describe : callable
        The way back, from `EncoderConfig`.
    renames : tuple of (str, str)
        Our name and the published name of each part; ``{i}`` is the layer's number.
    stacked : tuple of (tuple of str, str)
        Our names of parts that stand in one published matrix, in order, and its name.
    aliases : mapping of str to str
        A second published name of a tensor, and the one it has in ``renames``; it is written
        instead where the decoder is tied, and beside it where not.
    prefixes : tuple of str
        What some files put before the encoder's names; the first is written with a head.
    ignored : tuple of str
        Patterns of published names that a sentence vector does not need.
    writes_no_segments : bool
        Whether other libraries load files of this family without a segment table.
    head : HeadConfig
        The masked-language-model head where the configuration does not say.
    head_fields : mapping of str to str
        Fields of `HeadConfig` and their published names.
    derive_head : callable
        From published fields to those of `HeadConfig` that are more than another name.
    """

    architectures: tuple[str, str]
    fields: Mapping[str, str | tuple[str, ...]]
    defaults: Fields = field(default_factory=dict)
    fixed: Fields = field(default_factory=dict)
    biases: Mapping[str, str] = field(default_factory=dict)
    expected: Fields = field(default_factory=dict)
    derive: Callable[[Fields], dict[str, Any]] = _nothing
    describe: Callable[[EncoderConfig], dict[str, Any]] = _nothing
    renames: tuple[tuple[str, str], ...]
    stacked: tuple[tuple[tuple[str, ...], str], ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    writes_no_segments: bool = False
    head: HeadConfig = field(default_factory=HeadConfig)
    head_fields: Mapping[str, str] = field(default_factory=dict)
    derive_head: Callable[[Fields], dict[str, Any]] = _nothing

    def read_config(self, published: Fields, path: Path) -> EncoderConfig:
        """Translate ``config.json``.

        Parameters
        ----------
        published : mapping
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
        for name, value in self.expected.items():
            if published.get(name) not in (None, value):
                raise CheckpointError(
                    f"{path} has {name}={published[name]!r}; only {value!r} is supported."
                )
        unbiased = tuple(part for part, name in self.biases.items() if not published.get(name))
        try:
            found = self._read_fields(published, path)
            derived = self.derive(published)
            return EncoderConfig(**({"unbiased": unbiased} | found | dict(self.fixed) | derived))
        except CheckpointError:
            raise
        # Whatever nonsense a field holds, arithmetic on it stumbles in one of these ways.
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            raise CheckpointError(f"{path} cannot be used: {error}") from error

    def _read_fields(self, published: Fields, path: Path) -> dict[str, Any]:
        found, missing = dict(self.defaults), []
        for ours, theirs in self.fields.items():
            names = (theirs,) if isinstance(theirs, str) else theirs
            values = [published[name] for name in names if published.get(name) is not None]
            if values:
                found[ours] = values[0]
            elif ours not in found:
                missing.append(names[0])
        if missing:
            raise CheckpointError(f"{path} lacks the fields {', '.join(missing)}.")
        # Before anything is laid out per layer: a number that no machine could count to.
        layers = found["num_hidden_layers"]
        if isinstance(layers, int | float) and layers > MOST_LAYERS:
            raise ValueError(f"num_hidden_layers must be at most {MOST_LAYERS}; got {layers}.")
        found["hidden_act"] = read_activation(found["hidden_act"], "hidden_act", path)
        return found

    def read_head(self, published: Fields, path: Path) -> HeadConfig:
        """Translate what ``config.json`` says of the masked-language-model head.

        Parameters
        ----------
        published : mapping
            The file's fields.
        path : Path
            The file, for messages.

        Returns
        -------
        HeadConfig
            What the head is made of.

        Raises
        ------
        CheckpointError
            If its activation is not computed here.
        """
        found = {}
        for ours, theirs in self.head_fields.items():
            value = published.get(theirs)
            if value is None:
                continue
            if ours == "activation":
                value = read_activation(value, theirs, path)
            elif not isinstance(value, bool):
                raise CheckpointError(
                    f"{path} must have true or false for {theirs}; got {value!r}."
                )
            found[ours] = value
        return HeadConfig(**(vars(self.head) | found | self.derive_head(published)))

    def write_config(self, config: EncoderConfig, head: HeadConfig | None) -> dict[str, Any]:
        """Translate the other way.

        Parameters
        ----------
        config : EncoderConfig
            Of the encoder.
        head : HeadConfig or None
            Of the head above it, if there is one.

        Returns
        -------
        dict
            Fields of ``config.json``, without ``model_type``. They say the same only if
            `read_config` gives ``config`` back.
        """
        published: dict[str, Any] = {}
        for ours, theirs in self.fields.items():
            published[theirs if isinstance(theirs, str) else theirs[0]] = getattr(config, ours)
        name = self.fields["hidden_act"]
        published[name if isinstance(name, str) else name[0]] = write_activation(config.hidden_act)
        published |= {name: part not in config.unbiased for part, name in self.biases.items()}
        published |= self.describe(config)
        for ours, theirs in self.head_fields.items():
            value = getattr(head or self.head, ours)
            if theirs not in published or head is not None:
                published[theirs] = write_activation(value) if ours == "activation" else value
        published["architectures"] = [self.architectures[head is not None]]
        return published

    def places(self, names: Iterable[str]) -> dict[str, Place]:
        """Find each of our parameters' place in a published file.

        Parameters
        ----------
        names : iterable of str
            Keys of an encoder's ``state_dict``.

        Returns
        -------
        dict of str to Place
            By our name.
        """
        return {name: self._place(name) for name in names}

    def standard_name(self, name: str) -> str:
        """Take prefix and legacy suffix off a published name.

        Parameters
        ----------
        name : str
            A key of a weights file.

        Returns
        -------
        str
            The key as `places` names it.
        """
        for prefix in self.prefixes:
            name = name.removeprefix(prefix)
        for legacy, suffix in LEGACY_SUFFIXES.items():
            if name.endswith(legacy):
                name = name.removesuffix(legacy) + suffix
        return name

    def is_ignored(self, name: str) -> bool:
        """Tell whether a published weight is known and not needed.

        Parameters
        ----------
        name : str
            A key as `standard_name` gives it.

        Returns
        -------
        bool
            True for, say, a pooler that next-sentence prediction used.
        """
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def _place(self, name: str) -> Place:
        number = re.match(r"layers\.(\d+)\.", name)
        index = number[1] if number else ""
        for group, theirs in self.stacked:
            for part, ours in enumerate(group):
                found = _renamed(name, ours, theirs, index)
                if found:
                    return Place(found, part, len(group))
        for ours, theirs in self.renames:
            found = _renamed(name, ours, theirs, index)
            if found:
                return Place(found)
        raise KeyError(name)


def _renamed(name: str, ours: str, theirs: str, index: str) -> str | None:
    ours, theirs = (part.replace("{i}", index) for part in (ours, theirs))
    if name == ours or name.startswith(f"{ours}."):
        return theirs + name.removeprefix(ours)
    return None


def read_activation(value: object, name: str, path: Path) -> str:
    """Translate the name of an activation.

    Parameters
    ----------
    value : object
        What the file has.
    name : str
        The file's field.
    path : Path
        The file, for messages.

    Returns
    -------
    str
        Our name of it.

    Raises
    ------
    CheckpointError
        If it is not computed here.
    """
    activation = ACTIVATION_NAMES.get(str(value))
    if activation is None:
        raise CheckpointError(
            f"{path} has {name}={value!r}; supported are {', '.join(ACTIVATION_NAMES)}."
        )
    return activation


def write_activation(activation: str | None) -> str | None:
    """Translate the name of an activation the other way.

    Parameters
    ----------
    activation : str or None
        Our name of it.

    Returns
    -------
    str or None
        The published name.
    """
    return {"gelu_tanh": "gelu_pytorch_tanh"}.get(activation or "", activation)
