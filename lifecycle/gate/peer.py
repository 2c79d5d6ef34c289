"""Who is at the other end of a connection to the gate.

The gate's folder shuts out other people of this machine, but not their containers: root in one
may open whatever is mounted there, and ``docker run --user`` takes any person's number.
"""

from __future__ import annotations

import os
import socket
import struct

from lifecycle.machine.procfs import namespace_pids

_CREDENTIALS = struct.Struct("iII")
"""A ``ucred``: the process that connected, its uid and its gid, as the kernel tells them."""


def objection(client: socket.socket) -> str:
    """Why who connected is not served; empty where it is the gate's person, beside the gate."""
    told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(told)
    if uid != os.geteuid():
        return (
            f"this is the gate of a run of uid {os.geteuid()}, and uid {uid} is not served: "
            "ask the engine itself"
        )
    if not (_is_itself("self", os.getpid()) and _is_itself(pid, pid)):
        return (
            "this is the gate of a run's own commands, and a process in a container, or one that "
            "can't be looked at, is not served: ask the engine itself"
        )
    return ""


def _is_itself(process: int | str, pid: int) -> bool:
    """Whether a process has one number only, as it has in no namespace below ours.

    One outside of ours has the number 0 here. Unlike ``/proc/PID/ns`` the numbers can be read also
    of a process with another group than ours, such as one that ``sg docker`` began.
    """
    return namespace_pids(process) == [pid]
