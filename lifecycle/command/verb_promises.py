"""What single verbs promise beyond what their rows can say."""

from __future__ import annotations

from collections.abc import Iterator

from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.name_rules import container_of
from lifecycle.command.promise import Promise, ReadFile
from lifecycle.command.values import logs

_KILLS = frozenset({"", "KILL", "SIGKILL", "9"})


def made_container(line: DockerLine) -> Ref:
    """The container that a line makes; its name is empty where the line leaves it to docker."""
    made = [n.ref for n in line.names if n.ref.kind == "container" and n.role == "creates"]
    return made[-1] if made else Ref("container", "")


def _first(line: DockerLine) -> Ref:
    """The thing that the first argument names."""
    return next(n.ref for n in line.names if n.word == line.first_arg)


def made(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """A container that run or create makes."""
    about = made_container(line)
    image = next(n.ref for n in line.names if n.word == line.first_arg)
    gone = line.verb == "run" and line.on("--rm") and not line.on("--detach")
    if not gone:
        yield Promise(line.verb, "container.exists", expected=True, where="inspect", about=about)
    if line.verb == "create":
        yield Promise(line.verb, "container.state", "created", "inspect", about)
    else:
        yield Promise(line.verb, "container.started", expected=True, where="inspect", about=about)
    yield Promise(line.verb, "container.image", image.name, "inspect", about)


def executed(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """A process of its own, in a container that is there."""
    yield Promise(line.verb, "exec.new_process", expected=True, where="inspect", about=_first(line))


def port_listed(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The ports that are printed."""
    container, *port = line.args
    wanted = f"{port[0]}/tcp" if port and "/" not in port[0] else "".join(port)
    about = Ref("container", container)
    yield Promise(line.verb, "container.port_listed", wanted, "inspect", about)


def logged(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The part of the log that it prints, and in which form."""
    asked = logs.LogsOptions(
        lines=logs.lines(line.last("--tail") or "all"),
        since=line.last("--since") or "",
        until=line.last("--until") or "",
        timestamps=line.on("--timestamps"),
        details=line.on("--details"),
        follow=line.on("--follow"),
    )
    about = Ref("container", line.args[0])
    yield Promise(line.verb, "container.log.printed", asked, "inspect", about)


def disconnected(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The container has left the network."""
    network, container = line.args
    about = Ref("container", container)
    yield Promise(line.verb, "container.network_left", network, "inspect", about)


def killed(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """A signal that no process can refuse ends it; of another one only the sending is promised."""
    if (line.last("--signal") or "").upper() in _KILLS:
        for name in line.names:
            yield Promise(line.verb, "container.state", "exited", "inspect", name.ref)


def renamed(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The container has its new name."""
    for ref in line.creates:
        yield Promise(line.verb, "container.name", ref.name, "inspect", ref)


def pulled(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The digest that the line asks for."""
    for ref in line.creates:
        _, at, digest = ref.name.partition("@")
        if at:
            yield Promise(line.verb, "image.digest", digest, "inspect", ref)


def tagged(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The new name means the same image."""
    source, target = (n.ref for n in line.names)
    yield Promise(line.verb, "image.same_as", source.name, "inspect", target)


def loaded(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """Images, which only the archive names."""
    reason = "which images an archive holds is not in the line"
    yield Promise(line.verb, "image.exists", expected=True, where="inspect", unverified=reason)


def copied(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The copy is where the line says."""
    source, destination = line.args
    container = container_of(destination)
    if container:
        path = destination.partition(":")[2]
        yield Promise(line.verb, "container.path", path, "inside", Ref("container", container))
    elif container_of(source) and destination != "-":
        yield Promise(line.verb, "file.exists", destination, "host")


def connected(line: DockerLine, _read: ReadFile) -> Iterator[Promise]:
    """The container is on the network."""
    network, container = line.args
    yield Promise(line.verb, "container.network", network, "inspect", Ref("container", container))
