"""What a figure was measured with: versions of packages, processor, threads."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "skencoder",
    "mteb",
    "torch",
    "sentence-transformers",
    "transformers",
    "tokenizers",
    "scikit-learn",
    "numpy",
    "datasets",
)
# Where libraries look, once, for how many threads to start.
THREAD_VARIABLES = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS")


def package_versions(more: Sequence[str] = ()) -> dict[str, str | None]:
    """Look up the versions of the packages that bear on a result.

    Parameters
    ----------
    more : sequence of str, optional
        Packages beside those that always do.

    Returns
    -------
    dict of str to str or None
        None for a package that is not installed.
    """
    names = (*PACKAGES, *more)
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def name_threads(machine: Mapping[str, object]) -> str:
    """Say how many threads a machine computed with.

    Parameters
    ----------
    machine : mapping
        As `describe_machine` gives it.

    Returns
    -------
    str
        Such as ``"1 thread"``.
    """
    threads = machine.get("threads", "an unknown number of")
    return f"{threads} thread{'' if threads == 1 else 's'}"


def describe_machine() -> dict[str, Any]:
    """Describe the hardware this process runs on.

    Returns
    -------
    dict
        ``cpu`` (name), ``cores`` (this process may use), ``threads`` (torch uses), ``gpu``
        (name, None without one), ``system``.
    """
    import torch

    return {
        "cpu": _cpu_name(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
    }


def available_cores() -> int:
    """Count the cores this process may use.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


@contextmanager
def pinned_threads(threads: int) -> Iterator[None]:
    """Give every library the same number of threads until the end of a block.

    Parameters
    ----------
    threads : int
        For torch and for the libraries that have not started their threads yet.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    before = torch.get_num_threads()
    variables = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
