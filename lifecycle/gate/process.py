"""The gate's process: it becomes the subject, opens its socket, and serves until its harness goes.

What serves requests is loaded meanwhile, which takes as long as a docker command does to start: the
first request waits in the open socket for what is left of it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from lifecycle.gate import frames
from lifecycle.gate.upstream import Upstream

_SERVER = "lifecycle.gate.server"


def main(orders_fd: int, calls_fd: int) -> None:
    """Become the subject, open the socket, serve; ends when the harness does."""
    orders = socket.socket(fileno=orders_fd)
    calls = socket.socket(fileno=calls_fd)
    loading = threading.Thread(target=import_module, args=(_SERVER,), daemon=True)
    loading.start()
    try:
        begin = frames.receive_json(orders)
    except frames.ClosedError:
        return  # nobody wants it any more
    if begin["identity"] is not None:
        loading.join()  # whom it becomes may not be able to read it
    try:
        _become(begin)
        listener = _listen(begin["socket"])
    except OSError as error:
        frames.send_json(orders, {"problem": f"{error.strerror or error}"})
        return
    upstream = Upstream(begin["address"], begin["environ"])
    threading.Thread(target=_obey, args=(orders, upstream), daemon=True).start()
    import_module(_SERVER).Server(listener, calls, upstream).serve()


def _become(begin: Mapping[str, Any]) -> None:
    if begin["identity"] is not None:
        os.setgroups(begin["identity"]["groups"])
        os.setgid(begin["identity"]["gid"])
        os.setuid(begin["identity"]["uid"])
    os.umask(0o077)
    os.chdir("/")


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    listener.bind(path)
    os.umask(before)
    listener.listen(socket.SOMAXCONN)
    return listener


def _obey(orders: socket.socket, upstream: Upstream) -> None:
    """Tell whether the engine can be reached, each time the harness asks; end when it is gone."""
    try:
        with suppress(frames.ClosedError):
            while True:
                frames.send_json(orders, {"refusal": upstream.refusal()})
                frames.receive(orders)
    finally:
        # The threads that still relay must end with it, and nobody else would end the process.
        os._exit(0)
