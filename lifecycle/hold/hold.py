"""Holding a container that somebody else made to a docker line: looks, never writes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifecycle.checks.check import Check
from lifecycle.checks.judge_promise import judge_all
from lifecycle.checks.what_to_read import probe_for
from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.end_exec import end_exec
from lifecycle.facts.from_outside import look_outside
from lifecycle.facts.inside import Inside
from lifecycle.facts.look_inside import look_inside
from lifecycle.facts.model import ContainerFacts, Facts, World
from lifecycle.hold.line_from_inspect import line_of
from lifecycle.machine.regular_files import text_at

_NOT_ASKED = Inside(unseen="the inside was not asked; --inside asks it")
_ONLY_AT_MAKING = ("container.exists", "container.state", "container.started", "container.name")


class HoldError(Exception):
    """There is nothing to hold; the message says why."""


def hold(
    daemon: Daemon, name: str, line: DockerLine | None, world: World, *, inside: bool
) -> list[Check]:
    """Judge a run or create line against an existing container; NAME stands for ``--name``.

    Without a line the container is held to its own inspect.
    """
    inspect = daemon.container(name)
    if inspect is None:
        message = f"no container is named {name} on this engine; docker ps -a lists them"
        raise HoldError(message)
    line = line or parse(line_of(inspect))
    wanted = [
        replace(p, about=Ref("container", name) if _is_container(p) else p.about)
        for p in promises(line, read_file=text_at, cwd=str(Path.cwd()))
        if p.field not in _ONLY_AT_MAKING
    ]
    facts = ContainerFacts(name, now=inspect)
    facts.inside = _inside(daemon, inspect, wanted) if inside else _NOT_ASKED
    images = {
        str(p.expected): _image(daemon, str(p.expected))
        for p in wanted
        if p.field == "container.image"
    }
    facts.image_ids = {written: str(i["Id"]) if i else "" for written, i in images.items()}
    others = {
        n.ref.name: ContainerFacts(n.ref.name, now=daemon.container(n.ref.name))
        for n in line.names
        if n.ref.kind == "container" and n.role == "uses"
    }
    every = Facts(world=world, containers={**others, name: facts, "": facts}, images=images)
    return judge_all(wanted, every)


def _is_container(promise: Promise) -> bool:
    return promise.field.startswith("container.")


def _inside(daemon: Daemon, inspect: dict[str, Any], wanted: list[Promise]) -> Inside:
    probe = probe_for(wanted, write=False)
    if not inspect["State"]["Running"]:
        return look_outside(daemon, inspect, probe, "the container is not running")
    look = look_inside(daemon, str(inspect["Id"]), probe)
    if look.unseen:
        _end_looks(daemon)
    return look


def _end_looks(daemon: Daemon) -> None:
    """End the looks that we gave up: they would go on inside somebody's container."""
    for exec_id in sorted(daemon.own_execs):
        with suppress(EngineError):
            end_exec(daemon, exec_id)


def _image(daemon: Daemon, name: str) -> dict[str, Any] | None:
    try:
        return daemon.image(name)
    except EngineError:
        return None
