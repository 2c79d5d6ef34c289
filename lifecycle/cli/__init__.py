"""The ``lifecycle`` command: options here, one module a group of commands, loaded when asked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from lifecycle import __version__
from lifecycle.machine.garbage import spare_what_is_loaded
from lifecycle.report.streams import speaking
from lifecycle.run.session.option_rows import ROWS

USAGE_ERROR = 4
INTERRUPTED = 130

_JSON = "one JSON document and nothing else on standard output"
_EPILOG = """\
examples:
  lifecycle run @my-env                     is my environment right?
  lifecycle check scenarios/*.yaml          validate, without a daemon
  lifecycle promises -- docker run -ti -p 8080:8080 me/test
  lifecycle hold my_test_c -- docker run -ti --gpus all -v /nas/me:/workspace me/test
  lifecycle sandbox -- lifecycle run @guide try it all on a disposable engine
  docker build . 2>&1 | lifecycle explain   what does this error mean?

exit codes: 0 kept, 1 broken, 2 interrupted, 3 a fault of the tool, or nothing could be written,
4 a usage or scenario error (nothing was started)
"""


class UsageError(Exception):
    """Something the person typed or wrote is wrong; one sentence, exit code 4."""


class _Parser(argparse.ArgumentParser):
    """argparse, with the contract's exit code for usage errors."""

    def error(self, message: str) -> NoReturn:
        """One line, then where help is."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\ntry: {self.prog} --help\n")


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[_Parser]  # noqa: SLF001 - it has no public name


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="lifecycle",
        description="Runs Docker workflows step by step and holds the daemon to every line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"lifecycle {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _run(commands)
    _promises_and_hold(commands)
    _machine(commands)
    return top


def _command(  # noqa: PLR0913, PLR0917 - a row of the table that these calls make up
    commands: _Commands,
    name: str,
    where: str,
    text: str,
    example: str = "",
    rest: str = "",
) -> argparse.ArgumentParser:
    """A command; ``rest`` names what follows ``--``, which ``main`` cuts off before parsing."""
    sub = commands.add_parser(
        name,
        usage=f"lifecycle {name} [OPTIONS] {rest}" if rest else None,
        help=text,
        description=text,
        epilog=f"example:\n  {example}" if example else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(where=where)
    return sub


def _run(commands: _Commands) -> None:
    run = _command(
        commands,
        "run",
        "running:run",
        "run scenarios",
        "lifecycle run @guide --gpu require -n 4",
        "PATH or @NAME... [-- PYTEST_ARGS]",
    )
    run.add_argument(
        "paths", nargs="*", metavar="PATH or @NAME", help="files, folders, library names"
    )
    for row in ROWS:
        run.add_argument(f"--{row.name}", **row.argument())
    run.add_argument(
        "--ask-secret",
        action="append",
        default=[],
        metavar="NAME",
        help="ask for secret.NAME on the terminal, in place of a random one",
    )
    run.add_argument("-n", type=int, default=0, metavar="N", help="scenarios at a time")
    run.add_argument("--dry-run", action="store_true", help="print the steps and their promises")
    check = _command(
        commands,
        "check",
        "running:check",
        "validate scenarios without a daemon",
        "lifecycle check .",
    )
    check.add_argument("paths", nargs="+", metavar="PATH or @NAME")
    check.add_argument("--as-written", action="store_true", help="as a run with --as-written")
    schema = _command(
        commands,
        "schema",
        "running:schema",
        "print the JSON Schema of scenario files, or of report.json",
        "lifecycle schema report",
    )
    schema.add_argument(
        "of",
        nargs="?",
        choices=("scenario", "report"),
        default="scenario",
        metavar="DOCUMENT",
        help="scenario or report",
    )


def _promises_and_hold(commands: _Commands) -> None:
    promises = _command(
        commands,
        "promises",
        "promises_and_hold:promises",
        "what a docker line promises",
        "lifecycle promises -- docker run -d -p 8080:80 nginx",
        "-- docker run ...",
    )
    promises.add_argument("--json", action="store_true", help=_JSON)
    hold = _command(
        commands,
        "hold",
        "promises_and_hold:hold",
        "hold an existing container to a docker line",
        "lifecycle hold web -- docker run -d -p 8080:80 nginx",
        "NAME [-- docker run ...]  or  --all",
    )
    hold.add_argument("name", nargs="?", metavar="NAME")
    hold.add_argument("--all", action="store_true", help="every running container, to its inspect")
    hold.add_argument("--inside", action="store_true", help="also look inside (never writes)")
    hold.add_argument("--context", default="", metavar="NAME", help="docker context to use")
    hold.add_argument("--json", action="store_true", help=_JSON)


def _machine(commands: _Commands) -> None:
    doctor = _command(commands, "doctor", "doctor:doctor", "the machine before any scenario")
    doctor.add_argument("--json", action="store_true", help=_JSON)
    doctor.add_argument("--context", default="", metavar="NAME", help="docker context to use")
    doctor.add_argument("--lab", default="", metavar="FILE", help="the lab's values (TOML)")
    doctor.add_argument("--lang", choices=("en", "ko"), default="", help="language of findings")
    explain = _command(
        commands,
        "explain",
        "explain:explain",
        "diagnose a pasted error",
        "docker run ... 2>&1 | lifecycle explain",
    )
    explain.add_argument("--json", action="store_true", help=_JSON)
    explain.add_argument("--lang", choices=("en", "ko"), default="", help="language of findings")
    explain.add_argument("file", nargs="?", metavar="FILE", help="standard input by default")
    sweep = _command(
        commands, "sweep", "sweep:sweep", "remove what dead runs of yours left on this machine"
    )
    sweep.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    sandbox = _command(
        commands,
        "sandbox",
        "sandbox:sandbox",
        "a disposable engine; with a command, run it there and take the engine down",
        "lifecycle sandbox -- lifecycle run @guide",
        "[-- COMMAND]",
    )
    sandbox.add_argument("--gpus", type=int, default=0, metavar="N", help="simulated GPUs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; whatever a person can cause ends in a sentence, never in a traceback."""
    if argv is None:
        spare_what_is_loaded()  # a process of our own
    words = list(sys.argv[1:] if argv is None else argv)
    # The verdict of a run is for whoever started it, also where nobody reads on (| head).
    read_by_programs = words[:1] != ["run"]
    with speaking() as speech:
        try:
            code = _command_of(words)
        except SystemExit as leaving:  # argparse's, after a usage error or --help
            code = leaving.code if isinstance(leaving.code, int) else 0
        return speech.exit_code(code, read_by_programs=read_by_programs)


def _command_of(words: list[str]) -> int:
    top = parser()
    at = words.index("--") if "--" in words else len(words)
    args = top.parse_args(words[:at])
    args.rest = words[at + 1 :]
    if not args.command:
        top.print_help()
        return USAGE_ERROR
    module, _, function = args.where.partition(":")
    try:
        return int(getattr(import_module(f"lifecycle.cli.{module}"), function)(args))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
