"""One matched finding: its text, what the pattern caught, and the facts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lifecycle.command.host.tables import DEFAULT_SOCKET
from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises
from lifecycle.command.values.mounts import Mount
from lifecycle.diagnosis.finding import Symptom
from lifecycle.diagnosis.groups import Group
from lifecycle.diagnosis.machine_facts import UNIX, Container, MachineFacts
from lifecycle.diagnosis.sockets import Listener, SocketInfo

_BUILD_MARKS = re.compile(
    r"^Step \d+/\d+ :|/bin/sh -c|failed to solve|executor failed running|^#\d+ |"
    r"^\s*(?:=> )?\[[^]\n]*\d+/\d+\] |^(?:>>> )?RUN |docker (?:buildx |image )?build\b",
    re.MULTILINE,
)
_BUILDER_STEP = re.compile(
    r"^(?:Step \d+/\d+ :|(?:#\d+|=>) \[[^]\n]*\d+/\d+\]) *(.+)$", re.MULTILINE
)
_PROXY_SET = re.compile(r"\s*(?:ENV|ARG|RUN +export) +\w*_proxy\b", re.IGNORECASE)
_TYPED = re.compile(r"^\S*[$#] *(?P<line>docker .+)$", re.MULTILINE)


@dataclass(frozen=True)
class Bind:
    """A folder of the host that a container mounts."""

    source: str
    target: str
    readonly: bool


@dataclass(frozen=True)
class Case:
    """What the rules, the probes and the holes of a remedy look at.

    ``line`` is the line of the output that matched, ``caught`` the groups of its pattern.
    """

    symptom: Symptom
    text: str
    line: str
    caught: dict[str, str]
    facts: MachineFacts

    def value(self, name: str) -> str | None:
        """What fills ``{name}`` in a cause or a remedy: caught in the text, or looked up."""
        looked_up = _LOOKED_UP.get(name)
        text = looked_up(self) if looked_up else None
        return text or self.caught.get(name)

    # --- what was typed ---

    @cached_property
    def typed(self) -> DockerLine | None:
        """The docker line that failed: as run, else as a pasted prompt shows it."""
        try:
            return parse(self.symptom.words or self._pasted_words())
        except (CommandError, ValueError):  # another command, or one that docker refused too
            return None

    def _pasted_words(self) -> tuple[str, ...]:
        prompt = _TYPED.search(self.text)
        return tuple(shlex.split(prompt["line"])) if prompt else ()

    def option(self, flag: str) -> str:
        """The value of a flag of that line; empty without one."""
        return (self.typed.last(flag) or "") if self.typed else ""

    @property
    def building(self) -> bool | None:
        """Whether this came out of a build; None when neither line nor text tells."""
        if self.typed:
            return self.typed.verb == "build"
        return True if _BUILD_MARKS.search(self.text) else None

    @cached_property
    def dockerfile(self) -> tuple[str, ...]:
        """The lines of the Dockerfile that was built, else those that the builder printed."""
        name = self.option("--file") or "Dockerfile"
        text = self.facts.read_in_folder(name) if self.typed else ""
        return tuple(text.splitlines()) or tuple(_BUILDER_STEP.findall(self.text))

    @property
    def proxy_lines(self) -> list[tuple[int, str]]:
        """The lines of the Dockerfile that set a proxy, without its address, numbered."""
        lines = enumerate(self.dockerfile, 1)
        return [(number, match[0]) for number, line in lines if (match := _PROXY_SET.match(line))]

    # --- the socket ---

    @cached_property
    def host(self) -> str:
        """The engine's address: as the message has it, else as the CLI would choose it."""
        if path := self.caught.get("socket"):
            return UNIX + path
        return self.caught.get("host") or self.facts.address[0]

    @property
    def socket_path(self) -> str:
        """The Unix socket in question; the default one when the address is no socket."""
        return self.host.removeprefix(UNIX) if self.host.startswith(UNIX) else DEFAULT_SOCKET

    @property
    def socket(self) -> SocketInfo:
        """That socket as it is."""
        return self.facts.socket(self.socket_path)

    @property
    def socket_group(self) -> Group | None:
        """The group that owns the socket."""
        return self.facts.names.group_numbered(self.socket.gid) if self.socket.exists else None

    @cached_property
    def docker_group(self) -> Group | None:
        """The docker group that the person is in by NSS, else the machine's."""
        for gid in self.facts.login_groups:
            group = self.facts.names.group_numbered(gid)
            if group and group.name == "docker":
                return group
        return self.facts.names.group_named("docker")

    # --- containers and their mounts ---

    @cached_property
    def holder(self) -> Container | None:
        """The container that the message is about: by port, by name, or by id."""
        if port := self.caught.get("port"):
            return self.facts.container_on_port(int(port), self.protocol)
        name = self.caught.get("name") or self.caught.get("id")
        return self.facts.container(name) if name else None

    @cached_property
    def listening(self) -> list[Listener]:
        """Who listens on the port that the message is about."""
        port = self.caught.get("port")
        return self.facts.listeners(int(port), self.protocol) if port else []

    def is_left_proxy(self, one: Listener) -> bool:
        """A docker-proxy whose engine has gone, or none of whose engine's containers has the port.

        An engine that was restarted while a container had a port may keep that, and the proxy.
        """
        if not one.is_proxy or self.holder is not None:
            return False
        engine = self.facts.engine
        ours = engine is not None and one.parent == engine.pid
        return one.engine_has_gone or (ours and self.facts.containers is not None)

    @property
    def protocol(self) -> str:
        """The port's protocol as the message has it."""
        return "udp" if self.caught.get("proto", "").startswith("udp") else "tcp"

    @cached_property
    def container(self) -> Container | None:
        """The container that the command was about, by the message or by the words typed."""
        if self.holder:
            return self.holder
        named = [name.ref.name for name in self.typed.names] if self.typed else []
        return next((one for name in named if (one := self.facts.container(name))), None)

    @cached_property
    def inspected(self) -> Container:
        """Everything the engine says of the container; empty when it can't be asked."""
        return self.facts.inspected(str(self.container["Id"])) if self.container else {}

    def read_only_at(self, path: str) -> str:
        """What makes a path of the container read-only; empty when nothing does."""
        mounts = {m.get("Destination"): m for m in self.inspected.get("Mounts") or []}
        if path in mounts:
            return "" if mounts[path].get("RW", True) else f"a read-only mount at {path}"
        typed = bool(self.typed and self.typed.on("--read-only"))
        asked = typed or self.inspected.get("HostConfig", {}).get("ReadonlyRootfs")
        return "--read-only" if asked else ""

    @cached_property
    def bind(self) -> Bind | None:
        """The mounted folder that the path in the message lies in."""
        path = self.caught.get("path", "")
        inside = [b for b in self.binds if path == b.target or path.startswith(b.target + "/")]
        return max(inside, key=lambda bind: len(bind.target), default=None)

    @cached_property
    def binds(self) -> tuple[Bind, ...]:
        """The bind mounts of the container, by the engine, else by the words typed."""
        if self.container:
            return binds_of(self.container)
        promised = promises(self.typed) if self.typed else ()
        mounts = (p.expected for p in promised if isinstance(p.expected, Mount))
        return tuple(Bind(m.source, m.target, m.readonly) for m in mounts if m.type == "bind")


def _caught(name: str, other: Callable[[Case], str | None]) -> Callable[[Case], str | None]:
    """What the pattern caught, and only without it what ``other`` finds."""
    return lambda case: case.caught.get(name) or other(case)


def _named(case: Case) -> str | None:
    """The container's name, which a message often gives as an id."""
    if case.container:
        return container_name(case.container)
    names = case.typed.names if case.typed else ()
    typed = next((one.ref.name for one in names if one.ref.kind == "container"), None)
    return case.caught.get("name") or typed


_LOOKED_UP: dict[str, Callable[[Case], str | None]] = {
    "user": _caught("user", lambda case: case.facts.person.name),
    "uid": _caught("uid", lambda case: str(case.facts.person.uid)),
    "gid": _caught("gid", lambda case: str(case.facts.person.gid)),
    "source": _caught("source", lambda case: case.bind.source if case.bind else None),
    "name": _named,
    "socket": lambda case: case.socket_path,
    "docker_gid": lambda case: str(case.docker_group.gid) if case.docker_group else None,
    "socket_group": lambda case: case.socket_group.name if case.socket_group else None,
    "holder": lambda case: container_name(case.holder) if case.holder else None,
}


def binds_of(container: Container) -> tuple[Bind, ...]:
    """The bind mounts that a container's summary shows."""
    return tuple(
        Bind(m.get("Source", ""), m.get("Destination", ""), not m.get("RW", True))
        for m in container.get("Mounts") or []
        if m.get("Type") == "bind"
    )


def container_name(container: Container) -> str:
    """A container's name as people write it; `/other/alias` is what a link calls it."""
    names = [str(name).removeprefix("/") for name in container.get("Names") or []]
    own = (name for name in names if "/" not in name)
    return next(own, str(container.get("Id", ""))[:12])


def container_state(container: Container) -> str:
    """``running``, ``exited``, ``created`` ...; empty when the summary does not say."""
    return str(container.get("State") or "").lower()
