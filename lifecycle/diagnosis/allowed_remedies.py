"""Whose a thing is, as far as it can be seen: what decides which remedies may be told.

A remedy is an act. One that could end or destroy something is told only where the engine or the
file system has just shown that the thing is the person's own; else a look is told, and whom to
ask. Docker does not record who made a container, and a name, a tag or a label proves nothing:
anybody can write them, and images pass their labels on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from lifecycle.diagnosis.case import Bind, Case, binds_of, container_name
from lifecycle.diagnosis.catalog import Advice, Entry
from lifecycle.diagnosis.machine_facts import Container, MachineFacts
from lifecycle.diagnosis.rules import served

Whose = Literal["run", "own", "another", "unknown"]

_ROOT = 0
_EN_DASH = "\u2013"
_PLAIN = ("/etc/", "/dev/", "/usr/", "/lib/", "/sys/", "/tmp/.X11-unix")  # noqa: S108 - of X11
"""What anybody's container may mount of the machine, and that holds nobody's data."""
_MIGHTY = frozenset({"root", "sudo", "wheel", "adm", "disk", "shadow", "lxd"})
"""Groups that give more than the engine, or other things."""
_DOCKER_NAME = re.compile(r"[a-zA-Z0-9][\w.-]+", re.ASCII)
_ENTERS = frozenset({"run", "create", "exec", "attach"})


@dataclass(frozen=True)
class Claim:
    """The owner of a container, and the signs of it: ``why``, a sentence each."""

    whose: Whose
    why: tuple[str, ...]
    owner: str = ""


# --- containers ---


def subject(case: Case) -> Container | None:
    """The container that a remedy is about: of a port its holder, never the one that failed."""
    return case.holder if case.caught.get("port") else case.container


def claim(case: Case) -> Claim:
    """Whose the container is.

    Own is what writes into the person's home, mounts nothing of anybody else's, and runs as
    nobody else. A folder elsewhere is no proof: colleagues share data.
    """
    one, facts = subject(case), case.facts
    if one is None:
        return Claim("unknown", ())
    if facts.made(str(one.get("Id", ""))):
        return Claim("run", ("it was made by this run",))
    binds = binds_of(one)
    owners = {bind.source: facts.owner(bind.source) for bind in binds}
    why = tuple(_mounts(facts, binds, owners))
    others = [uid for uid in owners.values() if uid not in (None, _ROOT, facts.person.uid)]
    if others:
        return Claim("another", why, facts.names.user_named(others[0] or _ROOT))
    own = (
        facts.person.uid != _ROOT
        and any(_is_own_home(facts, bind, owners[bind.source]) for bind in binds)
        and all(
            uid == facts.person.uid or source.startswith(_PLAIN) for source, uid in owners.items()
        )
        and _runs_as_nobody_else(case, one)
    )
    return Claim("own" if own else "unknown", why)


def _mounts(
    facts: MachineFacts, binds: tuple[Bind, ...], owners: dict[str, int | None]
) -> Iterator[str]:
    for bind in binds:
        owner = owners[bind.source]
        named = "somebody unknown" if owner is None else facts.names.user_named(owner)
        yield f"it mounts {bind.source}, which belongs to {named}"


def _is_own_home(facts: MachineFacts, bind: Bind, owner: int | None) -> bool:
    return owner == facts.person.uid and not bind.readonly and _in_home(facts, bind.source)


def _in_home(facts: MachineFacts, path: str) -> bool:
    """Whether the path, wherever its links lead, is the person's home or in it."""
    try:
        home = Path(facts.person.home).resolve()
        return (facts.root / path.lstrip("/")).resolve().is_relative_to(home)
    except (OSError, RuntimeError):  # a loop of links is the latter
        return False


def _runs_as_nobody_else(case: Case, one: Container) -> bool:
    """By the engine's full answer; a user of the image who is not this person proves nothing."""
    person, config = case.facts.person, case.facts.inspected(str(one["Id"])).get("Config")
    if not isinstance(config, dict):
        return False
    user = str(config.get("User") or "").partition(":")[0]
    return user in {"", "0", "root", person.name, str(person.uid)}


def whose(case: Case) -> list[str]:
    """What the container shows of its owner."""
    one = subject(case)
    if one is None:
        return []
    ownership = claim(case)
    lines = [f"{container_name(one)}: {line}" for line in ownership.why]
    labels = one.get("Labels") or {}
    lines += [
        f"its label {key} is {value}, which anybody can write"
        for key, value in sorted(labels.items())
        if any(word in key.lower() for word in ("owner", "maintainer", "user", "working_dir"))
    ]
    if ownership.whose == "unknown":
        lines.append("nothing seen shows whose it is: Docker does not record who made a container")
    return lines


def _container_is(*wanted: Whose) -> Callable[[Case], bool]:
    return lambda case: claim(case).whose in wanted


# --- files, folders, processes ---


def _source_owner(case: Case) -> int | None:
    source = case.value("source")
    return case.facts.owner(source) if source else None


def _source_is_own(case: Case) -> bool:
    return _source_owner(case) == case.facts.person.uid != _ROOT


def _folder_above_is_own(case: Case) -> bool:
    """The source is missing, in a folder of the person's in their home or on a NAS.

    Elsewhere a missing folder may be a NAS that is not mounted, where a folder that is made
    takes its files to the server's own disk.
    """
    source = case.value("source") or ""
    if not source.startswith("/") or case.facts.owner(source) is not None:
        return False
    above = _nearest(case.facts, source)
    mount = case.facts.mount_of(above)
    placed = _in_home(case.facts, above) or bool(mount and served(mount))
    return placed and case.facts.owner(above) == case.facts.person.uid != _ROOT


def _nearest(facts: MachineFacts, path: str) -> str:
    above = map(str, PurePosixPath(path).parents)
    return next((one for one in above if facts.owner(one) is not None), "/")


def _path_is_own(case: Case) -> bool:
    """The path in the container lies in no folder of the host, or in one of the person's."""
    if claim(case).whose not in ("run", "own") or not case.caught.get("path", "").startswith("/"):
        return False
    return case.bind is None or _source_is_own(case)


def _dockerfile(case: Case) -> str | None:
    """The Dockerfile with a typographic dash in it, if it is the person's own."""
    named = case.option("--file")
    names = [named] if named else ["dockerfile", "Dockerfile"]
    return next((name for name in names if _is_own_with_dash(case.facts, name)), None)


def _is_own_with_dash(facts: MachineFacts, name: str) -> bool:
    own = "/" not in name and facts.owner_in_folder(name) == facts.person.uid != _ROOT
    return own and _EN_DASH in facts.read_in_folder(name)


def _listener_is_own(case: Case) -> bool:
    return any(
        one.pid and one.owner == case.facts.person.uid != _ROOT
        for one in case.listening
        if not one.container and not one.is_proxy
    )


def _socket_group_fits(case: Case) -> bool:
    """The socket is root's, and its group one of /etc/group that is there for such a use."""
    group = case.socket_group
    if group is None or case.socket.uid != _ROOT or group.name in _MIGHTY:
        return False
    local = case.facts.local_group(group.name)
    return group.gid != _ROOT and local is not None and local.gid == group.gid


SHOWN: dict[str, tuple[Callable[[Case], bool], str]] = {
    "container-own": (
        _container_is("own"),
        "only where the container is yours: it writes into your home, and has nothing of others",
    ),
    "container-of-run": (_container_is("run"), "only where the run itself made the container"),
    "container-anothers": (
        _container_is("another"),
        "only where the container mounts what belongs to another person",
    ),
    "container-unknown": (
        _container_is("unknown"),
        "only where nothing shows whose the container is",
    ),
    "source-own": (_source_is_own, "only where the folder is yours"),
    "source-not-own": (
        lambda case: not _source_is_own(case),
        "only where the folder is not shown to be yours",
    ),
    "folder-above-own": (
        _folder_above_is_own,
        "only where the folder above it is yours, and in your home or on a NAS that is mounted",
    ),
    "path-own": (
        _path_is_own,
        "only where the container is yours, and the path is in no folder of another person's",
    ),
    "path-not-own": (
        lambda case: not _path_is_own(case),
        "only where it is not shown that the path is in a container and a folder of yours",
    ),
    "dockerfile-own": (
        lambda case: _dockerfile(case) is not None,
        "only where the Dockerfile is yours",
    ),
    "dockerfile-not-own": (
        lambda case: _dockerfile(case) is None,
        "only where the Dockerfile is not shown to be yours",
    ),
    "listener-own": (_listener_is_own, "only where the process is yours"),
    "socket-group-fits": (
        _socket_group_fits,
        "only where the socket is root's, with a group of this machine for it",
    ),
    "socket-group-unfit": (
        lambda case: not _socket_group_fits(case),
        "only where the socket's group is unknown, root's, or not of this machine",
    ),
}
"""What a remedy's ``only`` may name: how it is seen, and how the documentation says it."""


def advised(entry: Entry, case: Case) -> list[Advice]:
    """The remedies of a finding that may be told of this case."""
    return [one for one in entry.remedies if not one.only or SHOWN[one.only][0](case)]


# --- what fills the holes of a remedy ---


def filler(case: Case) -> Callable[[str], str | None]:
    """What fills the holes of a remedy: of a thing that it acts on, only what may be named."""
    return lambda name: _HOLES[name](case) if name in _HOLES else case.value(name)


def _own_id(case: Case) -> str | None:
    """The id of a container that is shown to be own.

    What ends or destroys gets the id: a report may be read when somebody else has the name.
    """
    one = subject(case)
    return str(one.get("Id", ""))[:12] if one and claim(case).whose == "own" else None


def _entered(case: Case) -> str | None:
    """The container that the person's own line went into, or one that is shown to be theirs."""
    typed = case.typed
    names = typed.names if typed and typed.verb in _ENTERS else ()
    entered = next((one.ref.name for one in names if one.ref.kind == "container"), None)
    one = subject(case)
    return container_name(one) if one and claim(case).whose in ("run", "own") else entered


def _looked_at(case: Case) -> str | None:
    one = subject(case)
    if one is not None:
        return container_name(one)
    caught = case.caught.get("name") or case.caught.get("id")
    named = caught if caught or case.caught.get("port") else case.value("name")
    return named if named and _DOCKER_NAME.fullmatch(named) else None


def _named_owner(case: Case) -> str | None:
    owner = _source_owner(case)
    return None if owner is None else case.facts.names.user_named(owner)


_HOLES: dict[str, Callable[[Case], str | None]] = {
    "your_container": _own_id,
    "container": _entered,
    "that_container": _looked_at,
    "owner": lambda case: claim(case).owner or None,
    "source_owner": _named_owner,
    "dockerfile": _dockerfile,
}
