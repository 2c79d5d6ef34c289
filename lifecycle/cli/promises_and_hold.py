"""``promises`` and ``hold``: a docker line, without and with a container."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lifecycle.checks.check import Check
from lifecycle.checks.wording import shown
from lifecycle.cli import UsageError
from lifecycle.command.flags import does
from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises as promises_of
from lifecycle.machine.regular_files import text_at
from lifecycle.report.text import as_json, clean, one_line

if TYPE_CHECKING:
    from lifecycle.engine.daemon import Daemon

_MARKS = {"kept": "✓", "broken": "✗", "unverified": "?"}


def read_line(words: Sequence[str]) -> DockerLine:
    """Parse the words after ``--``; an error shows the line with the place marked."""
    if not words:
        message = "no docker line was given: write it after --, for example -- docker run -d nginx"
        raise UsageError(message)
    try:
        return parse(words)
    except CommandError as error:
        shown = [one_line(clean(word)) for word in words]
        before = " ".join(shown[: error.word])
        indent = " " * (len(before) + bool(before))
        width = max(1, len(shown[error.word])) if error.word < len(shown) else 1
        message = f"{' '.join(shown)}\n{indent}{'^' * width}\nword {error.word + 1}: {error}"
        raise UsageError(message) from error


def promise_lines(made: Iterable[Promise]) -> Iterator[str]:
    """One line a promise, for people."""
    for promise in made:
        why = f"  (unverified: {promise.unverified})" if promise.unverified else ""
        what = f"{promise.field} = {shown(promise.expected)}"
        yield f"{promise.flag:<14} {what}  [{promise.where}]{why}"


def promises(args: argparse.Namespace) -> int:
    """What a line promises; needs no daemon."""
    line = read_line(args.rest)
    try:
        made = promises_of(line, read_file=text_at)
    except CommandError as error:  # in a file that the line names
        raise UsageError(str(error)) from error
    if args.json:
        sys.stdout.write(as_json({"promises": [p.to_json() for p in made]}))
        return 0
    for role in ("creates", "uses", "destroys"):
        refs = sorted(line.refs(role))
        if refs:
            sys.stdout.write(f"{role}: {', '.join(map(str, refs))}\n")
    sys.stdout.write("".join(f"{text}\n" for text in promise_lines(made)))
    return 0


def hold(args: argparse.Namespace) -> int:
    """Hold a container to a line, or to its own inspect: 0 kept, 1 broken or nothing kept."""
    from lifecycle.cli.connected import connected
    from lifecycle.engine.daemon import EngineError
    from lifecycle.facts.model import World
    from lifecycle.hold.hold import HoldError
    from lifecycle.hold.hold import hold as hold_one
    from lifecycle.machine.gpus import host_gpus
    from lifecycle.machine.subject import current_subject
    from lifecycle.sandbox.info import load_info

    line = read_line(args.rest) if args.rest else None
    if line is not None and does(line).makes != "container":
        message = f"hold takes a docker run or create line, not docker {line.verb}"
        raise UsageError(message)
    if bool(args.name) == args.all or (args.all and line):
        message = "hold takes one NAME, with or without a line, or --all"
        raise UsageError(message)
    daemon = connected(args.context)
    sandbox = load_info(os.environ)
    world = World(
        subject=current_subject(),
        gpus=host_gpus([vars(g) for g in sandbox.gpus] if sandbox and sandbox.gpus else None),
        shares_machine=daemon.shares_machine,
        remaps_users=daemon.remaps_users,
    )
    try:
        names = _running(daemon) if args.all else [args.name]
        checks = [
            c for name in names for c in hold_one(daemon, name, line, world, inside=args.inside)
        ]
    except (HoldError, EngineError, CommandError) as error:
        raise UsageError(str(error)) from error
    _print_checks(checks, for_programs=args.json)
    statuses = {c.status for c in checks}
    return 0 if "broken" not in statuses and "kept" in statuses else 1


def _running(daemon: Daemon) -> list[str]:
    up = [c for c in daemon.containers() if c.get("State") == "running"]
    return [(c["Names"] or [c["Id"]])[0].lstrip("/") for c in up]


def _print_checks(checks: Sequence[Check], *, for_programs: bool) -> None:
    if for_programs:
        rows = [c.to_json() for c in checks]
        sys.stdout.write(as_json({"checks": rows}))
        return
    for check in checks:
        value = "" if check.expected is True else f": {shown(check.expected)}"
        sys.stdout.write(f"{_MARKS[check.status]} {check.about}{value}\n")
        if check.status == "broken":
            actual = f"found {shown(check.actual)} ({check.source})"
            sys.stdout.write(f"    expected {shown(check.expected)}, {actual}\n")
        elif check.status == "unverified":
            sys.stdout.write(f"    unverified: {check.source}\n")
