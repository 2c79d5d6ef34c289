"""Trying a published port from outside, with a listener of ours inside where there is none."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass

from lifecycle.checks.facts import Answer, ContainerFacts, World
from lifecycle.checks.ports import bindings
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.netns import socket_in

_PYTHON_TCP = (
    "python3 -c \"import socket;s=socket.socket();s.setsockopt(1,2,1);s.bind(('',{port}));"
    "s.listen();c=s.accept()[0];c.sendall(b'{token}')\""
)
_PERL_TCP = (
    "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,6);setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);"
    'bind(S,sockaddr_in({port},INADDR_ANY))&&listen(S,5);accept(C,S);syswrite(C,"{token}")\''
)
_PYTHON_UDP = (
    "python3 -c \"import socket;s=socket.socket(2,2);s.bind(('',{port}));"
    "a=s.recvfrom(64)[1];s.sendto(b'{token}',a)\""
)
_PERL_UDP = (
    "perl -MSocket -e 'socket(S,PF_INET,SOCK_DGRAM,17);bind(S,sockaddr_in({port},INADDR_ANY))"
    '||exit 1;$a=recv(S,$b,64,0);send(S,"{token}",0,$a)\''
)
_LISTENERS = {
    "tcp": (
        ("python3", _PYTHON_TCP),
        ("perl", _PERL_TCP),
        ("nc", "sh -c 'echo {token} | nc -l -p {port}'"),
        ("busybox", "sh -c 'echo {token} | busybox nc -l -p {port}'"),
    ),
    "udp": (
        ("python3", _PYTHON_UDP),
        ("perl", _PERL_UDP),
        ("nc", "sh -c 'echo {token} | nc -u -l -p {port}'"),
        ("busybox", "sh -c 'echo {token} | busybox nc -u -l -p {port}'"),
    ),
}
"""Tools that an image may have, and a one-shot listener made of each."""
_NO_TOOL = 77
_NOBODY = "nothing listens there, and the image has no tool that could"
_TAKEN = "another program has that UDP port inside, and whether it answers is its own business"
PORT_LIMIT = 3.0
"""Seconds that a listener of ours may take to answer through a published port."""


@dataclass(frozen=True)
class _Door:
    """Where a published port is reached: an address, seen from a network namespace."""

    address: str
    port: int
    netns: str = ""

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"

    def connect(self, kind: socket.SocketKind, timeout: float) -> socket.socket:
        """A connected socket; raises OSError."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        link = socket_in(self.netns, family, kind)
        try:
            link.settimeout(timeout)
            link.connect((self.address, self.port))
        except OSError:
            link.close()
            raise
        return link


def try_port(daemon: Daemon, c: ContainerFacts, port: str, world: World) -> Answer:
    """Connect from outside to a published port; a listener is started inside where there is none.

    Only ever called for containers of our own.
    """
    protocol = port.rpartition("/")[2]
    if protocol not in _LISTENERS:
        return Answer(answered=None, how=f"{protocol} is not tried")
    found = bindings(c.now or {}, port) if c.is_up else []
    if not found or c.now is None:
        return Answer(answered=None, how="it is not published now")
    door = _door(found[0], world)
    if door is None:
        return Answer(answered=None, how=f"{found[0]['HostIp']} is the engine's own loopback")
    if protocol == "tcp" and int(port.partition("/")[0]) in c.inside.listening:
        return _connect(door, token="")
    return _try(daemon, str(c.now["Id"]), port, door)


def _try(daemon: Daemon, container: str, port: str, door: _Door) -> Answer:
    """Through the door to a listener of ours."""
    token = secrets.token_hex(6)
    listener = _listen(daemon, container, port, token)
    if not listener:
        return Answer(answered=None, how=_NOBODY)
    if port.endswith("/tcp"):
        return _connect(door, token)
    answer = _ask(door, token)
    return answer if answer.answered else _unless_taken(daemon, listener, answer)


def _door(binding: dict[str, str], world: World) -> _Door | None:
    """Where to knock; None for a loopback that is not ours and that we may not enter."""
    address, port = binding.get("HostIp", ""), int(binding.get("HostPort") or 0)
    if address in {"", "0.0.0.0", "::"}:  # noqa: S104 - what the engine says of all addresses
        return _Door(world.address, port)
    loopback = address.startswith("127.") or address == "::1"
    if not loopback or world.address in {"127.0.0.1", "localhost", "::1"}:
        return _Door(address, port)
    return _Door(address, port, world.netns) if world.netns and os.geteuid() == 0 else None


def _listen(daemon: Daemon, container: str, port: str, token: str) -> str:
    """Start a one-shot listener with whatever tool the image has; its exec, or nothing."""
    number, _, protocol = port.partition("/")
    tries = [
        f"command -v {tool} >/dev/null 2>&1 && exec {line.format(port=number, token=token)}"
        for tool, line in _LISTENERS[protocol]
    ]
    text = "\n".join([*tries, f"exit {_NO_TOOL}"])
    try:
        exec_id = daemon.start_inside(container, ["/bin/sh", "-c", text], user="0")
        state = daemon.exec(exec_id)
    except EngineError:
        return ""
    started = state and (state["Running"] or state.get("ExitCode") != _NO_TOOL)
    return exec_id if started else ""


def _unless_taken(daemon: Daemon, listener: str, answer: Answer) -> Answer:
    """A listener that ended without being asked found its port in use."""
    try:
        state = daemon.exec(listener)
    except EngineError:
        return answer
    taken = state is not None and not state["Running"] and state.get("ExitCode")
    return Answer(answered=None, how=_TAKEN) if taken else answer


def _connect(door: _Door, token: str) -> Answer:
    """Try until the token comes. A proxy accepts before anybody listens, then hangs up."""
    deadline = time.monotonic() + PORT_LIMIT
    problem = ""
    while time.monotonic() < deadline:
        try:
            with door.connect(socket.SOCK_STREAM, 1) as link:
                link.settimeout(1 if token else 0.2)
                got = _receive(link)
        except OSError as error:
            problem = f"{door}: {error.strerror or error}"
        else:
            if got is None or (got and (not token or token.encode() in got)):
                return Answer(answered=True, how=f"connected to {door}")
            problem = f"{door} hung up at once"
        # There is no event for "somebody listens now": look again soon, within the limit.
        time.sleep(0.02)
    return Answer(answered=False, how=problem)


def _receive(link: socket.socket) -> bytes | None:
    """What came first; None when the peer keeps the line open without a word."""
    try:
        return link.recv(64)
    except TimeoutError:
        return None


def _ask(door: _Door, token: str) -> Answer:
    """Send datagrams until one is answered with the token."""
    deadline = time.monotonic() + PORT_LIMIT
    problem = f"{door} did not answer a datagram"
    while time.monotonic() < deadline:
        try:
            with door.connect(socket.SOCK_DGRAM, 0.2) as link:
                link.send(b"?\n")
                if token.encode() in link.recv(64):
                    return Answer(answered=True, how=f"a datagram to {door} was answered")
        except TimeoutError:
            continue
        except OSError as error:
            problem = f"{door}: {error.strerror or error}"
            time.sleep(0.02)  # nobody has the port yet, or anybody ever will
    return Answer(answered=False, how=problem)
