"""What a run needs to go on after it was killed, in one file: tensors and facts, never a pickle.

The file is replaced at once, so that the last good one is there whatever happens meanwhile. What
belongs in it is gathered in state_parts.py.
"""

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skencoder.errors import CheckpointError
from skencoder.files import DRAFT

STATE_FILE = "training_state.safetensors"
LOCK_FILE = "training_state.lock"
# Of the file's metadata; another one is not read.
LAYOUT = "1"


@contextmanager
def only_writer(folder: str | Path, *, seconds: float = 0) -> Iterator[Path]:
    """Keep other writers out of a folder, for one state or for a whole run.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    seconds : float, default=0
        How long to wait for another that holds it; below 0, until it has done.

    Yields
    ------
    Path
        The folder. The thread that holds it may save as often as it likes.

    Raises
    ------
    CheckpointError
        If another process, or thread, holds it.
    OSError
        If the folder cannot be made or written.
    """
    place = Path(folder).expanduser().resolve()
    place.mkdir(parents=True, exist_ok=True)
    # One lock per path and process, which its holder enters again at every save.
    lock = FileLock(place / LOCK_FILE, timeout=0, is_singleton=True)
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise CheckpointError(
            f"Another run writes its training state to {place}. Give each run a folder of its "
            f"own, or wait until that one has ended."
        ) from error
    try:
        yield place
    finally:
        lock.release()


def save_state(
    folder: str | Path, *, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> Path:
    """Write a run's state in place of the former one, at once.

    It is written beside it, brought to the disk and renamed: a kill at any moment, or a full disk,
    leaves the former one.

    Parameters
    ----------
    folder : str or Path
        Where to; made if it is not there.
    tensors : mapping of str to tensor
        On any device and of any type; they may share memory, which is not kept up.
    facts : mapping of str to object
        What JSON can hold; tuples come back as lists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckpointError
        If another process or thread writes there.
    OSError
        If the disk is full or the folder cannot be written; the former state is intact.
    TypeError
        If JSON cannot hold a fact; nothing is written.
    """
    text = json.dumps(facts)
    host = _on_host(tensors)
    metadata = {"layout": LAYOUT, "facts": text, "crc32": _checksum(host, text)}
    with only_writer(folder) as place:
        try:
            return _replace(place, host, metadata)
        except (OSError, SafetensorError) as error:
            raise _not_written(place, error) from error


def load_state(folder: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read the last state that was written whole.

    Parameters
    ----------
    folder : str or Path
        Where it was saved.

    Returns
    -------
    tuple of dict of str to tensor, and dict; or None
        The tensors, on the CPU, and the facts; None where there is no state.

    Raises
    ------
    CheckpointError
        If the file is cut off, was changed, or has another layout.
    """
    path = Path(folder).expanduser() / STATE_FILE
    if not path.is_file():
        return None
    try:
        return _read(path)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a training state: {error}. Put a whole copy in its place, "
            f"or delete it to begin from the start."
        ) from error


def _replace(place: Path, host: dict[str, Tensor], metadata: dict[str, str]) -> Path:
    # Its name is fixed, so what a kill leaves is removed by the next save.
    draft = place / f"{DRAFT}state"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        save_file(host, draft / STATE_FILE, metadata=metadata)
        _bring_to_disk(draft / STATE_FILE, os.O_RDWR)
        (draft / STATE_FILE).replace(place / STATE_FILE)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if os.name == "posix":
        # Without it a power cut may undo the renaming; other systems open no folder.
        _bring_to_disk(place, os.O_RDONLY)
    return place / STATE_FILE


def _bring_to_disk(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(place: Path, error: OSError | SafetensorError) -> OSError:
    kept = "the one before it is intact" if (place / STATE_FILE).is_file() else "there is none yet"
    sentence = (
        f"The training state could not be written to {place} ({error}); {kept}. Make room "
        f"there ({shutil.disk_usage(place).free:,} bytes are free), or choose another folder."
    )
    code = getattr(error, "errno", None)
    return OSError(sentence) if code is None else OSError(code, sentence)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("layout") != LAYOUT:
            raise ValueError(f"its layout is {metadata.get('layout')!r}, not {LAYOUT!r}")
        # Copies, which need the file no more.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
    if _checksum(tensors, metadata["facts"]) != metadata["crc32"]:
        raise ValueError("its contents do not have the checksum that was written with them")
    return tensors, json.loads(metadata["facts"])


def _on_host(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    host: dict[str, Tensor] = {}
    taken = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        # The library refuses tensors that share memory, as tied weights do.
        host[name] = plain.clone() if plain.untyped_storage().data_ptr() in taken else plain
        taken.add(plain.untyped_storage().data_ptr())
    return host


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    total = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return str(total)
