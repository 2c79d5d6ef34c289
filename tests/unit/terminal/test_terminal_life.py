"""How a terminal begins, as whom, and how it is closed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lifecycle.machine.procfs import alive, start_time
from lifecycle.machine.subject import synthetic_subject
from lifecycle.terminal.errors import TerminalEnded, TerminalError
from lifecycle.terminal.terminal import Terminal

Opener = Callable[..., Terminal]
SOON = 20.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_closing_hangs_up_and_is_idempotent(opened: Opener, tmp_path: Path) -> None:
    program = """
import pathlib, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
print("ready", flush=True)
signal.sigwait([signal.SIGHUP])
pathlib.Path("hung-up").touch()
"""
    polite = opened(sys.executable, "-c", program)
    polite.wait_for("ready", since=0, timeout=SOON)
    polite.close(timeout=SOON)
    polite.close()
    assert (tmp_path / "hung-up").exists()
    assert polite.exit_code == 0
    assert not Path(f"/proc/{polite.pid}").exists()
    assert not polite.echo_off()
    with pytest.raises(TerminalError, match="closed"):
        polite.send_line("hello")


def test_closing_kills_what_ignores_the_hangup(opened: Opener) -> None:
    stubborn = opened("bash", "-c", "trap '' HUP; echo ready; while :; do read -t 60 x; done")
    stubborn.wait_for("ready", since=0, timeout=SOON)
    stubborn.close(timeout=0.05)
    assert stubborn.exit_code == 137


def test_closing_ends_a_wait_in_another_thread(opened: Opener) -> None:
    cat = opened("cat")
    ended: list[TerminalEnded] = []
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        try:
            cat.wait_for("never", since=0, timeout=SOON)
        except TerminalEnded as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(SOON)
    cat.close()
    thread.join(SOON)
    assert [error.exit_code for error in ended] == [129]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open_after_closing(opened: Opener) -> None:
    opened("true").close()
    before = (open_files(), threading.active_count())
    for _ in range(5):
        opened("cat").close()
    assert (open_files(), threading.active_count()) == before


def test_the_pid_is_told_at_once_and_has_its_start_time(opened: Opener) -> None:
    pids: list[int] = []
    cat = opened("cat", on_start=pids.append)
    assert pids == [cat.pid]
    assert alive(cat.pid, cat.started)
    assert not alive(cat.pid, cat.started + 1)


def test_a_failure_of_who_is_told_ends_the_program(opened: Opener) -> None:
    pids: list[int] = []

    def fail(pid: int) -> None:
        pids.append(pid)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        opened("cat", on_start=fail)
    assert start_time(pids[0]) is None


def test_a_command_that_is_missing_has_exit_127_and_a_sentence(opened: Opener) -> None:
    with pytest.raises(TerminalError, match="dockr: command not found on the PATH of") as caught:
        opened("dockr", "run")
    assert caught.value.exit_code == 127


def test_a_file_that_is_no_program_has_exit_126(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("hello\n")
    with pytest.raises(TerminalError, match=r"\./plain: .* may not run it") as caught:
        opened("./plain")
    assert caught.value.exit_code == 126


def test_a_program_with_a_missing_interpreter_says_so(opened: Opener, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(TerminalError, match="the interpreter that its #! names is missing"):
        opened("./script")


def test_a_folder_that_is_missing_says_so(opened: Opener, tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match=r"nowhere: .* cannot enter this folder: there is none"):
        opened("true", cwd=tmp_path / "nowhere")


def test_a_program_in_the_work_folder_is_found_there(opened: Opener, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o755)
    ran = opened("./script")
    assert ran.wait_end(SOON) == 0
    assert ran.text() == f"{tmp_path}\n"


@needs_root
def test_root_starts_it_as_its_subject(opened: Opener) -> None:
    person = synthetic_subject("alice", 12345, 12346, 12347, "/home/alice")
    script = 'id -u; id -g; id -G; umask; echo $HOME; ls -l "$(tty)"; : >"$(tty)"'
    shell = opened("bash", "-c", script, subject=person, cwd=Path("/"))
    assert shell.wait_end(SOON) == 0, shell.text()
    lines = shell.text().splitlines()
    assert lines[:5] == ["12345", "12346", "12346 12347", "0022", "/home/alice"]
    assert lines[5].split()[2] == "12345"


@needs_root
def test_a_folder_that_the_subject_may_not_enter_says_so(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    person = synthetic_subject("alice", 12345, 12346, 12347, "/home/alice")
    with pytest.raises(TerminalError, match=r"alice \(uid 12345\) cannot enter this folder"):
        opened("true", subject=person, cwd=tmp_path / "private")
