"""Sockets in another network namespace: where an engine of our own has its localhost."""

from __future__ import annotations

import ctypes
import os
import socket
import threading

_NEW_NET = 0x40000000
"""CLONE_NEWNET of sched.h: the kind of namespace to enter."""


def socket_in(netns: str, family: int, kind: int) -> socket.socket:
    """A socket of the namespace that a file stands for; of our own when it is empty.

    A namespace belongs to a thread, and a socket stays in the one where it was made: so a thread
    enters, makes it, and ends. Raises OSError when we may not enter.
    """
    if not netns:
        return socket.socket(family, kind)
    made: list[socket.socket | OSError] = []
    worker = threading.Thread(target=lambda: made.append(_make(netns, family, kind)))
    worker.start()
    worker.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def _make(netns: str, family: int, kind: int) -> socket.socket | OSError:
    try:
        with open(netns, "rb") as file:  # noqa: PTH123 - its descriptor is what is wanted
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(file.fileno(), _NEW_NET):
                error = ctypes.get_errno()
                return OSError(error, os.strerror(error))
            return socket.socket(family, kind)
    except OSError as error:
        return error
