"""The project's sessions. They share the one environment that noxw makes; `nox -l` lists them."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import FrameType

import nox

ROOT = Path(__file__).parent
CLEAN_UP_S = 60
# The tests of an engine mostly wait: two at a time, the long ones first.
SIDE_BY_SIDE = (
    *("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"),
    *("tests/engine", "tests/plugin", "tests/unit"),
)

nox.options.sessions = []  # plain `nox` lists the sessions and runs none
session = functools.partial(nox.session, python=False)  # no environment of Nox's own


@session(name="my-env")
def my_env(s: nox.Session) -> None:
    """Is my environment right? Your own check, against this machine's engine."""
    run(s, "lifecycle", "run", "@my-env", *s.posargs)


@session
def server(s: nox.Session) -> None:
    """Does all that the guide promises hold here? Every scenario, for an admin's sign-off."""
    scenarios = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("scenarios/*.yaml"))
    run(s, "lifecycle", "run", *scenarios, *s.posargs)


@session
def sandbox(s: nox.Session) -> None:
    """The guide, start to finish, on a disposable engine; this machine needs no Docker."""
    in_sandbox(s, "lifecycle", "run", "@guide", *s.posargs)


@session
def tests(s: nox.Session) -> None:
    """Every test; as root on a disposable engine, else on this machine's own."""
    # A choice of tests may hold none for an engine; the whole suite without any has proved nothing.
    required = {} if s.posargs else {"LIFECYCLE_REQUIRE_ENGINE": "1"}
    on_an_engine(s, "pytest", *(s.posargs or SIDE_BY_SIDE), **required)


@session
def faults(s: nox.Session) -> None:
    """Soaks: workers, engines and machines that fail in the middle of a run."""
    on_an_engine(s, "pytest", *(s.posargs or ("tests/faults",)), LIFECYCLE_REQUIRE_ENGINE="1")


@session
def lint(s: nox.Session) -> None:
    """Style, format, types and the direction of imports."""
    run(s, "ruff", "check")
    run(s, "ruff", "format", "--check")
    run(s, "mypy")
    run(s, "lint-imports")


@session
def bench(s: nox.Session) -> None:
    """How long start-up and each step take, against their bounds."""
    on_an_engine(s, "python", "-m", "tests.bench", *s.posargs)


@session
def mutants(s: nox.Session) -> None:
    """Which changes of the code do the unit tests notice? 200 drawn ones; no engine (an hour)."""
    run(s, "python", "-m", "tests.mutants", *s.posargs)


@session
def docs(s: nox.Session) -> None:
    """Are the generated pages current?"""
    run(s, "python", "docs/generate.py", "--check", *s.posargs)


def in_sandbox(s: nox.Session, program: str, *words: str, **env: str) -> None:
    """Run a program against a disposable engine."""
    run(s, "lifecycle", "sandbox", "--", str(environment() / program), *words, **env)


def on_an_engine(s: nox.Session, program: str, *words: str, **env: str) -> None:
    """Run a program against a disposable engine, which takes root, or else the machine's own."""
    start = in_sandbox if os.geteuid() == 0 else run
    start(s, program, *words, **env)


def run(s: nox.Session, program: str, *words: str, **env: str) -> None:
    """Run one of the environment's programs; an interrupted one has time to clean up."""
    s.run(
        *(str(environment() / program), *words),
        env=env,
        external=True,
        interrupt_timeout=CLEAN_UP_S,
        terminate_timeout=CLEAN_UP_S,
    )


@functools.cache
def environment() -> Path:
    """Return the folder of the shared environment's programs, made now if it was not there."""
    made = subprocess.run(
        [ROOT / "noxw", "--environment"], stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode:
        raise SystemExit(made.returncode)
    return Path(made.stdout.strip()) / "bin"


def pass_on(signum: int, _frame: FrameType | None) -> None:
    """Hand a signal to the program that runs, then wait for it as Nox does at Ctrl-C.

    Nox itself dies of SIGTERM and leaves its program behind. A Ctrl-C at the terminal has reached
    the program already, and a second one would cut its cleanup short. What a closed terminal
    sends (SIGHUP, more than once and with SIGTERM) is one wish to end, and cuts no waiting short.
    """
    if signum != signal.SIGINT or not at_terminal():
        for child in children():
            with suppress(ProcessLookupError):
                os.kill(child, signum)
    impatient = signal.SIGINT in came or signal.SIGTERM in came
    first = not came
    came.append(signum)
    if first or (impatient and signum != signal.SIGHUP):
        raise KeyboardInterrupt


def at_terminal() -> bool:
    """Tell whether a terminal sends its Ctrl-C to us and to what we started."""
    with suppress(OSError), Path("/dev/tty").open() as terminal:
        return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    return False


def children() -> list[int]:
    """List the processes that this one started; not every kernel keeps such a list."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state_and_parent = stat.read_text().rpartition(")")[2].split()
            if int(state_and_parent[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


came: list[int] = []
for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(signum) is not signal.SIG_IGN:
        signal.signal(signum, pass_on)
