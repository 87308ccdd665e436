"""One engine on several lists of texts: how long each takes, and how much memory."""

from dataclasses import dataclass

from .engine_process import EngineProcess
from .engines import Setup


@dataclass(frozen=True)
class Workload:
    """What one engine did with one list of texts.

    Parameters
    ----------
    n_texts : int
        Texts in the list.
    seconds : tuple of float
        Wall time of each round.
    peak_bytes : int or None
        Most private memory in the first round beyond the loaded engine's; None where the system
        does not say.
    """

    n_texts: int
    seconds: tuple[float, ...]
    peak_bytes: int | None


def run_probe(
    engine: str, setup: Setup, workloads: list[list[str]], *, rounds: list[int] | None = None
) -> list[Workload]:
    """Let one engine encode lists of texts in a process of its own.

    Parameters
    ----------
    engine : str
        Key of `engines.ENGINES`.
    setup : Setup
        What it is given.
    workloads : list of list of str
        Encoded in this order in each round.
    rounds : list of int, optional
        How often each; by default once.

    Returns
    -------
    list of Workload
        One for each list.

    Raises
    ------
    EngineUnavailableError
        If the engine cannot run, or its process failed.
    """
    times = rounds or [1] * len(workloads)
    found: list[list[tuple[float, int | None]]] = [[] for _ in workloads]
    process = EngineProcess(engine, setup)
    try:
        process.wait()
        for number in range(max(times)):
            for index, texts in enumerate(workloads):
                if number < times[index]:
                    found[index].append(process.peak_bytes(texts))
    finally:
        process.close()
    return [
        Workload(len(texts), tuple(seconds for seconds, _ in measured), measured[0][1])
        for texts, measured in zip(workloads, found, strict=True)
    ]
