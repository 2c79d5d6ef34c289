"""What is done in another network namespace: where an engine of our own has its localhost."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_NEW_NET = 0x40000000
"""CLONE_NEWNET of sched.h: the kind of namespace to enter."""
T = TypeVar("T")


def socket_in(netns: str, family: int, kind: int) -> socket.socket:
    """A socket of the namespace that a file stands for; of our own when it is empty.

    Raises OSError when we may not enter.
    """
    return inside(netns, lambda: socket.socket(family, kind))


def inside(netns: str, act: Callable[[], T]) -> T:
    """Do something in the namespace that a file stands for; in our own when it is empty.

    A namespace belongs to a thread, and a socket or a process stays in the one where it was made:
    so a thread enters, acts, and ends. Raises OSError when we may not enter, and whatever the
    act raises.
    """
    if not netns:
        return act()
    done: list[T] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            with Path(netns).open("rb") as file:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(file.fileno(), _NEW_NET):
                    error = ctypes.get_errno()
                    failed.append(OSError(error, os.strerror(error)))
                    return
            done.append(act())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
            failed.append(error)

    worker = threading.Thread(target=enter)
    worker.start()
    worker.join()
    if failed:
        raise failed[0]
    return done[0]


def current() -> str:
    """The namespace that this thread is in."""
    return str(Path("/proc/thread-self/ns/net").readlink())


def entrance(namespace: str) -> str:
    """A file that stands for a namespace: that of a process in it; empty when there is none."""
    for process in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if str(process.readlink()) == namespace:
                return str(process)
        except OSError:
            continue
    return ""
