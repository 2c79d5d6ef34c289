"""Asking the engine, the inside and the host for what the checks need: thin, and asked once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lifecycle.checks.facts import ExecFacts, RoundTrip, World
from lifecycle.checks.host import State, remove, state_of, touch
from lifecycle.checks.inside import ENDED, TOUCHED, Inside, Probe, parse, script
from lifecycle.checks.needs import devices, kernel_files, namespaces
from lifecycle.checks.network import texts_for
from lifecycle.checks.outside import look_outside
from lifecycle.command.promise import Promise
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.machine.deadline import rest

Json = dict[str, Any]
START_LIMIT = 2.0
"""Seconds that the engine's starter of an exec may take to become the program."""
_STARTER = "Name:\trunc:["
Note = Callable[[str], None]
"""Told of every file before it is written, or when it is gone, so that the ledger knows it."""


def look_inside(daemon: Daemon, container: str, probe: Probe, user: str = "") -> Inside:
    """One exec as ``user`` (the container's own by default), best effort.

    Where nobody inside can answer, what can be told from outside is told.
    """
    asked = ["/bin/sh", "-c", f"{script(probe)}\nexit 0"]
    try:
        outcome = daemon.run_inside(container, asked, user=user)
    except EngineError as error:
        inside = parse(str(error), probe)
    else:
        inside = parse(outcome.output, probe)
    return _from_outside(daemon, container, probe, inside, user) if inside.unseen else inside


def _from_outside(
    daemon: Daemon, container: str, probe: Probe, inside: Inside, user: str
) -> Inside:
    try:
        seen = daemon.container(container)
    except EngineError:
        seen = None
    if seen is None:
        return inside
    why = inside.unseen if seen["State"]["Running"] else ENDED
    return look_outside(daemon, seen, probe, why, user)


def probe_for(promises: Iterable[Promise], *, write: bool) -> Probe:
    """What one look inside must cover for these promises; ``write`` allows trying writes."""
    wanted = list(promises)
    targets = [p.expected["target"] for p in wanted if p.field == "container.mount.access"]
    trips = [p.expected["target"] for p in wanted if p.field == "container.mount.round_trip"]
    return Probe(
        token=secrets.token_hex(4) if write else "",
        write_in=tuple(t for t in targets if t not in trips),
        keep_in=tuple(trips),
        files=devices(wanted),
        texts=texts_for(wanted),
        gpus=any(p.field == "container.gpus.visible" for p in wanted),
        proc=kernel_files(wanted),
        namespaces=namespaces(wanted),
    )


class RoundTrips:
    """Files sent both ways through the bind mounts of one container.

    Use: make the outside files, look inside with :meth:`extend`'s probe, then :meth:`finish`.
    """

    def __init__(
        self, mounts: Mapping[str, str], world: World, probe: Probe, note: Note, gone: Note
    ) -> None:
        """``mounts`` maps the targets to the sources on this host."""
        self._mounts = mounts if probe.token and not world.no_host_side else {}
        self._world, self._probe, self._note, self._gone = world, probe, note, gone
        self._errors: dict[str, str] = {}

    def _outside(self, target: str) -> Path:
        return Path(self._mounts[target]) / f"{TOUCHED}{self._probe.token}-out"

    def _inside(self, target: str) -> Path:
        return Path(self._mounts[target]) / f"{TOUCHED}{self._probe.token}-in"

    def make_outside(self) -> None:
        """Write one file a source as the subject."""
        for target, source in self._mounts.items():
            state = self._state(Path(source))
            if state is None or not state.is_folder:
                self._errors[target] = "not a folder"
                continue
            self._note(str(self._outside(target)))
            self._note(str(self._inside(target)))
            try:
                touch(self._outside(target), self._world.subject)
            except OSError as error:
                self._errors[target] = f"the subject can't write outside: {error.strerror}"

    def _state(self, path: Path) -> State | None:
        try:
            return state_of(path, self._world.subject)
        except OSError:
            return None

    def extend(self) -> Probe:
        """The probe with the outside files to describe."""
        names = tuple(
            f"{t.rstrip('/')}/{TOUCHED}{self._probe.token}-out"
            for t in self._mounts
            if t not in self._errors
        )
        return Probe(**{**vars(self._probe), "files": self._probe.files + names})

    def finish(self, inside: Inside) -> dict[str, RoundTrip]:
        """Compare and remove what was written; returns the outcome by target."""
        return {target: self._one(target, inside) for target in self._mounts}

    def _one(self, target: str, inside: Inside) -> RoundTrip:
        error = self._errors.get(target, "")
        if error == "not a folder":
            return RoundTrip(inside.uid, None, None, untested="the source is no folder")
        made = inside.writes.get(target, "it was not tried")
        seen = inside.files.get(f"{target.rstrip('/')}/{TOUCHED}{self._probe.token}-out")
        state = self._state(self._inside(target))
        owner = state.uid if state else None
        for path in (self._inside(target), self._outside(target)):
            if remove(path, self._world.subject):
                self._gone(str(path))
        if not error and made:
            error = f"uid {inside.uid} can't write inside: {made}"
        return RoundTrip(inside.uid, owner, seen.owner if seen else None, error)


def exec_facts(daemon: Daemon, exec_id: str, container_pid: int, world: World) -> ExecFacts | None:
    """An exec's inspect and, where we may read it, its process on this host."""
    found = daemon.exec(exec_id)
    if found is None:
        return None
    pid = found.get("Pid") or 0
    if not world.shares_machine:
        return ExecFacts(found, container_pid, unseen="the engine is not on this machine")
    status = _status(pid) if found.get("Running") else ""
    if not status:
        return ExecFacts(
            found, container_pid, unseen="it had ended, or not begun, when it was read"
        )
    uids = next(line.split() for line in status.splitlines() if line.startswith("Uid:"))
    cwd, env = _private(pid)
    unseen = "" if cwd else "only root or the same user may read that process"
    return ExecFacts(found, container_pid, int(uids[1]), cwd, env, unseen)


def _status(pid: int) -> str:
    """The kernel's words of a process, once it is the program and no more its starter."""
    deadline = time.monotonic() + rest(START_LIMIT)
    try:
        while (text := Path(f"/proc/{pid}/status").read_text()).startswith(_STARTER):
            if time.monotonic() > deadline:
                return ""
            time.sleep(0.002)  # nothing tells of an exec's own exec
    except OSError:
        return ""
    return text


def _private(pid: int) -> tuple[str | None, dict[str, str] | None]:
    try:
        cwd = str(Path(f"/proc/{pid}/cwd").readlink())
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None, None
    return cwd, dict(item.partition("=")[::2] for item in raw.split("\0") if item)
