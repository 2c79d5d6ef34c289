"""A socket between the clients of an engine and the engine, which can be told to misbehave."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK = 1 << 16


class Between:
    """Passes everything on, until told otherwise.

    ``stall`` takes connections and answers none, also on those that are open; ``pass_on`` goes on
    where it had stopped; ``cut`` ends every open connection, once.
    """

    def __init__(self, path: Path, engine: str) -> None:
        self.address = f"unix://{path}"
        self._engine = engine.removeprefix("unix://")
        self._passing = threading.Event()
        self._passing.set()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """From now on nothing goes through."""
        self._passing.clear()

    def pass_on(self) -> None:
        """From now on everything goes through, what was held back first."""
        self._passing.set()

    def cut(self) -> None:
        """End all that is open, as an engine that dies does."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and end all that is open."""
        self._listener.close()
        self.pass_on()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        self._passing.wait()
        with client, socket.socket(socket.AF_UNIX) as engine, contextlib.suppress(OSError):
            engine.connect(self._engine)
            self._open.add(engine)
            self._relay({client: engine, engine: client})
            self._open.discard(engine)
        self._open.discard(client)

    def _relay(self, other: dict[socket.socket, socket.socket]) -> None:
        with selectors.DefaultSelector() as selector:
            for one in other:
                selector.register(one, selectors.EVENT_READ, one)
            while selector.get_map():
                for key, _ in selector.select():
                    one = key.data
                    self._passing.wait()
                    data = one.recv(_CHUNK)
                    if data:
                        other[one].sendall(data)
                    else:  # half of a hijacked connection may end before the other
                        selector.unregister(one)
                        other[one].shutdown(socket.SHUT_WR)


@contextmanager
def between(path: Path, engine: str) -> Iterator[Between]:
    """Such a socket, closed on the way out."""
    made = Between(path, engine)
    try:
        yield made
    finally:
        made.close()
