"""Bookkeeping round a command: which words really run, what the ledger is told, what is kept."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from lifecycle.checks.check import Check, unverified
from lifecycle.command.builds import layers_from
from lifecycle.command.detach import keys_of
from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.promise import Promise
from lifecycle.command.references import is_image_id
from lifecycle.engine.daemon import EngineError
from lifecycle.run import guard
from lifecycle.run.act import Acted
from lifecycle.run.inventory import had_image, key_of
from lifecycle.run.layers import left_over, stands_on_others, unnamed
from lifecycle.run.ledger import Kind
from lifecycle.run.planned import PlannedStep
from lifecycle.run.session import OpenTerminal, Session
from lifecycle.scenario.reading import text_at

_LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")
_MADE_ID = re.compile(r"(?:Successfully built |sha256:)([0-9a-f]{12,64})")
_PULLED = "a pulled base image, which others may use by now; --remove-pulled takes it away again"


@dataclass
class Words:
    """The argument vector to run, or why there is none."""

    argv: tuple[str, ...]
    shown: str = ""
    changed: bool = False
    refusal: str = ""
    skip: str = ""
    checks: list[Check] = field(default_factory=list)


def words_to_run(session: Session, planned: PlannedStep) -> Words:
    """Real names in place of written ones, after asking whether the line may run at all."""
    line = planned.line
    if line is None:
        return Words(planned.words)
    skip = _existing_image(session, line)
    if skip:
        return Words((), skip=skip)
    refusal = _refusal(session, line)
    if refusal:
        return Words((), refusal=refusal)
    argv = session.plan.names.apply(line, planned.index + 1)
    checks: list[Check] = []
    if line.verb == "rmi" and _spares_others(session, line):
        argv = (*argv[: line.flags_at], "--no-prune", *argv[line.flags_at :])
    if line.verb == "pull":
        argv, checks = _pull(session, line, argv)
    return Words(argv, shlex.join(argv), argv != planned.words, checks=checks)


def _refs_there(session: Session, refs: frozenset[Ref]) -> dict[Ref, str]:
    """Full ids of the named things that the engine has now."""
    found: dict[Ref, str] = {}
    for ref in refs:
        real = session.real(ref.kind, ref.name)
        ask = getattr(session.daemon, ref.kind)
        seen = ask(real)
        if seen is not None:
            found[ref] = str(seen.get("Id") or seen.get("Name"))
    return found


def _refusal(session: Session, line: DockerLine) -> str:
    touched = guard.touched(line)
    there = _refs_there(session, touched)
    ours = {r: i for r, i in there.items() if _ours(session, r, i)}
    session.targets |= {key_of(r.kind, session.real(r.kind, r.name), i) for r, i in ours.items()}
    allowed = session.options.allow_foreign
    foreign = guard.foreign(line, there, set(ours.values()), allowed)
    return foreign or _moves_a_tag(session, line)


def _ours(session: Session, ref: Ref, identity: str) -> bool:
    real = session.real(ref.kind, ref.name)
    return session.ledger.holds(ref.kind, real) or session.ledger.holds(ref.kind, identity)


def _moves_a_tag(session: Session, line: DockerLine) -> str:
    """Only with --as-written can a tag that was there before be meant by a line that makes one."""
    if line.verb in {"pull", "load"} or not session.options.as_written:
        return ""
    for ref in sorted(r for r in line.creates if r.kind == "image"):
        seen = session.daemon.image(ref.name)
        if seen is not None and not session.ledger.holds("image", ref.name):
            return f"{ref} was there before this run; making it anew would move its tag"
    return ""


def _existing_image(session: Session, line: DockerLine) -> str:
    """An image that was there before is not removed."""
    for ref in sorted(r for r in line.destroys if r.kind == "image"):
        real = session.real("image", ref.name)
        seen = session.daemon.image(real)
        if seen is None or session.ledger.holds("image", real):
            continue
        by_id = is_image_id(ref.name) and had_image(session.before, seen["Id"])
        was_there = by_id or key_of("image", real, seen["Id"]) in session.before
        if was_there and ref.name not in session.options.allow_foreign:
            return f"{ref} was there before this run, so it is not removed"
    return ""


def _spares_others(session: Session, line: DockerLine) -> bool:
    """Whether an image that a line removes must not take what it stands on with it."""
    names = [session.real("image", r.name) for r in line.destroys if r.kind == "image"]
    stand = [name for name in names if stands_on_others(session, name)]
    return bool(stand)


def _pull(
    session: Session, line: DockerLine, argv: tuple[str, ...]
) -> tuple[tuple[str, ...], list[Check]]:
    """A tag that is here and has moved in the registry stays: its new image comes by digest."""
    ref = next(iter(sorted(line.creates)), None)
    seen = session.daemon.image(ref.name) if ref else None
    if ref is None or seen is None or "@" in ref.name or session.ledger.holds("image", ref.name):
        return argv, []
    try:
        digest = session.daemon.registry_digest(ref.name)
    except EngineError:
        return argv, []
    repository = ref.name.rpartition(":")[0]
    if not digest or any(d.endswith(digest) for d in seen.get("RepoDigests") or []):
        return argv, []
    name = f"{repository}@{digest}"
    if session.daemon.image(name) is None:
        session.ledger.intend("image", name)
    by_digest = tuple(name if w == line.args[0] else w for w in argv)
    reason = f"the tag was here before and has moved; pulled by digest, so that {ref.name} stays"
    return by_digest, [unverified(f"pull: {ref.name} is the registry's", digest, reason)]


def intend(session: Session, planned: PlannedStep) -> None:
    """Write what the command may create to the ledger, before it does."""
    if planned.line is None:
        return
    if session.plan.names.is_unnamed(planned.line):
        session.ledger.intend("container", session.real("container", planned.container))
    new = [r for r in sorted(planned.line.creates) if _is_new(session, r)]
    for ref in new:
        session.ledger.intend(ref.kind, session.real(ref.kind, ref.name))
    session.witness.expect([session.real(r.kind, r.name) for r in new if r.kind == "container"])
    if planned.line.verb == "build":
        session.ledger.build(layers_from(planned.line, lambda p: text_at(session.folder / p)))


def _is_new(session: Session, ref: Ref) -> bool:
    """What is there already is not ours to claim (a pull that finds its image)."""
    return ref not in _refs_there(session, frozenset({ref}))


def settle(session: Session, planned: PlannedStep, acted: Acted) -> None:
    """After the command: ids to the ledger, what is gone off it, what a build left on it."""
    line = planned.line
    if line is None:
        return
    for ref, identity in _refs_there(session, line.creates).items():
        real = session.real(ref.kind, ref.name)
        if key_of(ref.kind, real, identity) in session.before:
            continue
        # What this run itself pushed under a name of its own and pulled back is not a base image.
        is_base = line.verb == "pull" and ref not in session.plan.names.isolated
        if not session.ledger.intends(ref.kind, real):
            continue
        if ref.kind == "container":
            # The witness claims it at its creation; the CLI may be back before that event is here.
            if acted.exit_code == 0 and not session.ledger.id_of("container", real):
                session.ledger.made("container", real, identity)
        elif is_base:
            _pulled(session, real, identity)
        else:
            _disown(session, ref, session.ledger.id_of(ref.kind, real), identity)
            session.ledger.made(ref.kind, real, identity)
    _settle_digests(session)
    session.witness.expect(())
    there = _refs_there(session, line.destroys)
    for ref in line.destroys - set(there):
        session.ledger.gone(ref.kind, session.real(ref.kind, ref.name))
    _unnamed_images(session, line, acted)


def _settle_digests(session: Session) -> None:
    """Images that were pulled by their digest, since their tag was somebody's."""
    for entry in session.ledger.entries():
        if entry.kind == "image" and "@" in entry.name and not (entry.id or entry.kept):
            seen = session.daemon.image(entry.name)
            if seen is None:
                session.ledger.gone("image", entry.name)
            else:
                _pulled(session, entry.name, seen["Id"])


def _disown(session: Session, ref: Ref, before: str, now: str) -> None:
    """A tag that moved leaves an image without a name, unless it is somebody else's, too."""
    if ref.kind != "image" or before in {"", now} or had_image(session.before, before):
        return
    left = session.daemon.image(before)
    if left is not None and not left.get("RepoTags"):
        session.ledger.made("image", before, before)


def loaded(session: Session, output: str) -> tuple[Promise, ...]:
    """What ``docker load`` promises is known from what it says it loaded."""
    names = (session.plan.names.written("image", name) for name in _LOADED.findall(output))
    return tuple(
        Promise("load", "image.exists", expected=True, where="inspect", about=Ref("image", name))
        for name in names
    )


def _pulled(session: Session, real: str, identity: str) -> None:
    if session.options.remove_pulled:
        session.ledger.made("image", real, identity)
    else:
        session.ledger.keep("image", real, _PULLED, identity)


def _unnamed_images(session: Session, line: DockerLine, acted: Acted) -> None:
    """What a line made without naming it: loaded images, ids, and a failed build's leavings."""
    new: list[tuple[Kind, str]] = []
    if line.verb == "load":
        new += [("image", name) for name in _LOADED.findall(acted.output)]
    elif line.verb in {"commit", "import"} and not line.creates & _images(line):
        new += [("image", name) for name in _MADE_ID.findall(acted.output)]
    elif line.verb == "build":
        _settle_layers(session)
        if acted.exit_code or not line.values("--tag"):
            new += [("image", name) for name in _MADE_ID.findall(acted.output)]
    for kind, name in new:
        seen = session.daemon.container(name) if kind == "container" else session.daemon.image(name)
        if seen is not None and not _was_there(session, kind, name, seen["Id"]):
            tagged = kind == "image" and seen.get("RepoTags") and line.verb != "load"
            if not tagged:
                session.ledger.made(kind, name, seen["Id"])


def _settle_layers(session: Session) -> None:
    """Of what a build made without a name, what is left: the rest goes when that goes."""
    noted = unnamed(session.ledger.entries())
    left = left_over(session.daemon, noted)
    for entry in noted:
        seen = session.daemon.container(entry.id) if entry.kind == "container" else None
        if seen is None and entry not in left:
            session.ledger.gone(entry.kind, entry.name)
    for entry in left:
        session.ledger.made("image", entry.name, entry.id)


def _was_there(session: Session, kind: Kind, name: str, identity: str) -> bool:
    known = key_of(kind, name, identity) in session.before
    return known or (kind == "image" and had_image(session.before, identity))


def _images(line: DockerLine) -> frozenset[Ref]:
    return frozenset(r for r in line.creates if r.kind == "image")


def remember(session: Session, planned: PlannedStep) -> None:
    """The promises of the line that made a container are checked again after a later start."""
    line = planned.line
    if line is None:
        return
    if line.verb in {"run", "create"}:
        once = ("state", "started", "exists", "removed", "image")
        session.promised[planned.container] = tuple(
            p
            for p in planned.promises
            if not p.field.startswith(tuple(f"container.{word}" for word in once))
        )
    if line.verb == "rename" and len(line.args) == 2:  # noqa: PLR2004 - OLD NEW
        old, new = line.args
        session.promised[new] = session.promised.pop(old, ())


def detaches(planned: PlannedStep, opened: OpenTerminal) -> bool:
    """Whether what a step types holds the keys that detach what opened its terminal."""
    line = opened.planned.line
    return line is not None and keys_of(line, opened.usual_keys) in planned.sent
