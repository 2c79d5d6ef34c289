"""Commands that outlive their run are ended before anything is looked for, and nobody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.machine.procfs import start_time
from lifecycle.run.ownership import sweep
from lifecycle.run.ownership.ledger import Ledger
from lifecycle.run.ownership.ledger_reader import Record, read
from tests.engine.harness import wait_until

DEAD = 2**30
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program of a given name, which only waits."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(
        name: str = "sleeper", *, cwd: Path = tmp_path, leads: bool = True, deaf: bool = False
    ) -> subprocess.Popen[bytes]:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        shutil.copy("/bin/sleep", program)
        ignoring = ["env", "--ignore-signal=TERM"] if deaf else []
        words = [*ignoring, str(program), "600"]
        child = subprocess.Popen(words, cwd=cwd, start_new_session=leads)
        started.append(child)
        wait_until(lambda: name.encode() in Path(f"/proc/{child.pid}/cmdline").read_bytes()[:-5])
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The run's own."""
    made = tmp_path / "lifecycle-r00000001"
    made.mkdir()
    return made


@pytest.fixture
def ledger(tmp_path: Path, folder: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledgers", "r00000001", "ENGINE", "a")
    made.intend("folder", str(folder))
    yield made
    os.close(made._file)


def record(ledger: Ledger, **header: object) -> Record:
    """The ledger of a run that is dead."""
    first, *rest = ledger.path.read_text().splitlines()
    first = json.dumps({**json.loads(first), "pid": DEAD, **header})
    ledger.path.write_text("\n".join([first, *rest]) + "\n")
    return read(ledger.path)


def test_a_command_is_asked_to_end(ledger: Ledger, start: Start) -> None:
    child = start()
    ledger.cli(child.pid)
    assert sweep.end_clis(record(ledger))
    assert child.wait(10) == -signal.SIGTERM


def test_one_that_does_not_listen_is_killed_after_the_limit(
    ledger: Ledger, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "CLI_LIMIT", 0.3)
    child = start(deaf=True)
    ledger.cli(child.pid)
    begun = time.monotonic()
    assert sweep.end_clis(record(ledger))
    assert child.wait(10) == -signal.SIGKILL
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    "header", [{"boot": "an earlier boot"}, {"pids": "pid:[1]"}, {"machine": "another"}]
)
def test_a_number_of_another_boot_or_namespace_is_somebody_else_s(
    ledger: Ledger, start: Start, header: dict[str, str]
) -> None:
    child = start()
    ledger.cli(child.pid)
    assert not sweep.end_clis(record(ledger, **header))
    assert child.poll() is None


def test_a_number_of_what_leads_no_session_is_no_command_of_ours(
    ledger: Ledger, start: Start
) -> None:
    child = start(leads=False)
    ledger.cli(child.pid)
    assert not sweep.end_clis(record(ledger))
    assert child.poll() is None


def test_a_command_that_was_not_written_down_yet_is_known_by_where_it_is(
    ledger: Ledger, start: Start, folder: Path
) -> None:
    inner = folder / "work"
    inner.mkdir()
    child = start("docker", cwd=inner)
    assert sweep.end_clis(record(ledger))
    assert child.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("name", "leads", "inside"),
    [("bash", True, True), ("docker", False, True), ("docker", True, False)],
    ids=["a person's shell", "what a person typed in it", "somebody's command elsewhere"],
)
def test_what_a_person_does_in_the_folder_is_theirs(  # noqa: PLR0913, PLR0917 - three facts
    ledger: Ledger,
    start: Start,
    folder: Path,
    name: str,
    leads: bool,  # noqa: FBT001
    inside: bool,  # noqa: FBT001
) -> None:
    child = start(name, cwd=folder if inside else folder.parent, leads=leads)
    assert not sweep.end_clis(record(ledger))
    assert child.poll() is None


def test_a_command_that_is_over_is_not_waited_for(ledger: Ledger) -> None:
    ledger.cli(DEAD)
    assert start_time(DEAD) is None
    assert not sweep.end_clis(record(ledger))
