"""The process that owns a session encodes for its workers, so that they need no model.

A thread answers on a socket in the session's folder; only the same user can read its address and
key. A worker that finds nobody there loads the model itself.
"""

import atexit
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from typing import Any

from skencoder.encode_once.facts import find_facts
from skencoder.encode_once.handle import ModelHandle
from skencoder.encode_once.messages import (
    Message,
    pack_answer,
    pack_error,
    pack_lengths,
    raise_error,
    unpack_answer,
)
from skencoder.encode_once.request import Answer, Request, answer, count_tokens
from skencoder.fork_lock import ForkLock
from skencoder.session import is_alive, session

ADDRESS_FILE = "service.json"
# Processes that would misunderstand each other do not speak.
PROTOCOL = 1
# A path to a socket has little room; where it is too long, the local network has to do.
LONGEST_PATH = 100
SECONDS_TO_FINISH = 10.0
SECONDS_BETWEEN_LOOKS = 1.0


class Service:
    """Answers workers until the process ends.

    Parameters
    ----------
    folder : Path
        Of the session.
    """

    def __init__(self, folder: Path) -> None:
        key = secrets.token_bytes(32)
        socket = str(folder / "socket")
        local = hasattr(os, "fork") and len(socket) <= LONGEST_PATH
        # Whoever connects is asked for the key in a thread of its own, and keeps nobody waiting.
        self._listener = Listener(socket if local else ("localhost", 0))
        self._key = key
        self._busy = threading.Lock()
        self._closed = False
        self._write_address(folder, key)
        threading.Thread(target=self._accept, daemon=True, name="skencoder-service").start()

    def _write_address(self, folder: Path, key: bytes) -> None:
        known = {"protocol": PROTOCOL, "address": self._listener.address, "key": key.hex()}
        draft = folder / f"{ADDRESS_FILE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(known))
        draft.replace(folder / ADDRESS_FILE)

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except OSError:
                # Perhaps there are too many open files, for the moment.
                time.sleep(SECONDS_BETWEEN_LOOKS / 10)
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Any) -> None:
        with connection, suppress(EOFError, OSError, AuthenticationError):
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            while True:
                for part in self._respond(connection.recv_bytes()):
                    connection.send_bytes(part)

    def _respond(self, content: bytes) -> list[bytes]:
        try:
            message = Message.from_bytes(content)
            handle = ModelHandle(message.source, unpickled=message.unpickled)
            if message.request is None:
                return [json.dumps(asdict(find_facts(handle, message.cache))).encode()]
            with self._busy:
                return _work(message, message.request, handle)
        except Exception as error:  # whatever it is, the worker has to hear of it
            return pack_error(error)

    def close(self) -> None:
        """Answer no more, and wait for what is being answered."""
        self._closed = True
        self._listener.close()
        self._busy.acquire(timeout=SECONDS_TO_FINISH)


def _work(message: Message, request: Request, handle: ModelHandle) -> list[bytes]:
    if message.operation == "count":
        return pack_lengths(count_tokens(request.texts, request.plan, handle, message.cache))
    return pack_answer(answer(request, handle, message.cache))


class Worker:
    """The other end: asks the process that owns the session.

    Parameters
    ----------
    folder : Path
        Of the session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._connection: Connection[Any, Any] | None = None
        self._gone = False

    def ask(self, message: Message, read: Callable[[dict[str, Any], Any], Any]) -> Any:
        """Send a message and read what comes back.

        Parameters
        ----------
        message : Message
            What is asked.
        read : callable
            From the answer's first part and the connection to the answer.

        Returns
        -------
        object
            The answer; None where nobody is there.

        Raises
        ------
        SkencoderError
            If the other process says so.
        """
        with self._lock:
            try:
                connection = self._connect()
                if connection is None:
                    return None
                connection.send_bytes(message.to_bytes())
                head = json.loads(self._receive(connection))
                found = None if "error" in head else read(head, connection)
            except (OSError, EOFError, AuthenticationError):
                self._gone = True
                self._hang_up()
                return None
            except BaseException:
                # What was asked for is not what the next one wants to hear.
                self._hang_up()
                raise
        raise_error(head)
        return found

    def _receive(self, connection: "Connection[Any, Any]") -> bytes:
        while not connection.poll(SECONDS_BETWEEN_LOOKS):
            if not is_alive(self._folder, unsure=True):
                raise EOFError("the process that owns the session is gone")
        return connection.recv_bytes()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> "Connection[Any, Any] | None":
        if self._connection is None and not self._gone:
            path = self._folder / ADDRESS_FILE
            known = json.loads(path.read_text()) if path.is_file() else {}
            if known.get("protocol") == PROTOCOL:
                address = known["address"]
                address = tuple(address) if isinstance(address, list) else address
                self._connection = Client(address, authkey=bytes.fromhex(known["key"]))
        return self._connection


_state: dict[int, Service | Worker] = {}
_guard = ForkLock()


def colleague() -> Worker | None:
    """Give the process to ask, or begin to answer where this one is to be asked.

    Returns
    -------
    Worker or None
        None in the process that owns the session.

    Raises
    ------
    OSError
        If there is no place for temporary files, or no socket.
    """
    pid = os.getpid()
    with _guard.mine:
        if pid not in _state:
            _state.clear()
            found = session()
            _state[pid] = Service(found.folder) if found.is_own else Worker(found.folder)
            if found.is_own:
                atexit.register(_close, pid)
        mine = _state[pid]
    return mine if isinstance(mine, Worker) else None


def _close(pid: int) -> None:
    service = _state.get(pid)
    if os.getpid() == pid and isinstance(service, Service):
        service.close()


def read_answer(head: dict[str, Any], connection: Any) -> Answer:
    """Read the rest of an answer with vectors.

    Parameters
    ----------
    head : dict
        Its first part.
    connection : Connection
        Where the rest comes from.

    Returns
    -------
    Answer
        What was asked for.
    """
    return unpack_answer(head, connection.recv_bytes(), connection.recv_bytes())
