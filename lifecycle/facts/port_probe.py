"""Trying a published port from outside, with a listener of ours inside where there is none."""

from __future__ import annotations

import os
import posixpath
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lifecycle.command.line import SHELLS
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.errors import left
from lifecycle.facts.model import Answer, ContainerFacts, World, together
from lifecycle.machine.deadline import rest
from lifecycle.machine.network_namespace import socket_in

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
_NOT_YET = (
    "no program of the image listens there yet, and one of ours would be in its way; "
    "`expect: {port: ...}` with `within` waits for it"
)
_NOT_ASKED = "what the image's own program answers to a datagram is not known"
_WAITING = frozenset({"sleep", "tail", "cat"})
_TAKEN = "another program has that UDP port inside, and whether it answers is its own business"
PORT_LIMIT = 3.0
"""Seconds that a listener of ours may take to answer through a published port."""


_Place = tuple[str, str]
"""A host address and port, as the engine writes them."""


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

    Only ever called for containers of our own, and a listener is started only where no program
    can be about to listen itself: ours would take its port.
    """
    protocol = port.rpartition("/")[2]
    if protocol not in _LISTENERS:
        return Answer(answered=None, how=f"{protocol} is not tried")
    places = _places(c, port)
    if not places or c.now is None:
        return Answer(answered=None, how="it is not published now")
    if c.now["State"]["Paused"]:
        return Answer(answered=None, how="it is paused, so that only the kernel would answer")
    doors = {place: _door(*place, world) for place in places}
    early = _at_the_look(c, port, doors)
    if early is not None:
        return early
    if protocol == "tcp" and int(port.partition("/")[0]) in c.inside.listening:
        at = {p: _connect(door, token="") if door else _far(p) for p, door in doors.items()}
    elif not is_idle(c.now) or (protocol == "tcp" and c.inside.places):
        # The latter has no shell to start a listener with.
        otherwise = _NOBODY if c.inside.places else _NOT_YET
        own = partial(_its_own, protocol=protocol, otherwise=otherwise)
        at = {place: own(door) if door else _far(place) for place, door in doors.items()}
    else:
        at = _try_each(daemon, str(c.now["Id"]), port, doors)
    return replace(together(list(at.values())), at=at)


_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - as the engine says it
"""All addresses, and the one of them that is always there."""


def _places(c: ContainerFacts, port: str) -> list[_Place]:
    """Each host address and port that stands for a container port, once.

    Without an address in the line the engine takes IPv6 too: what was not written is not tried.
    """
    if c.now is None or not c.is_up:
        return []
    places = [(b.get("HostIp", ""), b.get("HostPort") or "0") for b in bindings(c.now, port)]
    asked = (c.now["HostConfig"].get("PortBindings") or {}).get(port) or []
    written = any(b.get("HostIp") == "::" for b in asked)
    twins = {number for ip, number in places if ip in {"", "0.0.0.0"}}  # noqa: S104 - the same
    return [p for p in dict.fromkeys(places) if written or p[0] != "::" or p[1] not in twins]


def bindings(inspect: dict[str, Any], port: str) -> list[dict[str, str]]:
    """Where a container port is published: of the running container, else as asked for."""
    live = ((inspect.get("NetworkSettings") or {}).get("Ports") or {}).get(port)
    asked = (inspect["HostConfig"].get("PortBindings") or {}).get(port)
    running = inspect["State"]["Running"]
    return list((live if running else asked) or [])


def is_idle(inspect: Mapping[str, Any]) -> bool:
    """Whether a container runs only a shell that waits for a person, or a program that waits."""
    words = [str(inspect.get("Path") or ""), *map(str, inspect.get("Args") or [])]
    name = posixpath.basename(words[0])
    return name in _WAITING or (name in SHELLS and all(w.startswith("-") for w in words[1:]))


def listeners(ports: Iterable[str]) -> str:
    """Lines for a look that start a one-shot listener for each port, where the image has a tool.

    Only for idle containers, and for ports that are published in one place. They print the port
    and what its listener answers.
    """
    token, lines = secrets.token_hex(6), []
    for port in ports:
        number, _, protocol = port.partition("/")
        tries = [
            f"if command -v {tool} >/dev/null 2>&1; then "
            f"({line.format(port=number, token=token)}) </dev/null >/dev/null 2>&1 & "
            f"echo {port} {token}"
            for tool, line in _LISTENERS.get(protocol, ())
        ]
        lines += ["\nel".join(tries) + "\nfi"] if tries else []
    return "\n".join(lines)


def _at_the_look(
    c: ContainerFacts, port: str, doors: Mapping[_Place, _Door | None]
) -> Answer | None:
    """What the listener that a look has left answers; None where another has to be asked."""
    token, (place, *others) = c.inside.listeners.get(port), doors
    door = doors[place]
    if not token or others or door is None:
        return None
    answer = _connect(door, token) if port.endswith("/tcp") else _ask(door, token)
    return replace(together([answer]), at={place: answer}) if answer.answered else None


def _its_own(door: _Door, protocol: str, otherwise: str) -> Answer:
    """A program of the image, which may have begun to listen only since the look."""
    if protocol != "tcp":
        return Answer(answered=None, how=_NOT_ASKED)
    answer = _connect(door, token="")
    return answer if answer.answered else Answer(answered=None, how=otherwise)


def _far(place: _Place) -> Answer:
    return Answer(answered=None, how=f"{place[0]} is the engine's own loopback")


def _door(address: str, number: str, world: World) -> _Door | None:
    """Where to knock; None for a loopback that is not ours and that we may not enter."""
    port, local = int(number), world.address in {"127.0.0.1", "localhost", "::1"}
    if address in _EVERYWHERE and (":" in address) == (":" in world.address):
        return _Door(world.address, port)
    address = _EVERYWHERE.get(address, address)
    loopback = address.startswith("127.") or address == "::1"
    if not loopback or local:
        return _Door(address, port)
    return _Door(address, port, world.netns) if world.netns and os.geteuid() == 0 else None


def _try_each(
    daemon: Daemon, container: str, port: str, doors: Mapping[_Place, _Door | None]
) -> dict[_Place, Answer]:
    """Through each door to a listener of ours, which answers once."""
    token = secrets.token_hex(6)
    answers: dict[_Place, Answer] = {}
    listener = ""
    for place, door in doors.items():
        if door is None:
            answers[place] = _far(place)
            continue
        if not listener or _has_ended(daemon, listener, answers):
            listener = _listen(daemon, container, port, token)
        answers[place] = (
            _through(daemon, listener, port, door, token)
            if listener
            else Answer(answered=None, how=_NOBODY)
        )
    return answers


def _through(daemon: Daemon, listener: str, port: str, door: _Door, token: str) -> Answer:
    if port.endswith("/tcp"):
        return _connect(door, token)
    answer = _ask(door, token)
    return answer if answer.answered else _unless_taken(daemon, listener, answer)


def _has_ended(daemon: Daemon, listener: str, answers: Mapping[_Place, Answer]) -> bool:
    """Whether a listener is gone; one that has answered frees its port a moment later."""
    has_answered = any(a.answered for a in answers.values())
    deadline = time.monotonic() + (rest(PORT_LIMIT) if has_answered else 0)
    while (daemon.exec(listener) or {}).get("Running"):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.005)  # the engine has an event for an exec's end, but this one is ours
    return True


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
    deadline = time.monotonic() + left(PORT_LIMIT)
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
        time.sleep(0.02)  # there is no event for "somebody listens now"
    return Answer(answered=False, how=problem)


def _receive(link: socket.socket) -> bytes | None:
    """What came first; None when the peer keeps the line open without a word."""
    try:
        return link.recv(64)
    except TimeoutError:
        return None


def _ask(door: _Door, token: str) -> Answer:
    """Send datagrams until one is answered with the token."""
    deadline = time.monotonic() + left(PORT_LIMIT)
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
