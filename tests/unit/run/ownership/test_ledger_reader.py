"""A ledger is believed when nobody else could have written it, and alive while its run holds it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine import this_machine
from lifecycle.machine.procfs import start_time
from lifecycle.machine.this_machine import machine
from lifecycle.run.ownership import ledger_reader
from lifecycle.run.ownership.ledger import Ledger, unfinished_name
from lifecycle.run.ownership.ledger_reader import (
    BadLedgerError,
    Record,
    Refused,
    all_records,
    drop_unfinished,
    read,
)
from tests.unit.run.ownership.conftest import RUN

ANOTHER = 54321
NOT_BELIEVED = r"no ledger in .* is read or written"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
HOLDER = """
import sys
from pathlib import Path
from lifecycle.run.ownership.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), sys.argv[2], "ENGINE", "unix:///run/docker.sock")
print("held", flush=True)
sys.stdin.read()
"""


def changed(path: Path, **header: Any) -> Record:
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | header), *rest]) + "\n")
    return read(path)


# -- alive ----------------------------------------------------------------------------------


@contextmanager
def holding(folder: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, which holds its ledger."""
    words = [*before, sys.executable, "-c", HOLDER, str(folder), RUN]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=env) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


NOBODY = {"pid": 2**30, "started": 1}


@pytest.mark.parametrize(
    "header",
    [{}, NOBODY, {"boot": "another"}, {"machine": "another"}, {"pids": "pid:[1]"}],
    ids=["as it is", "a pid of nobody", "another boot", "another machine", "another namespace"],
)
def test_a_run_that_holds_its_ledger_is_alive_whatever_else_is_said(
    folder: Path, header: dict[str, Any]
) -> None:
    with holding(folder) as child:
        assert changed(folder / f"{RUN}.jsonl", **header).alive
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        assert not read(folder / f"{RUN}.jsonl").alive


def test_the_number_of_a_dead_run_may_be_another_s_now(ledger: Ledger) -> None:
    os.close(ledger._file)
    us = {"pid": os.getpid(), "started": start_time(os.getpid())}
    assert not changed(ledger.path, **us).alive


@as_root
def test_a_run_in_another_pid_namespace_is_alive_and_its_numbers_are_not_ours(
    folder: Path,
) -> None:
    with holding(folder, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"):
        record = read(folder / f"{RUN}.jsonl")
        assert record.alive
        assert (record.of_this_machine, record.of_this_boot, record.pids_count) == (
            *(True, True),
            False,
        )


def without_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize(
    ("header", "living", "untold"),
    [
        ({}, True, False),
        (NOBODY, False, False),
        ({"boot": "another"}, False, False),
        ({"pids": "pid:[1]"}, False, True),
    ],
    ids=["alive", "dead", "rebooted", "another namespace"],
)
def test_where_a_disk_has_no_locks_a_process_id_tells_or_it_is_not_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    header: dict[str, Any],
    living: bool,  # noqa: FBT001
    untold: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(fcntl, "flock", without_locks)
    made = Ledger(folder, RUN, "ENGINE", "a")
    record = changed(made.path, **header)
    assert (record.alive, "another container's" in record.untold) == (living, untold)
    os.close(made._file)


@pytest.mark.parametrize("said", ["", "\n", "uninitialized\n", "0" * 32, "a" * 31])
def test_machines_without_an_id_are_not_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    file = tmp_path / "machine-id"
    file.write_text(said)
    monkeypatch.setattr(this_machine, "_MACHINE", (str(file), "/nonexistent"))
    ours = machine()
    assert ours["machine"] == f"boot.{ours['boot']}"
    file.write_text("ab12" * 8 + "\n")
    assert machine()["machine"] == "ab12" * 8


def test_what_can_not_be_told_of_a_machine_is_the_same_as_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(this_machine, "_MACHINE", ())
    monkeypatch.setattr(this_machine, "_BOOT", "/nonexistent")
    os.close(ledger._file)
    record = changed(ledger.path, machine="", boot="")
    assert not record.of_this_machine
    assert record.untold == "it belongs to another machine"


def test_of_an_earlier_boot_of_a_machine_without_an_id_it_is_said_why(ledger: Ledger) -> None:
    os.close(ledger._file)
    record = changed(ledger.path, machine="boot.0000")
    assert "it has no /etc/machine-id" in record.untold


# -- what is not believed -----------------------------------------------------------------------

BAD = {
    "no JSON": "not json",
    "a list": "[1, 2]",
    "an empty line": "",
    "a nest": "[" * 100_000,
    "a nest in a line": '{"is": ' * 100_000,
    "a long number": '{"is": "cli", "pid": ' + "9" * 5000 + ', "started": 1}',
    "a command without a number": '{"is": "cli", "pid": null, "started": 1}',
    "every process": '{"is": "cli", "pid": -1, "started": 1}',
    "our own group": '{"is": "cli", "pid": 0, "started": 1}',
    "init": '{"is": "cli", "pid": 1, "started": 1}',
    "true for a number": '{"is": "cli", "pid": true, "started": 1}',
    "a command of no time": '{"is": "cli", "pid": 7, "started": "1"}',
    "a build at x": '{"is": "build", "at": "x", "stages": []}',
    "a build at no time": '{"is": "build", "at": NaN, "stages": []}',
    "a build at the end of time": '{"is": "build", "at": 1' + "0" * 400 + ', "stages": []}',
    "stages of text": '{"is": "build", "at": 1, "stages": ["FROM x"]}',
    "a stage of nothing": '{"is": "build", "at": 1, "stages": [[]]}',
    "no stages": '{"is": "build", "at": 1}',
    "another kind": '{"is": "intent", "kind": "plugin", "name": "p"}',
    "another word": '{"is": "later"}',
    "no word": '{"kind": "container", "name": "x"}',
    "a second header": '{"is": "run", "run": "r0123abcd"}',
    "no name": '{"is": "intent", "kind": "container"}',
    "an empty name": '{"is": "made", "kind": "container", "name": "", "id": "x"}',
    "a name that is none": '{"is": "made", "kind": "container", "name": ["x"], "id": "x"}',
    "a NUL": '{"is": "made", "kind": "volume", "name": "a\\u0000b", "id": "x"}',
    "an id that is none": '{"is": "made", "kind": "container", "name": "x", "id": 7}',
    "somebody's file": '{"is": "intent", "kind": "file", "name": "/etc/passwd"}',
    "somebody's folder": '{"is": "intent", "kind": "folder", "name": "/home/kim"}',
    "another run's": '{"is": "intent", "kind": "folder", "name": "/tmp/lifecycle-r00000000"}',
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD)
def test_a_line_that_no_run_writes_spoils_its_ledger_and_no_other(
    ledger: Ledger, folder: Path, line: str
) -> None:
    ledger.intend("container", f"x-{RUN}")
    Ledger(folder, "r99999999", "ENGINE", "a")
    with ledger.path.open("a") as file:
        file.write(line + "\n")
    ledger.gone("container", f"x-{RUN}")
    bad, good = all_records(folder)
    assert isinstance(bad, Refused)
    assert bad.why.startswith("its line 3 is none that a run writes: ")
    assert bad.run == RUN
    assert isinstance(good, Record)


@pytest.mark.parametrize(
    "header",
    [
        {"pid": None},
        {"pid": "a"},
        {"pid": 0},
        {"started": "a"},
        {"started": -1},
        {"run": ""},
        {"run": "b"},
        {"run": "r00000000"},
        {"run": None},
        {"is": "intent"},
        {"machine": None},
        {"boot": 1},
        {"pids": []},
        {"engine": None},
        {"address": {}},
        {"locked": 1},
    ],
    ids=str,
)
def test_a_header_that_no_run_writes_is_no_header(ledger: Ledger, header: dict[str, Any]) -> None:
    with pytest.raises(BadLedgerError, match="its line 1 is none that a run writes"):
        changed(ledger.path, **header)


@pytest.mark.parametrize("text", ["", "\n", '{"is": "run"', "\0" * 4096, "\xff\n"])
def test_a_file_that_does_not_say_whose_it_is_is_named(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / f"{RUN}.jsonl").write_text(text)
    (found,) = all_records(folder)
    assert isinstance(found, Refused)


def test_of_a_line_that_a_kill_cut_off_nothing_is_taken(ledger: Ledger) -> None:
    ledger.intend("container", f"x-{RUN}")
    whole = ledger.path.read_bytes()
    line = b'{"is": "intent", "kind": "folder", "name": "/etc"}'
    for cut in range(len(line)):
        ledger.path.write_bytes(whole + line[:cut])
        assert [e.name for e in read(ledger.path).entries()] == [f"x-{RUN}"]


def test_a_ledger_of_gigabytes_is_not_read(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_reader, "MOST", 1 << 20)
    os.truncate(ledger.path, 64 << 30)
    (found,) = all_records(folder)
    assert isinstance(found, Refused)
    assert found.why.startswith("it is longer than 1 MiB")


@pytest.mark.parametrize(
    "name", ["", "r1", "R0123ABCD", "r0123abcde", "lib-r0123abcd", "r0123abc\n"]
)
def test_a_file_that_is_named_after_no_run_is_named(
    folder: Path, ledger: Ledger, name: str
) -> None:
    (folder / f"{name}.jsonl").write_bytes(ledger.path.read_bytes())
    refused = [found for found in all_records(folder) if isinstance(found, Refused)]
    assert [found.why.partition(";")[0] for found in refused] == ["its name is no run's"]
    assert "\n" not in refused[0].why


def _writable(path: Path, mode: int) -> None:
    path.touch()
    path.chmod(mode)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "it is no regular file"),
    "a folder": (Path.mkdir, "it is no regular file"),
    "a socket": (_socket, "it is no regular file"),
    "a link to a ledger": (lambda p: p.symlink_to(p.with_name(f"{RUN}.jsonl")), "it is a link"),
    "a link to nothing": (lambda p: p.symlink_to("/nonexistent"), "it is a link"),
    "what all may write": (lambda p: _writable(p, 0o602), "others may write it"),
    "what a group may write": (lambda p: _writable(p, 0o660), "others may write it"),
}


@pytest.mark.parametrize(("make", "why"), ODD.values(), ids=ODD)
def test_what_lies_among_ledgers_and_is_none_ends_nobody_s_run(
    folder: Path, ledger: Ledger, make: Callable[[Path], object], why: str
) -> None:
    monk = folder / "r00000000.jsonl"
    make(monk)
    odd, good = all_records(folder)
    assert isinstance(odd, Refused)
    assert odd.why.startswith(why)
    assert isinstance(good, Record)
    assert good.path == ledger.path
    drop_unfinished(folder)
    assert os.path.lexists(monk)


@as_root
def test_a_ledger_that_somebody_else_wrote_is_not_believed(folder: Path, ledger: Ledger) -> None:
    os.chown(ledger.path, ANOTHER, ANOTHER)
    (found,) = all_records(folder)
    assert isinstance(found, Refused)
    assert found.why.startswith(f"it belongs to uid {ANOTHER}, not to you")


# -- before the first line ------------------------------------------------------------------------


def test_a_ledger_without_a_line_is_dropped_when_its_run_is_dead(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    here_, elsewhere = machine(), {**machine(), "machine": "another"}
    dead, living, theirs = (
        folder / unfinished_name("r00000001", here_),
        folder / unfinished_name("r00000002", here_),
        folder / unfinished_name("r00000003", elsewhere),
    )
    for path in (dead, living, theirs, folder / "notes.new"):
        path.touch()
    with living.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        drop_unfinished(folder)
    assert not dead.exists()
    assert living.exists()
    assert theirs.exists()
    assert (folder / "notes.new").exists()


def test_a_run_whose_new_ledger_a_sweep_took_for_a_dead_one_s_makes_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    swept: list[bool] = []

    def late(file: int, how: int) -> None:
        if not swept:
            swept.append(True)
            monkeypatch.setattr(fcntl, "flock", flock)
            drop_unfinished(folder)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    made = Ledger(folder, RUN, "ENGINE", "a")
    assert swept
    assert read(made.path).alive
    assert [path.name for path in folder.iterdir()] == [f"{RUN}.jsonl"]


def test_a_folder_that_is_not_there_has_no_ledgers(folder: Path) -> None:
    assert all_records(folder) == []
    drop_unfinished(folder)
    with pytest.raises(BadLedgerError):
        read(folder / f"{RUN}.jsonl")
