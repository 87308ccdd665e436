"""From a folder's tensors to loaded modules, and back; every mismatch is told at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from skencoder.checkpoints.constants import settle_positions
from skencoder.checkpoints.family import Family, Place
from skencoder.checkpoints.tensors import is_usable, read_tensors
from skencoder.encoder import Encoder, EncoderConfig, HeadConfig, MaskedLM
from skencoder.errors import CheckpointError, HeadNotFoundError


def load_encoder(folder: Path, config: EncoderConfig, family: Family) -> Encoder:
    """Build an encoder around the tensors of a folder.

    Parameters
    ----------
    folder : Path
        Where the weights lie.
    config : EncoderConfig
        What to build.
    family : Family
        How the files name their tensors.

    Returns
    -------
    Encoder
        In evaluation mode, float32, its tensors mapped from the file.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or its keys or shapes do not fit.
    """
    return _build_encoder(_read(folder, family), config, family)


def load_head(folder: Path, config: EncoderConfig, head: HeadConfig, family: Family) -> MaskedLM:
    """Build an encoder with its masked-language-model head around the tensors of a folder.

    Parameters
    ----------
    folder : Path
        Where the weights lie.
    config : EncoderConfig
        The encoder to build.
    head : HeadConfig
        The head to build.
    family : Family
        How the files name their tensors.

    Returns
    -------
    MaskedLM
        In evaluation mode, float32, its tensors mapped from the file.

    Raises
    ------
    CheckpointError
        If it has no head, a file is missing or damaged, or its keys or shapes do not fit.
    """
    return _build_masked_lm(_read(folder, family), config, head, family)


def load_with_head(
    folder: Path, config: EncoderConfig, head: HeadConfig, family: Family
) -> Encoder | MaskedLM:
    """Build an encoder around the tensors of a folder, with its head where there is one.

    Parameters
    ----------
    folder : Path
        Where the weights lie; they are read once.
    config : EncoderConfig
        The encoder to build.
    head : HeadConfig
        The head to build.
    family : Family
        How the files name their tensors.

    Returns
    -------
    Encoder or MaskedLM
        In evaluation mode, float32, its tensors mapped from the file.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or its keys or shapes do not fit; the message says so
        where the encoder is whole and only the head is not.
    """
    stored = _read(folder, family)
    try:
        return _build_masked_lm(stored, config, head, family)
    except HeadNotFoundError:
        return _build_encoder(stored, config, family)
    except CheckpointError as error:
        # What is wrong with the encoder itself is told first.
        _build_encoder(stored, config, family)
        raise CheckpointError(
            f"{error} The encoder is whole, but the head that guesses masked tokens is not. Fetch "
            f"the model again; or go on without the head from a folder that "
            f"skencoder.checkpoints.save_checkpoint writes of the encoder."
        ) from error


def _build_encoder(stored: "_Stored", config: EncoderConfig, family: Family) -> Encoder:
    config = settle_positions(config, family, stored.tensors)
    # On the meta device no memory is taken and nothing random is drawn for what gets replaced.
    with torch.device("meta"):
        encoder = Encoder(config)
    _fill(encoder, family.places(encoder.state_dict()), stored, family)
    return encoder.eval().requires_grad_(False)


def _build_masked_lm(
    stored: "_Stored", config: EncoderConfig, head: HeadConfig, family: Family
) -> MaskedLM:
    config = settle_positions(config, family, stored.tensors)
    with torch.device("meta"):
        model = MaskedLM(Encoder(config), head)
    places = head_places(model, family)
    _check_has_head(places, stored)
    _fill(model, places, stored, family)
    if head.tied:
        model.head.decoder.weight = model.encoder.embeddings.token.weight
    return model.eval().requires_grad_(False)


def _check_has_head(places: Mapping[str, Place], stored: "_Stored") -> None:
    """Tell a checkpoint without a head from one whose head is damaged."""
    head = sorted(place.name for ours, place in places.items() if ours.startswith("head."))
    if head and not stored.tensors.keys() & {*head}:
        raise HeadNotFoundError(
            f"{stored.path} has no masked-language-model head (missing: {', '.join(head)}), so it "
            f"cannot guess tokens; sentence encoders are mostly published without. A head of "
            f"random weights would give numbers that mean nothing. Name a checkpoint that was "
            f"saved with its head, such as the one this model was made from."
        )


def head_places(model: MaskedLM, family: Family) -> dict[str, Place]:
    """Find the place of each parameter of an encoder with a head.

    Parameters
    ----------
    model : MaskedLM
        The encoder with its head.
    family : Family
        How files name their tensors.

    Returns
    -------
    dict of str to Place
        By our name; a tied decoder's weights have no place of their own.
    """
    names = [name for name in model.state_dict() if not _is_tied(name, model)]
    places = family.places(name.removeprefix("encoder.") for name in names)
    return {name: places[name.removeprefix("encoder.")] for name in names}


def _is_tied(name: str, model: MaskedLM) -> bool:
    return model.head_config.tied and name == "head.decoder.weight"


@dataclass(frozen=True)
class _Stored:
    path: Path
    tensors: dict[str, Tensor]


def _read(folder: Path, family: Family) -> _Stored:
    path, published = read_tensors(folder)
    return _Stored(path, _standardise(published, family, path))


def _fill(module: nn.Module, places: Mapping[str, Place], stored: _Stored, family: Family) -> None:
    path, tensors = stored.path, stored.tensors
    empty = module.state_dict()
    shapes = {name: empty[name].shape for name in places}
    _check_tensors(tensors, shapes, places, family, path)
    state = {ours: _part(tensors[place.name], place).float() for ours, place in places.items()}
    module.load_state_dict(state, assign=True, strict=False)


def _standardise(published: dict[str, Tensor], family: Family, path: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for name, tensor in published.items():
        standard = family.standard_name(name)
        known = tensors.get(standard)
        # The same twice, with and without the prefix, does no harm; two different ones would.
        if known is not None and not torch.equal(known, tensor):
            raise CheckpointError(
                f"{path} holds two different tensors for one place: {origin[standard]} and {name}."
            )
        tensors[standard], origin[standard] = tensor, name
    for alias, standard in family.aliases.items():
        if alias in tensors:
            tensors.setdefault(standard, tensors[alias])
            del tensors[alias]
    return tensors


def _part(tensor: Tensor, place: Place) -> Tensor:
    # Rows of one stored matrix: a view, so that no second copy is made.
    return tensor if place.parts == 1 else tensor.chunk(place.parts)[place.part]


def _check_tensors(
    tensors: Mapping[str, Tensor],
    shapes: Mapping[str, torch.Size],
    places: Mapping[str, Place],
    family: Family,
    path: Path,
) -> None:
    expected = {place.name: _stored_shape(shapes[ours], place) for ours, place in places.items()}
    there = {name: tensors[name] for name in expected if name in tensors}
    problems = {
        "missing": sorted(expected.keys() - tensors.keys()),
        "unexpected": sorted(
            name for name in tensors.keys() - expected.keys() if not family.is_ignored(name)
        ),
        "no finite floating-point numbers in": sorted(
            name for name, tensor in there.items() if not is_usable(tensor)
        ),
        "wrong shape": [
            f"{name} {tuple(tensor.shape)} instead of {expected[name]}"
            for name, tensor in there.items()
            if tuple(tensor.shape) != expected[name]
        ],
    }
    found = [f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names]
    if found:
        raise CheckpointError(f"{path} does not fit its config.json; {'; '.join(found)}.")


def _stored_shape(shape: torch.Size, place: Place) -> tuple[int, ...]:
    return (shape[0] * place.parts, *shape[1:])


def published_tensors(
    state: Mapping[str, Tensor], places: Mapping[str, Place], prefix: str
) -> dict[str, Tensor]:
    """Name and stack parameters as a family's files do.

    Parameters
    ----------
    state : mapping of str to Tensor
        By our name.
    places : mapping of str to Place
        Where each belongs.
    prefix : str
        Put before the encoder's names.

    Returns
    -------
    dict of str to Tensor
        By published name, contiguous, on the CPU.
    """
    stacks: dict[str, dict[int, Tensor]] = {}
    for ours, place in places.items():
        name = place.name if ours.startswith("head.") else prefix + place.name
        stacks.setdefault(name, {})[place.part] = state[ours].detach().cpu()
    return {
        name: torch.cat([parts[part] for part in sorted(parts)]).contiguous()
        for name, parts in stacks.items()
    }
