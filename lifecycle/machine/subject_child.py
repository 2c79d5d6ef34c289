"""The child that acts as somebody: it gives up root before it is asked anything.

The standard library only, and all of it imported first: whoever we become may not be able to read
root's Python. Each request names a function of one module and its arguments; each answer is what
it returned, or the error that the kernel gave. A request may bring a folder to stand in.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import socket
import struct
import sys
from typing import Any

_SIZE = struct.Struct(">Q")
_MOST = 1 << 28
"""Bytes of one message; more is no message of ours."""
_BYTES = "bytes in base64"


def send(channel: socket.socket, message: Any, folder: int | None = None) -> None:
    """One message, with an open folder beside it."""
    # ASCII only: names of files that are no text go as escaped surrogates, and come back.
    data = json.dumps(message, default=_plain).encode("ascii")
    head = _SIZE.pack(len(data))
    if folder is None:
        channel.sendall(head)
    else:
        socket.send_fds(channel, [head], [folder])
    channel.sendall(data)


def receive(channel: socket.socket) -> tuple[Any, int | None]:
    """The next message and the folder beside it; EOFError when the other side has gone."""
    head, folders, _, _ = socket.recv_fds(channel, _SIZE.size, 1)
    folder = folders[0] if folders else None
    (size,) = _SIZE.unpack(head + _exactly(channel, _SIZE.size - len(head)))
    if size > _MOST:
        raise EOFError
    return json.loads(_exactly(channel, size), object_hook=_whole), folder


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _plain(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    raise TypeError(type(value).__name__)


def _whole(value: dict[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if set(value) == {_BYTES} else value


def become(identity: dict[str, Any]) -> None:
    """Be that person for good: nothing of root is kept to go back to."""
    uid, gid = identity["user"], identity["group"]
    os.setgroups(identity["extra_groups"])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(identity["umask"])


def _answer(functions: Any, asked: Any, folder: int | None) -> Any:
    try:
        os.chdir("/") if folder is None else os.fchdir(folder)
        return {"returned": getattr(functions, asked["do"])(*asked["with"])}
    except OSError as error:
        return {"errno": error.errno or 0, "said": error.strerror or str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear of it
        return {"fault": repr(error)}
    finally:
        if folder is not None:
            os.close(folder)


def serve() -> None:
    """Answer until the other side goes; its words are the descriptor, the module, the identity."""
    _, number, module, identity = sys.argv
    functions = importlib.import_module(module)
    with socket.socket(fileno=int(number)) as channel:
        become(json.loads(identity))
        while True:
            try:
                asked, folder = receive(channel)
                send(channel, _answer(functions, asked, folder))
            except (EOFError, OSError):
                return
