"""What starts a program for somebody hands a closed terminal on, and waits for the program."""

from __future__ import annotations

import os
import pty
import signal
import sys
from pathlib import Path

import pytest

import environment
from tests.engine.harness import LIMIT, wait_until

ROOT = Path(environment.__file__).parent
# Notes each signal; after the first it waits for a file, as a clean-up waits for an engine.
CHILD = """
import os, signal, time
from pathlib import Path
def note(number, _):
    with open("came", "a") as file:
        file.write(f"{number}\\n")
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, note)
Path("up").touch()
while not Path("go").exists():
    time.sleep(0.02)
Path("cleaned").touch()
"""
NOXFILE = f"""
import sys
exec(compile(open({str(ROOT / "noxfile.py")!r}).read(), "noxfile.py", "exec"))

@session
def probe(s):
    s.run(sys.executable, "child.py", external=True, interrupt_timeout=60, terminate_timeout=60)
"""
SANDBOX = """
import sys
from contextlib import contextmanager
from types import SimpleNamespace
import lifecycle.cli.sandbox as command
from lifecycle.cli import main

@contextmanager
def no_engine(**_):
    try:
        yield SimpleNamespace(environ=dict)
    finally:
        open("taken down", "w").write(str(__import__("pathlib").Path("cleaned").exists()))

command.open_sandbox = no_engine
sys.exit(main(["sandbox", "--", sys.executable, "child.py"]))
"""
STARTERS = {
    "nox": ("-m", "nox", "-f", "noxfile.py", "-s", "probe"),
    "sandbox": ("sandbox.py",),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("child", CHILD), ("noxfile", NOXFILE), ("sandbox", SANDBOX)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def on_a_terminal(folder: Path, *words: str) -> tuple[int, int]:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, *words])
    return pid, terminal


def has_ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def came(folder: Path) -> list[int]:
    path = folder / "came"
    return [int(one) for one in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("starter", STARTERS)
@pytest.mark.parametrize("then", [None, signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_reaches_the_program_whose_end_is_waited_for(
    folder: Path, starter: str, then: signal.Signals | None
) -> None:
    pid, terminal = on_a_terminal(folder, *STARTERS[starter])
    wait_until((folder / "up").exists, LIMIT)
    os.close(terminal)
    wait_until(lambda: came(folder), LIMIT)
    if then is not None:
        os.kill(pid, then)
        wait_until(lambda: not pending(pid, then), LIMIT)
    assert not has_ended(pid), "its program cleans up still"
    (folder / "go").touch()
    wait_until(lambda: has_ended(pid), LIMIT)
    assert (folder / "cleaned").exists()
    assert set(came(folder)) <= {signal.SIGHUP, signal.SIGTERM}
    assert came(folder)[0] == signal.SIGHUP
    if starter == "sandbox":
        assert (folder / "taken down").read_text() == "True"


def pending(pid: int, number: int) -> bool:
    """Whether the process has not yet been given a signal that was sent to it."""
    status = Path(f"/proc/{pid}/status").read_text()
    lines = [line.split() for line in status.splitlines()]
    masks = [int(line[1], 16) for line in lines if line[0] in {"SigPnd:", "ShdPnd:"}]
    return any(mask & 1 << (number - 1) for mask in masks)


def test_noxw_ends_the_pip_that_is_under_way_when_its_terminal_is_closed(folder: Path) -> None:
    script = (
        "import environment, subprocess, sys\n"
        "environment.ready = lambda _: subprocess.run([sys.executable, 'child.py'])\n"
        "environment.main(['--environment'])\n"
    )
    (folder / "noxw.py").write_text(script)
    (folder / "child.py").write_text(CHILD.replace("signal.SIGTERM, ", ""))
    pid, terminal = on_a_terminal(folder, "noxw.py")
    wait_until((folder / "up").exists, LIMIT)
    os.close(terminal)
    ended: list[int] = []

    def over() -> bool:
        found, status = os.waitpid(pid, os.WNOHANG)
        ended.extend([os.waitstatus_to_exitcode(status)] if found else [])
        return bool(ended)

    wait_until(over, LIMIT)
    assert ended == [128 + signal.SIGHUP]
    assert not (folder / "cleaned").exists()
