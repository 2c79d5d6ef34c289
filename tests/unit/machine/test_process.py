"""A command without a terminal: real programs, bounded in time and in memory."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine import process
from lifecycle.machine.process import Bounded, Completed, run
from lifecycle.machine.procfs import alive, session_members, start_time
from lifecycle.machine.subject import Subject, environment, synthetic_subject

Runner = Callable[..., Completed]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
ALICE = synthetic_subject("alice", 12345, 12346, 12347, "/home/alice")


@pytest.fixture
def ran(tmp_path: Path, me: Subject) -> Runner:
    """Run a command in a folder of the test."""

    def ran(
        *argv: str,
        subject: Subject = me,
        cwd: Path = tmp_path,
        timeout: float = 60,
        **rest: Any,
    ) -> Completed:
        env = environment(subject, os.environ)
        return run(argv, subject=subject, env=env, cwd=cwd, timeout=timeout, **rest)

    return ran


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let KILL follow TERM soon."""
    monkeypatch.setattr(process, "GRACE", 0.3)


def test_a_command_gives_its_exit_code_and_its_output(ran: Runner) -> None:
    done = ran("sh", "-c", "echo out; echo err >&2; exit 3")
    assert done.exit_code == 3
    assert sorted(done.output.split()) == ["err", "out"]
    assert done.stdout == "out\n"
    assert not done.timed_out


def test_output_and_errors_come_in_their_order(ran: Runner) -> None:
    # Every word is written when the one before it has left its pipe.
    program = """
import fcntl, os, struct, termios
for number in range(20):
    fd = 1 + number % 2
    os.write(fd, f"{number} ".encode())
    while struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]:
        os.sched_yield()
"""
    done = ran(sys.executable, "-c", program)
    assert done.output == "".join(f"{number} " for number in range(20))


def test_standard_input_is_empty_unless_given(ran: Runner) -> None:
    assert ran("cat").output == ""
    assert ran("readlink", "/proc/self/fd/0").output == "/dev/null\n"
    assert ran("cat", stdin=b"hello").output == "hello"
    assert ran("cat", stdin=b"").output == ""


def test_input_larger_than_a_pipe_goes_in_while_output_comes_out(ran: Runner) -> None:
    data = os.urandom(1 << 21)
    assert ran("wc", "-c", stdin=data).output.strip() == str(1 << 21)
    assert ran("head", "-c", "3", stdin=b"abc" * 1_000_000).output == "abc"


def test_signals_are_exit_codes_above_128(ran: Runner) -> None:
    assert ran("sh", "-c", "kill -9 $$").exit_code == 137


def test_a_missing_command_is_127_with_a_sentence(ran: Runner, me: Subject) -> None:
    done = ran("dockr", "ps")
    assert done.exit_code == 127
    assert done.output == f"dockr: command not found on the PATH of {me.name}"


@needs_root
def test_a_folder_on_the_path_that_is_closed_does_not_change_that(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    env = {"PATH": f"{tmp_path}/closed:/usr/bin"}
    done = run(["dockr"], subject=ALICE, env=env, cwd="/", timeout=60)
    assert done.exit_code == 127
    assert done.output == "dockr: command not found on the PATH of alice"


def test_a_file_that_is_no_program_is_126(ran: Runner, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("hello\n")
    done = ran(str(tmp_path / "plain"))
    assert done.exit_code == 126
    assert "may not run it: permission denied" in done.output
    (tmp_path / "plain").chmod(0o755)
    assert "is no program that this machine can run" in ran(str(tmp_path / "plain")).output


def test_a_missing_interpreter_is_named_as_the_cause(ran: Runner, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/python\n")
    script.chmod(0o755)
    done = ran(str(script))
    assert done.exit_code == 126
    assert "the interpreter that its #! names is missing" in done.output


def test_a_missing_folder_is_named_as_the_cause(ran: Runner, tmp_path: Path) -> None:
    done = ran("true", cwd=tmp_path / "nowhere")
    assert done.exit_code == 126
    assert done.output.endswith("cannot enter this folder: there is none")


@pytest.mark.usefixtures("short_grace")
def test_a_timeout_ends_the_command_and_keeps_what_it_said(ran: Runner) -> None:
    done = ran("bash", "-c", "echo so far; sleep 1000", timeout=1)
    assert done.timed_out
    assert done.exit_code is None
    assert done.output == "so far\n"
    assert done.seconds < 10


def test_a_timeout_lets_a_command_tidy_up(ran: Runner, tmp_path: Path) -> None:
    script = "trap 'touch tidy; echo tidied; exit' TERM; echo ready; sleep 1000 & wait"
    done = ran("bash", "-c", script, timeout=1)
    assert done.timed_out
    assert done.output == "ready\ntidied\n"
    assert (tmp_path / "tidy").exists()


@pytest.mark.usefixtures("short_grace")
def test_a_timeout_kills_the_whole_group_that_ignores_term(ran: Runner) -> None:
    sessions: list[int] = []
    script = "trap '' TERM; sleep 1000 & while :; do read -t 60 <&1 x; done"
    done = ran("bash", "-c", script, timeout=0.2, on_start=sessions.append)
    assert done.timed_out
    assert session_members(sessions[0]) == []


def test_a_background_job_is_not_waited_for(ran: Runner) -> None:
    done = ran("bash", "-c", "sleep 1000 & echo $!", timeout=30)
    try:
        assert not done.timed_out
        assert done.seconds < 20
    finally:
        os.kill(int(done.output), signal.SIGKILL)


def test_output_is_bounded_and_says_what_was_cut(ran: Runner) -> None:
    done = ran("bash", "-c", "echo begins; seq 100000; echo ends", limit_bytes=1000)
    assert done.output.startswith("begins\n1\n2\n")
    assert done.output.endswith("100000\nends\n")
    assert "bytes were cut here ...]" in done.output
    assert len(done.output) < 1100


def test_hundreds_of_megabytes_do_not_fill_memory(ran: Runner) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = ran("bash", "-c", "head -c 300000000 /dev/zero | tr '\\0' x; echo the end")
    assert done.exit_code == 0
    assert done.output.endswith("the end\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB


def test_output_that_is_no_utf8_is_still_text(ran: Runner) -> None:
    assert ran("printf", r"a\377b").output == "a\N{REPLACEMENT CHARACTER}b"


def test_what_fits_the_limit_is_not_cut() -> None:
    kept = Bounded(10)
    kept.add(b"12345")
    kept.add(b"67890")
    assert kept.text() == "1234567890"
    kept.add(b"X")
    assert kept.text() == "12345\n[... 1 bytes were cut here ...]\n7890X"


@pytest.mark.usefixtures("short_grace")
def test_ctrl_c_kills_the_group_and_goes_on_up(ran: Runner) -> None:
    started: list[int] = []

    def interrupt(pid: int) -> None:
        started.append(pid)
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()

    with pytest.raises(KeyboardInterrupt):
        ran("sleep", "1000", on_start=interrupt)
    assert start_time(started[0]) is None


@pytest.mark.usefixtures("short_grace")
def test_a_failure_of_who_is_told_ends_the_command(ran: Runner) -> None:
    started: list[int] = []

    def fail(pid: int) -> None:
        started.append(pid)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        ran("sleep", "1000", on_start=fail)
    assert start_time(started[0]) is None


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_is_left_open_after_a_run(ran: Runner) -> None:
    ran("true")
    before = open_files()
    ran("cat", stdin=b"hello")
    ran("dockr")
    assert open_files() == before


@needs_root
def test_root_runs_a_command_as_its_subject(ran: Runner) -> None:
    script = "id -u; id -g; id -G; umask; echo $HOME $USER"
    done = ran("sh", "-c", script, subject=ALICE, cwd=Path("/"))
    assert done.output.splitlines() == [
        "12345",
        "12346",
        "12346 12347",
        "0022",
        "/home/alice alice",
    ]


@needs_root
def test_the_folder_is_entered_as_the_subject(ran: Runner, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    done = ran("true", subject=ALICE, cwd=tmp_path / "private")
    assert done.exit_code == 126
    assert "alice (uid 12345) cannot enter this folder: permission denied" in done.output


def test_a_process_is_known_by_its_pid_and_start_time() -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    started = start_time(child.pid)
    assert started is not None
    assert alive(child.pid, started)
    assert not alive(child.pid, started - 1)
    child.communicate()
    assert not alive(child.pid, started)
    assert start_time(child.pid) is None


def test_a_process_that_only_waits_to_be_reaped_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    started = start_time(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert started is not None
    assert start_time(child.pid) == started
    assert not alive(child.pid, started)
    child.wait()


def test_a_name_with_blanks_and_parentheses_is_no_trouble(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([program, "1000"])
    child_started, own = start_time(child.pid), start_time(os.getpid())
    child.kill()
    child.wait()
    assert child_started is not None
    assert own is not None
    assert child_started >= own
