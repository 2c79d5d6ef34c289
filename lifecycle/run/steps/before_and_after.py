"""Bookkeeping round a command: which words really run, and what it leaves for later steps."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import partial

from lifecycle.checks.check import Check, unverified
from lifecycle.command.build_promises import layers_from
from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.promise import Promise
from lifecycle.command.references import is_image_id
from lifecycle.command.values.detach_keys import keys_of
from lifecycle.machine.as_subject import files_of
from lifecycle.machine.regular_files import text_at
from lifecycle.run.outcome import Skip
from lifecycle.run.ownership.build_layers import left_over, tags_of, unnamed
from lifecycle.run.ownership.inventory import had_image, key_of
from lifecycle.run.ownership.ledger import Entry
from lifecycle.run.ownership.ownership import Refusal
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.run.session.open_terminals import OpenTerminal
from lifecycle.run.session.session import Session

_LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")


@dataclass
class Words:
    """The argument vector to run, or why there is none."""

    argv: tuple[str, ...]
    shown: str = ""
    changed: bool = False
    skip: Skip | None = None


def words_to_run(session: Session, planned: PlannedStep) -> Words:
    """Real names in place of written ones, after asking whether the line is to run at all."""
    line = planned.line
    if line is None:
        return Words(planned.words)
    skip = _existing_image(session, line)
    if skip:
        return Words((), skip=skip)
    argv = session.plan.names.apply(line, planned.index + 1)
    return Words(argv, shlex.join(argv), argv != planned.words)


def _existing_image(session: Session, line: DockerLine) -> Skip | None:
    """An image that was there before is not removed."""
    for ref in sorted(r for r in line.destroys if r.kind == "image"):
        real = session.real("image", ref.name)
        image = session.daemon.image(real)
        if image is None or session.ownership.owns("image", real):
            continue
        by_id = is_image_id(ref.name) and had_image(session.ownership.before, image["Id"])
        was_there = by_id or key_of("image", real, image["Id"]) in session.ownership.before
        if was_there and ref.name not in session.options.allow_foreign:
            return Skip(f"{ref} was there before this run, so it is not removed", "ours")
    return None


def volumes_not_used(session: Session, planned: PlannedStep) -> list[Check]:
    """A note for each volume of the engine whose name a line mounts, where it gets a new one.

    By hand that line would have mounted the one that is there, with what is in it.
    """
    line = planned.line
    if line is None or planned.does.makes != "container":
        return []
    names = sorted(ref.name for ref in line.creates if ref.kind == "volume")
    return [_not_used(name) for name in names if _gets_a_new_one(session, name)]


def _gets_a_new_one(session: Session, name: str) -> bool:
    real, before = session.real("volume", name), session.ownership.before
    was_there = key_of("volume", name, name) in before
    return real != name and was_there and not session.ownership.intends("volume", real)


def _not_used(name: str) -> Check:
    reason = (
        f"the volume {name} of this server was there before this run and was not used: the step "
        f"mounts a new one of the run's own; --as-written --allow-foreign {name} would use it"
    )
    return unverified(f"volume {name}: the one that was there is mounted", name, reason)


def begin(session: Session, planned: PlannedStep) -> None:
    """Before a command: what a build is to make goes to the ledger. Raises LedgerError."""
    line = planned.line
    if line is None or line.verb != "build":
        return
    read = partial(text_at, files=files_of(session.world.subject))
    session.ownership.began_build(layers_from(line, lambda p: read(session.folder / p)))


def settle(session: Session, planned: PlannedStep) -> tuple[list[Refusal], list[Check]]:
    """After a command: return the gate's refusals, and a check for each request that it changed."""
    refusals, notes = session.ownership.settle()
    if planned.line and planned.line.verb == "build":
        _settle_layers(session)
    return refusals, notes


def _settle_layers(session: Session) -> None:
    """Write down what a build left without a name, and no more what has gone or has one now.

    A layer stays on the ledger while it is there: it goes with the last image that stands on it,
    and a later build may have found it in the cache.
    """
    noted = unnamed(session.ownership.entries())
    for entry in left_over(session.daemon, noted):
        session.ownership.made("image", entry.name, entry.id)
    for entry in noted:
        if not _is_nameless(session, entry):
            session.ownership.gone(entry.kind, entry.name)


def _is_nameless(session: Session, entry: Entry) -> bool:
    """Whether what a build made is still there, and nothing else stands for it."""
    if entry.kind == "container":
        return session.daemon.container(entry.id) is not None
    image = session.daemon.image(entry.id)
    return image is not None and not tags_of(image)


def loaded(session: Session, output: str) -> tuple[Promise, ...]:
    """The promises of ``docker load``, read from its output."""
    names = (session.plan.names.written("image", name) for name in _LOADED.findall(output))
    return tuple(
        Promise("load", "image.exists", expected=True, where="inspect", about=Ref("image", name))
        for name in names
    )


def detaches(planned: PlannedStep, opened: OpenTerminal) -> bool:
    """Whether a step types the keys that detach from its terminal's container."""
    line = opened.planned.line
    return line is not None and keys_of(line, opened.usual_keys) in planned.sent
