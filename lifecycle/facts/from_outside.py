"""A look from outside, where the inside can't be asked: no shell, paused, or ended.

What is left are the container's first process in this machine's /proc, its cgroup, and the
engine's archive API. Only what is surely the container's own is taken from them: of the kernel's
settings, say, this machine would show its own. And a first process tells as whom and where the
container runs only while it still is as the engine started it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.facts.archive import Archive, hidden_by
from lifecycle.facts.inside import (
    ACCOUNTS,
    ENVIRON,
    FIRST,
    GPUS,
    HOSTNAME,
    MOUNTS,
    PROCESSES,
    WRITES,
    FileFact,
    Inside,
    Probe,
)
from lifecycle.facts.kernel_files import Account, environ, has_tty, listening, number, status, words
from lifecycle.machine.procfs import mount_lines
from lifecycle.text.json_object import Json

_CGROUP = "/sys/fs/cgroup/"
_OF_THE_MACHINE = frozenset({"/proc/sys/kernel/cap_last_cap"})
"""Kernel settings that are the same in every container."""
_PRIVATE = "and only root or the same user may read that of its process"
_REMAPPED = "and the engine remaps users, so its process has other numbers outside"


@dataclass
class _Sight:
    """What was seen so far, and why the rest was not."""

    why: str
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def saw(self, thing: str, place: str, **values: Any) -> None:
        self.places[thing] = place
        self.values.update(values)

    def saw_one(self, kind: str, thing: str, place: str, value: Any) -> None:
        """One more of ``Inside.proc``, ``texts``, ``files`` or ``namespaces``."""
        self.places[thing] = place
        self.values.setdefault(kind, {})[thing] = value

    def lacks(self, thing: str, because: str) -> None:
        self.reasons[thing] = f"{self.why}, {because}"

    def inside(self) -> Inside:
        return Inside(unseen=self.why, places=self.places, reasons=self.reasons, **self.values)


@dataclass(frozen=True)
class _Process:
    """A container's first process, as this machine has it; ``root`` is where it has its files."""

    root: Path
    pid: int

    def text(self, file: str) -> str | None:
        return self.read(f"proc/{self.pid}/{file}")

    def read(self, path: str) -> str | None:
        try:
            return (self.root / path).read_bytes().decode("utf-8", "replace")
        except OSError:
            return None

    def link(self, file: str) -> str | None:
        try:
            return str((self.root / f"proc/{self.pid}/{file}").readlink())
        except OSError:
            return None

    def inode(self, file: str) -> int | None:
        try:
            return (self.root / f"proc/{self.pid}/{file}").stat().st_ino
        except OSError:
            return None


def look_outside(  # noqa: PLR0913 - the look's, and the machine that a test brings
    daemon: Daemon, inspect: Json, probe: Probe, why: str, user: str = "", *, root: Path = Path("/")
) -> Inside:
    """What can be told of a container without asking it; ``why`` is the reason not to.

    ``inspect`` is the container's. Of another ``user`` than its own nothing is known.
    """
    sight = _Sight(why)
    sight.lacks(WRITES, "so no file was written in it")
    sight.lacks(PROCESSES, "so its processes were not listed")
    sight.lacks(GPUS, "so nvidia-smi was not run")
    up, archive = bool(inspect["State"]["Running"]), Archive(daemon, str(inspect["Id"]))
    if up:
        first = _first_process(daemon, inspect, root)
        if isinstance(first, str):
            sight.why = f"{why}, and {first}"
        else:
            _of_kernel(sight, first, inspect, probe, remapped=bool(daemon.remaps_users))
            if not user:
                _of_start(sight, first, inspect["Config"])
                _of_user(
                    sight, first, archive, inspect["Config"], remapped=bool(daemon.remaps_users)
                )
        _of_hostname(sight, archive)
    _of_files(sight, archive, inspect, probe, remapped=bool(daemon.remaps_users))
    return sight.inside()


def _first_process(daemon: Daemon, inspect: Json, root: Path) -> _Process | str:
    """The first process; or why it can't be seen."""
    if not daemon.shares_machine:
        return "its processes are on another machine"
    process = _Process(root, int(inspect["State"]["Pid"]))
    cgroup = process.text("cgroup")
    if cgroup is None:
        return "its process can't be found on this machine"
    # The engine may number processes otherwise than we do: of its container it is by its cgroup.
    same = str(inspect["Id"]) in cgroup
    return process if same else "its process can't be told from others on this machine"


def _here(file: str) -> str:
    return f"this machine's /proc/PID/{file}"


def _of_kernel(
    sight: _Sight, process: _Process, inspect: Json, probe: Probe, *, remapped: bool
) -> None:
    """What the kernel tells of a process in just the words that it has inside."""
    numbers_of_others = inspect["HostConfig"].get("PidMode")
    for thing, file, key, read in (
        (MOUNTS, "mountinfo", "mounts", lambda text: tuple(mount_lines(text))),
        (FIRST, "cmdline", "pid1", words),
        ("/proc/1/stat", "stat", "pid1_has_tty", has_tty),
    ):
        text = process.text(file)
        if text is not None and not (thing == FIRST and numbers_of_others):
            sight.saw(thing, _here(file), **{key: read(text)})
    nets = {f"/proc/{f}": process.text(f) or "" for f in ("net/tcp", "net/tcp6")}
    sight.values["listening"] = listening(nets)
    for path in probe.texts:
        text = process.text(path.removeprefix("/proc/")) if path.startswith("/proc/net/") else None
        if text is not None:
            sight.saw_one("texts", path, _here(path.removeprefix("/proc/")), text)
    for name in probe.namespaces:
        inode = process.inode(f"ns/{name}")
        if inode is None:
            sight.lacks(f"/proc/self/ns/{name}", _PRIVATE)
        else:
            sight.saw(f"/proc/self/ns/{name}", _here(f"ns/{name}"))
            sight.values.setdefault("namespaces", {})[name] = inode
    for path in probe.proc:
        _of_proc(sight, process, str(inspect["Id"]), path, remapped=remapped)


def _of_proc(
    sight: _Sight, process: _Process, container: str, path: str, *, remapped: bool
) -> None:
    """One file of the kernel: of the process, of its cgroup, or of the whole machine."""
    own = re.fullmatch("/proc/(?:1|self)/(.+)", path)
    if own and own[1] == "status" and remapped:
        sight.lacks(path, _REMAPPED)
        return
    if own:
        place, text = _here(own[1]), process.text(own[1])
    elif path.startswith(_CGROUP):
        file = cgroup_file(process.text("cgroup") or "", container, path)
        place, text = (
            f"its cgroup's {path.removeprefix(_CGROUP)} on this machine",
            process.read(file) if file else None,
        )
    elif path in _OF_THE_MACHINE:
        place, text = f"this machine's {path}", process.read(path.lstrip("/"))
    else:
        sight.lacks(path, f"and outside {path} is this machine's own")
        return
    if text is None:
        sight.lacks(path, "and this machine does not show that of its process")
    else:
        sight.saw_one("proc", path, place, text)


def cgroup_file(cgroups: str, container: str, path: str) -> str:
    """Where this machine has a cgroup file of a container, below its root; or nothing.

    ``cgroups`` is /proc/PID/cgroup of its first process, ``path`` the file as it is seen inside.
    """
    controller, slash, file = path.removeprefix(_CGROUP).partition("/")
    wanted, name = (controller, file) if slash else ("", controller)
    for row in cgroups.splitlines():
        controllers, _, place = row.partition(":")[2].partition(":")
        parts = place.strip("/").split("/")
        at = next((i for i, part in enumerate(parts) if container in part), -1)
        if wanted in controllers.split(",") and at >= 0 and ".." not in parts:
            return posixpath.join("sys/fs/cgroup", wanted, *parts[: at + 1], name)
    return ""


def _of_start(sight: _Sight, process: _Process, config: Json) -> None:
    """The environment and the working folder, where the process has left them as they were."""
    text, cwd = process.text("environ"), process.link("cwd")
    env = environ(text or "")
    declared = dict(
        str(pair).partition("=")[::2] for pair in config.get("Env") or [] if "=" in pair
    )
    changed = sorted(key for key, value in declared.items() if env.get(key) != value)
    if text is None:
        sight.lacks(ENVIRON, _PRIVATE)
    elif changed:
        sight.lacks(
            ENVIRON, f"and process 1 has another {changed[0]} by now than it was started with"
        )
    else:
        sight.saw(ENVIRON, _here("environ"), env=env)
    began = posixpath.normpath(config.get("WorkingDir") or "/")
    if cwd is None:
        sight.lacks("pwd", _PRIVATE)
    elif cwd != began:
        sight.lacks("pwd", f"and process 1 works in {cwd} by now, other than it was started")
    else:
        sight.saw("pwd", _here("cwd"), cwd=cwd)


def _of_user(
    sight: _Sight, process: _Process, archive: Archive, config: Json, *, remapped: bool
) -> None:
    """Who the process is, where it still is who the engine started it as."""
    fields = status(process.text("status") or "")
    try:
        known, names = archive.accounts, archive.groups
    except EngineError as error:
        sight.lacks("id", f"and the engine does not show its accounts: {error}")
        return
    uid, gid = (_effective(fields.get(key, "")) for key in ("Uid", "Gid"))
    began = started_as(str(config.get("User") or ""), known, names)
    if remapped or (uid, gid) != began:
        now = f"and process 1 is uid {uid} and gid {gid} by now, other than it was started"
        sight.lacks("id", _REMAPPED if remapped else now)
        return
    every = {gid, *(number(word) for word in fields.get("Groups", "").split())}
    sight.saw(ACCOUNTS, f"{ACCOUNTS} by the archive API", accounts=known)
    sight.saw(
        "id",
        f"{_here('status')}, names of {ACCOUNTS}",
        uid=uid,
        gid=gid,
        groups={g: names.get(g, "") for g in every if g is not None},
        user_name=next((a.name for a in known if a.uid == uid), ""),
    )


def _effective(ids: str) -> int | None:
    """The second of the four numbers of Uid and Gid."""
    return number([*ids.split("\t"), "", ""][1])


def started_as(
    written: str, known: Iterable[Account], names: Mapping[int, str]
) -> tuple[int | None, int | None]:
    """The uid and gid that the engine takes ``USER[:GROUP]`` for, a name before a number."""
    user, _, group = written.partition(":")
    by_name = {a.name: a for a in reversed([*known])}
    by_uid = {a.uid: a for a in reversed([*known])}
    uid = by_name[user].uid if user in by_name else number(user or "0")
    if group:
        gids = {name: gid for gid, name in names.items()}
        return uid, gids.get(group, number(group))
    return uid, by_uid[uid].gid if uid in by_uid else 0


def _of_hostname(sight: _Sight, archive: Archive) -> None:
    try:
        text = archive.text("/etc/hostname")
    except EngineError:
        text = None
    if text:
        sight.saw(HOSTNAME, "/etc/hostname by the archive API", hostname=text.strip())


def _of_files(
    sight: _Sight, archive: Archive, inspect: Json, probe: Probe, *, remapped: bool
) -> None:
    """The files that were asked for, as the archive API shows them."""
    up = bool(inspect["State"]["Running"])
    hides = hidden_by(inspect, [m.target for m in sight.values.get("mounts", ())], up=up)
    for path in dict.fromkeys(probe.files + probe.texts):
        if path in sight.places:
            continue
        try:
            real, there = archive.real(path)
            mount = hides(real)
            if mount:
                sight.lacks(path, f"and the archive API does not show what is mounted at {mount}")
                continue
            text = archive.text(real) if there and path in probe.texts else None
            fact = FileFact(exists=False)
            if there and path in probe.files:
                fact = archive.described(real)
        except EngineError as error:
            sight.lacks(path, f"and the engine does not show it: {error}")
            continue
        if remapped and fact.exists:
            fact = FileFact(exists=True, mode=fact.mode)
        place = f"{path} by the archive API"
        if text is not None:
            sight.saw_one("texts", path, place, text)
        if path in probe.files:
            sight.saw_one("files", path, place, fact)
