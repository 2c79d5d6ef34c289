"""Gathering the facts of one step: what the engine, the inside and the host say after it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from lifecycle.checks.command_output import anonymous_volumes
from lifecycle.checks.expect.files import TEXTS
from lifecycle.checks.expect.inside import probe_of
from lifecycle.checks.what_to_read import probe_for
from lifecycle.command.line import Ref
from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import BindEnds
from lifecycle.command.values.ports import PublishedPort
from lifecycle.engine.daemon import EngineError
from lifecycle.engine.events import Event
from lifecycle.facts.exec_process import exec_facts
from lifecycle.facts.from_outside import look_outside
from lifecycle.facts.host_files import HostFile, look_at_host_file, state_of
from lifecycle.facts.inside import Inside, merged
from lifecycle.facts.look_inside import look_inside
from lifecycle.facts.model import SHADOW, Answer, ContainerFacts, Facts
from lifecycle.facts.password import look_at_password, shadow_hash
from lifecycle.facts.port_probe import listeners, try_port
from lifecycle.facts.round_trips import RoundTrips
from lifecycle.machine.deadline import TimeIsUpError, rest
from lifecycle.machine.subject import Subject
from lifecycle.run.inside.at_start import Watch
from lifecycle.run.observing.output_facts import ask_beside
from lifecycle.run.outcome import Acted
from lifecycle.run.plan.steps import PlannedStep, asks_inside, later_looks, user_of
from lifecycle.run.session.session import Session
from lifecycle.text.json_object import Json

LOOK_LIMIT = 20.0
"""Seconds that a look inside may take at a container's start."""
EVENT_LIMIT = 3.0
"""Seconds that an event may take to reach us: of a start that the CLI reported, or of an end."""


@dataclass
class Before:
    """What was there before a step acted."""

    mark: int
    containers: Mapping[str, Json | None]
    password: str | None
    watch: Watch | None
    awaits_start: bool
    """Whether the engine should report a start."""
    at: float = field(default_factory=time.time)
    """When it was about to act."""


def look_before(session: Session, planned: PlannedStep, promises: Sequence[Promise]) -> Before:
    """Inspect what the line uses, read the old password hash, and arrange the look at start."""
    mark = session.events.mark()
    containers: dict[str, Json | None] = {}
    for name in _containers(planned, planned.line.uses if planned.line else ()):
        containers[name] = session.daemon.container(session.real("container", name))
    if "container" in planned.does.ends:
        for container in filter(None, containers.values()):
            session.looks.leave(str(container["Id"]))
    user = planned.expect.get("password_changed")
    old = None
    on = _on(session, planned)
    if user and on:
        old = _shadow_hash(session, on, user)
    watch = _watch(session, planned, promises)
    was = containers.get(planned.container)
    # A start of what runs already is none.
    verb = planned.line.verb if planned.line else ""
    runs = verb == "start" and was is not None and bool(was["State"]["Running"])
    return Before(mark, containers, old, watch, watch is not None and not runs)


def _watch(session: Session, planned: PlannedStep, promises: Sequence[Promise]) -> Watch | None:
    """Arrange one look inside at the start, for promises and expectations together."""
    if not planned.does.starts or not asks_inside(planned, promises):
        return None
    probe = merged(probe_for(promises, write=True), probe_of(planned.expect))
    # What it writes in a person's folder bears the run's id, without which nothing is removed.
    probe = replace(probe, token=f"{session.run}-{probe.token}") if probe.token else probe
    sources = {
        p.expected.target: p.expected.source for p in promises if isinstance(p.expected, BindEnds)
    }
    ownership = session.ownership
    note, gone = (lambda p: ownership.intend("file", p)), (lambda p: ownership.gone("file", p))
    trips = RoundTrips(sources, session.world, probe, note, gone)
    trips.make_outside()
    later = later_looks(session.plan, planned)
    look = partial(session.looks.inside, again="" in later)
    # Its own user's stays with the look itself.
    prepare = partial(session.looks.prepare, users=[user for user in later if user])
    once = listeners(p for p, places in _ports(planned, promises).items() if places == 1)
    watch = Watch(look, trips.extend(), trips, once, prepare)
    session.witness.watch(session.real("container", planned.container), watch)
    return watch


def look_after(
    session: Session,
    planned: PlannedStep,
    promises: Sequence[Promise],
    acted: Acted,
    before: Before,
) -> Facts:
    """Everything the checks of this step need, each asked once."""
    facts = Facts(
        world=session.world,
        written=session.plan.names.written,
        exit_code=acted.exit_code,
        output=acted.output,
        lost=acted.lost,
        screen=acted.screen,
        seconds=acted.seconds,
    )
    for name in _containers(planned, _refs(planned, "container")):
        facts.containers[name] = _container(session, name, promises, before, acted)
    if planned.does.makes == "container":
        facts.containers[""] = facts.containers[planned.container]
    _images(session, planned, promises, facts)
    for ref in _refs(planned, "volume"):
        facts.volumes[ref.name] = session.daemon.volume(session.real("volume", ref.name))
    if planned.line and planned.line.verb == "rm" and planned.line.on("--volumes"):
        for container in facts.containers.values():
            facts.volumes.update(
                {v: session.daemon.volume(v) for v in anonymous_volumes(container)}
            )
    for ref in _refs(planned, "network"):
        facts.networks[ref.name] = session.daemon.network(session.real("network", ref.name))
    facts.files = {
        str(p.expected): _is_there(session, str(p.expected))
        for p in promises
        if p.field == "file.exists"
    }
    facts.pushed = {
        p.about.name: _pushed(session, p.about.name)
        for p in promises
        if p.field == "image.pushed" and p.about
    }
    _inside(session, planned, promises, before, facts)
    if planned.does.comes_in:
        _execs(session, planned, before, facts)
    _password(session, planned, before, facts)
    facts.host_files = _host_files(planned, session.world.subject)
    ask_beside(session, planned, promises, before.at, facts)
    return facts


def _host_files(planned: PlannedStep, subject: Subject) -> dict[str, HostFile]:
    wanted = (planned.expect.get("host") or {}).get("files") or {}
    return {
        path: look_at_host_file(Path(path), subject, text=bool(TEXTS & set(keys or {})))
        for path, keys in wanted.items()
    }


def _is_there(session: Session, path: str) -> bool:
    try:
        return state_of(session.folder / path, session.world.subject) is not None
    except OSError:
        return False


def _refs(planned: PlannedStep, kind: str) -> list[Ref]:
    return [n.ref for n in planned.line.names if n.ref.kind == kind] if planned.line else []


def _on(session: Session, planned: PlannedStep) -> str:
    """The container that a step is about, by its written name."""
    if planned.step.in_ and not planned.step.on:
        opened = session.terminals.get(planned.step.in_)
        return opened.container if opened else ""
    return planned.container


def _containers(planned: PlannedStep, refs: Iterable[Ref]) -> list[str]:
    names = [r.name for r in refs if r.kind == "container" and r.name]
    if planned.container:
        names.append(planned.container)
    return list(dict.fromkeys(names))


def _container(
    session: Session, name: str, promises: Sequence[Promise], before: Before, acted: Acted
) -> ContainerFacts:
    real = session.real("container", name)
    facts = ContainerFacts(
        name,
        now=_now(session, real, before),
        before=before.containers.get(name),
        created=session.ownership.created.get(real),
        started=_started(session, real, before, acted),
    )
    if any(p.field == "container.signal" for p in promises):
        facts.signals = _signals(session, facts, before)
    facts.image_ids = {
        str(p.expected): _image_id(session, str(p.expected))
        for p in promises
        if p.field == "container.image"
    }
    facts.paths = {
        str(p.expected): _has_path(session, real, str(p.expected))
        for p in promises
        if p.field == "container.path" and p.about and p.about.name == name
    }
    return facts


def _now(session: Session, real: str, before: Before) -> Json | None:
    """Its inspect; the engine removes one with --rm a moment after it has ended."""
    now = session.daemon.container(real)
    ended = now is not None and now["State"]["Status"] in {"exited", "removing"}
    if now is None or not (ended and now["HostConfig"].get("AutoRemove")):
        return now
    gone = session.events.wait(
        lambda e: e.is_a("destroy", real), since=before.mark, timeout=rest(EVENT_LIMIT)
    )
    return None if gone else now


def _signals(session: Session, c: ContainerFacts, before: Before) -> tuple[int, ...]:
    """The signals that the engine reported; the CLI may be back a moment before the event."""
    real = session.real("container", c.name)

    def is_kill(event: Event) -> bool:
        return event.is_a("kill", real)

    was_up = c.before is not None and c.before["State"]["Running"]
    limit = rest(EVENT_LIMIT) if was_up else 0.0
    session.events.wait(is_kill, since=before.mark, timeout=limit)
    sent = [e.attributes.get("signal", "") for e in session.events.since(before.mark) if is_kill(e)]
    return tuple(int(s) for s in sent if s.isdigit())


def _image_id(session: Session, written: str) -> str:
    image = session.daemon.image(session.real("image", written))
    return str(image["Id"]) if image else ""


def _has_path(session: Session, real: str, path: str) -> bool:
    try:
        return session.daemon.stat(real, path) is not None
    except EngineError:
        return False


def _images(
    session: Session, planned: PlannedStep, promises: Sequence[Promise], facts: Facts
) -> None:
    names = [r.name for r in _refs(planned, "image")]
    names += [str(p.expected) for p in promises if p.field == "image.same_as"]
    names += [p.about.name for p in promises if p.field == "image.exists" and p.about]
    wanted = planned.expect.get("image") or {}
    names += [str(wanted["name"])] if "name" in wanted else []
    for name in dict.fromkeys(names):
        facts.images[name] = session.daemon.image(session.real("image", name))


def _pushed(session: Session, written: str) -> str:
    try:
        return session.daemon.registry_digest(session.real("image", written))
    except EngineError:
        return ""


def _inside(
    session: Session,
    planned: PlannedStep,
    promises: Sequence[Promise],
    before: Before,
    facts: Facts,
) -> None:
    """The look at the start if there was one, else one now if something asks for it."""
    on = facts.containers.get(_on(session, planned))
    if on is None:
        return
    watch = before.watch
    if watch is not None and on.started:
        watch.done.wait(rest(LOOK_LIMIT))
        on.inside, on.round_trips = watch.inside, watch.round_trips
    elif watch is not None:
        on.round_trips = watch.trips.finish(Inside(unseen="it did not start"))
    # A start of what runs already brings no event: then there is only now to look at.
    if (watch is None or (on.is_up and not watch.done.is_set())) and on.now is not None:
        _look_now(session, planned, promises, on)
    on.answers = {port: _answer(session, on, port) for port in _ports(planned, promises)}


def _answer(session: Session, on: ContainerFacts, port: str) -> Answer:
    try:
        return try_port(session.daemon, on, port, session.world)
    except TimeIsUpError as over:
        return Answer(answered=None, how=str(over))


def _look_now(
    session: Session, planned: PlannedStep, promises: Sequence[Promise], on: ContainerFacts
) -> None:
    if not asks_inside(planned, promises) or on.now is None:
        return
    probe = merged(probe_for(promises, write=False), probe_of(planned.expect))
    user = user_of(planned)
    if on.is_up and on.now["State"].get("Paused"):
        on.inside = look_inside(session.daemon, str(on.now["Id"]), probe, user)
    elif on.is_up:
        again = user in later_looks(session.plan, planned)
        on.inside = session.looks.inside(str(on.now["Id"]), probe, user, again=again)
    else:
        over = f"the container is {on.now['State']['Status']}"
        on.inside = look_outside(session.daemon, on.now, probe, over)


def _ports(planned: PlannedStep, promises: Sequence[Promise]) -> Mapping[str, int]:
    """The published ports that somebody asks for, as ``8080/tcp``, and in how many places each."""
    ports = Counter(
        p.expected_as(PublishedPort).container
        for p in promises
        if p.field == "container.port.answers"
    )
    asked = (k if "/" in k else f"{k}/tcp" for k in planned.expect.get("port") or {})
    return dict.fromkeys(asked, 1) | ports


def _started(session: Session, real: str, before: Before, acted: Acted) -> bool:
    """Whether the engine reported its start; the CLI may be back a moment before the event."""
    went_well = before.awaits_start and acted.exit_code in {0, None}
    start = session.events.wait(
        lambda e: e.is_a("start", real),
        since=before.mark,
        timeout=rest(EVENT_LIMIT) if went_well else 0.0,
    )
    return start is not None


def _execs(session: Session, planned: PlannedStep, before: Before, facts: Facts) -> None:
    """The exec of this step, and how many the container gained."""
    name = planned.container
    real = session.real("container", name)
    ids = [
        e.attributes.get("execID", "")
        for e in session.events.since(before.mark)
        if e.is_a("exec_create", real)
    ]
    theirs = [i for i in ids if i and not session.daemon.is_own_exec(i)]
    facts.new_execs = len(theirs)
    container = facts.containers.get(name)
    if not theirs or container is None or container.now is None:
        return
    pid = container.now["State"]["Pid"]
    facts.exec = exec_facts(session.daemon, theirs[0], pid, session.world)


def _password(session: Session, planned: PlannedStep, before: Before, facts: Facts) -> None:
    user, on = planned.expect.get("password_changed"), _on(session, planned)
    if not user or not on:
        return
    real, typed = session.real("container", on), session.terminals.last_secret(on)
    hashes = before.password, _shadow_hash(session, on, user)
    ask_root = partial(session.looks.ask_root, _identity(session, on))
    facts.password = look_at_password(session.daemon, real, user, hashes, typed, ask_root=ask_root)


def _shadow_hash(session: Session, on: str, user: str) -> str | None:
    return shadow_hash(session.looks.text(_identity(session, on), SHADOW), user)


def _identity(session: Session, on: str) -> str:
    """The id of a container of ours by its written name; the name in use where it is not known."""
    real = session.real("container", on)
    return str((session.ownership.created.get(real) or {"Id": real})["Id"])
