"""A terminal that is closed, as by an ssh that was dropped, ends a run in order."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.harness import LIMIT, Place, Ran, plugins, wait_until
from tests.plugin.test_ending import LONG, QUICK, ended_in_the_long_step

pytestmark = pytest.mark.engine

WIDE = {"alone": (), "wide": ("-n", "2")}
How = Callable[[subprocess.Popen[str]], None]


def hup(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGHUP)


def hup_to_all(process: subprocess.Popen[str]) -> None:
    """The kernel signals the whole foreground group, and the shell does so again."""
    os.killpg(process.pid, signal.SIGHUP)
    os.killpg(process.pid, signal.SIGHUP)


def hup_then_term(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGHUP)
    process.send_signal(signal.SIGTERM)


def term_then_hup(process: subprocess.Popen[str]) -> None:
    """Systemd ends a session so."""
    process.send_signal(signal.SIGTERM)
    os.killpg(process.pid, signal.SIGHUP)


@pytest.mark.parametrize("wide", WIDE)
@pytest.mark.parametrize("how", [hup, hup_to_all, hup_then_term, term_then_hup])
def test_a_hangup_is_one_wish_to_end_whatever_comes_with_it(
    place: Place, how: How, wide: str
) -> None:
    file = str(place.write("a.yaml", LONG))
    ran, left = ended_in_the_long_step(place, how, file, *WIDE[wide])
    assert left == []
    assert (ran.exit_code, ran.report["verdict"]) == (2, "FAIL")
    told = ran.statuses()
    assert (told["Goodbye"], told["Clean-up"], told["Never"]) == ("passed", "passed", "not-run")


def test_a_run_under_nohup_heeds_no_hangup(place: Place) -> None:
    text = "scenario: n\nsteps:\n  - docker run --name=MINE-c ${{ lab.base_image }} cat /go\n"
    text = text.replace("cat /go", "sh -c 'until test -e /go; do sleep 0.1; done'")
    words = place.run_words(str(place.write("a.yaml", text)))
    with place.started("nohup", *words) as process:
        wait_until(lambda: place.is_up("MINE-c"))
        os.killpg(process.pid, signal.SIGHUP)
        name = running(place)
        subprocess.run(["docker", "exec", name, "touch", "/go"], check=True)
        ran = place.ended(process)
    assert ran.exit_code == 0, ran.said


def running(place: Place) -> str:
    words = ["docker", "ps", "--format", "{{.Names}}", "--filter", f"name={place.word}"]
    return subprocess.run(words, check=True, text=True, capture_output=True).stdout.split()[0]


def on_a_terminal(place: Place, *words: str) -> tuple[int, int]:
    """Start a command as the shell of a terminal of its own: its pid, and the other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place.folder)
        os.execve(words[0], words, place.env())
    return pid, terminal


def read_until_up(place: Place, terminal: int) -> None:
    """A terminal that nobody reads would hold the run up."""
    os.set_blocking(terminal, False)

    def is_up() -> bool:
        with suppress(BlockingIOError):
            os.read(terminal, 1 << 16)
        return place.is_up("MINE-long")

    wait_until(is_up, LIMIT)


def waited_for(pid: int) -> int:
    ended: list[int] = []

    def has_ended() -> bool:
        found, status = os.waitpid(pid, os.WNOHANG)
        ended.extend([os.waitstatus_to_exitcode(status)] if found else [])
        return bool(ended)

    wait_until(has_ended, LIMIT)
    return ended[0]


@pytest.mark.parametrize("wide", WIDE)
def test_a_terminal_that_is_closed_leaves_nothing_though_every_word_to_it_fails(
    place: Place, wide: str
) -> None:
    words = place.run_words(str(place.write("a.yaml", LONG)), *WIDE[wide])
    pid, terminal = on_a_terminal(place, *words)
    read_until_up(place, terminal)
    os.close(terminal)
    ran = Ran(waited_for(pid), "", "", place.report_folder)
    assert ran.exit_code == 2
    assert (place.left(), place.ledgers()) == ([], [])
    assert "Goodbye" in ran.statuses()
    assert ran.report["verdict"] == "FAIL"


def test_a_closed_terminal_that_a_second_later_gets_a_term_leaves_nothing(place: Place) -> None:
    """Sshd closes the terminal; what manages its session ends it besides."""
    text = LONG.replace("docker logs MINE-long", "docker stop -t 3 MINE-long")
    pid, terminal = on_a_terminal(place, *place.run_words(str(place.write("a.yaml", text))))
    read_until_up(place, terminal)
    os.close(terminal)
    wait_until(lambda: stopping(place), LIMIT)
    os.kill(pid, signal.SIGTERM)
    assert waited_for(pid) == 2
    assert (place.left(), place.ledgers()) == ([], [])


def stopping(place: Place) -> bool:
    listed = [p for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    wanted = f"stop\0-t\0003\0{place.word}"
    return any(wanted in _text(path) for path in listed)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_plain_pytest_cleans_up_when_its_terminal_is_closed(place: Place) -> None:
    place.write("a.yaml", QUICK)
    report = ("--lifecycle-report", str(place.report_folder))
    words = (sys.executable, "-m", "pytest", *plugins(), *report, "-v", "a.yaml")
    pid, terminal = on_a_terminal(place, *words)
    read_until_up(place, terminal)
    os.close(terminal)
    assert waited_for(pid) != 0
    assert (place.left(), place.ledgers()) == ([], [])
