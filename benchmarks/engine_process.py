"""An engine alone in a process: its vectors, how long it takes, its memory beyond the weights.

Alone, because an engine may start threads or teach the C library to keep memory, which would
change what the others take. Memory is private memory: weights mapped from a file are shared and
can be dropped, so pages of files are left out.
"""

import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engines import BASELINE, ENGINES, Encode, Setup, load_engine
from .environment import pinned_threads
from .errors import EngineUnavailableError
from .private_memory import peak_private_bytes, private_bytes, reset_peak
from .speed_rounds import seconds_of, seconds_of_one

WARM_UP = "A short text."
SESSION_VARIABLE = "SKENCODER_SESSION"
SECONDS_TO_END = 10


class EngineProcess:
    """An engine in a process of its own, which loads it while this one goes on.

    Parameters
    ----------
    name : str
        Key of `engines.ENGINES`.
    setup : Setup
        What the engine is given.
    """

    def __init__(self, name: str, setup: Setup) -> None:
        # Not forked: a copy of this process would have its threads' locks, but not its threads.
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, name, setup), daemon=True)
        # Libraries that start threads when they are imported read the environment first.
        with pinned_threads(setup.threads):
            self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until the engine is loaded; what it is asked for comes after.

        Raises
        ------
        EngineUnavailableError
            If it cannot run here. All other methods raise it if its process failed.
        """
        try:
            self._answer()
        except EngineUnavailableError:
            self.close()
            raise

    def encode(self, texts: list[str]) -> NDArray[Any]:
        """Encode texts.

        Parameters
        ----------
        texts : list of str of length n_texts
            Any.

        Returns
        -------
        float of shape (n_texts, n_features)
            Its vectors.
        """
        vectors: NDArray[Any] = self._ask("encode", texts)
        return vectors

    def seconds(self, texts: list[str]) -> float:
        """Encode texts and take the time.

        Parameters
        ----------
        texts : list of str
            Encoded in one call.

        Returns
        -------
        float
            Wall time there, without the way to and from the process.
        """
        return float(self._ask("seconds", texts))

    def seconds_of_one(self, texts: list[str]) -> float:
        """Encode texts in a call each.

        Parameters
        ----------
        texts : list of str
            At least one.

        Returns
        -------
        float
            Median wall time of a call.
        """
        return float(self._ask("seconds_of_one", texts))

    def peak_bytes(self, texts: list[str]) -> tuple[float, int | None]:
        """Encode texts, take the time and look how much memory was in use.

        Parameters
        ----------
        texts : list of str
            Encoded in one call.

        Returns
        -------
        seconds : float
            Wall time.
        peak_bytes : int or None
            Most private memory meanwhile, less what was in use after the engine was loaded and
            had encoded one short text; None where the system does not say.
        """
        seconds, peak = self._ask("peak_bytes", texts)
        return float(seconds), peak

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(SECONDS_TO_END)
        self._process.kill()
        self._process.join()

    def _ask(self, what: str, texts: list[str]) -> Any:
        self._connection.send((what, texts))
        return self._answer()

    def _answer(self) -> Any:
        try:
            succeeded, answer = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join()
            code = self._process.exitcode
            raise EngineUnavailableError(f"its own process ended with code {code}") from error
        if not succeeded:
            raise EngineUnavailableError(answer)
        return answer


@contextmanager
def started(
    names: Iterable[str], setup: Setup
) -> Iterator[tuple[dict[str, EngineProcess], dict[str, str]]]:
    """Start engines, each in its process, until the end of a block.

    Parameters
    ----------
    names : iterable of str
        Keys of `engines.ENGINES`.
    setup : Setup
        What they are given.

    Yields
    ------
    (dict of str to EngineProcess, dict of str to str)
        Loaded engines, and why the others could not be.

    Raises
    ------
    EngineUnavailableError
        If the baseline cannot run.
    """
    with ExitStack() as stack:
        processes: dict[str, EngineProcess] = {}
        left_out: dict[str, str] = {}
        starting = {name: EngineProcess(name, setup) for name in names}
        for name, process in starting.items():
            stack.callback(process.close)
            try:
                process.wait()
                processes[name] = process
            except EngineUnavailableError as error:
                if name == BASELINE:
                    raise
                left_out[name] = str(error)
        yield processes, left_out


def _serve(connection: Connection, name: str, setup: Setup) -> None:
    # A worker would find its parent's session by this variable, and ask it instead of encoding.
    os.environ.pop(SESSION_VARIABLE, None)
    with pinned_threads(setup.threads):
        try:
            encode = load_engine(ENGINES[name], setup)
            encode([WARM_UP])
        except EngineUnavailableError as error:
            connection.send((False, str(error)))
            return
        except Exception as error:
            connection.send((False, _describe(error)))
            return
        connection.send((True, None))
        _answer_all(connection, _answers(encode))


def _answers(encode: Encode) -> dict[str, Callable[[list[str]], Any]]:
    before = private_bytes()

    def peak_bytes(texts: list[str]) -> tuple[float, int | None]:
        reset_peak()
        seconds, peak = seconds_of(encode, texts), peak_private_bytes()
        return seconds, None if peak is None or before is None else max(0, peak - before)

    return {
        "encode": lambda texts: np.asarray(encode(texts)),
        "seconds": lambda texts: seconds_of(encode, texts),
        "seconds_of_one": lambda texts: seconds_of_one(encode, texts),
        "peak_bytes": peak_bytes,
    }


def _answer_all(connection: Connection, answers: dict[str, Callable[[list[str]], Any]]) -> None:
    while True:
        try:
            what, texts = connection.recv()
        except EOFError:
            return
        try:
            connection.send((True, answers[what](texts)))
        except Exception as error:
            connection.send((False, _describe(error)))


def _describe(error: Exception) -> str:
    last = traceback.format_exception_only(error)[-1].strip()
    return f"its own process failed: {last}"
