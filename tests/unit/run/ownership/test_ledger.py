"""The ledger knows of a thing before it exists, and only the ledger's own reader trusts it."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine.procfs import start_time
from lifecycle.machine.this_machine import machine
from lifecycle.run.ownership.ledger import Begun, Entry, Kind, Ledger, LedgerError, default_folder
from lifecycle.run.ownership.ledger_reader import Record, all_records, read

LONG = "sha256:" + "ab12" * 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledgers"


@pytest.fixture
def ledger(folder: Path) -> Ledger:
    return Ledger(folder, "r00000001", "ENGINE", "unix:///run/docker.sock")


def written(ledger: Ledger) -> list[dict[str, Any]]:
    """What is in the file now, whoever looks."""
    return [json.loads(line) for line in ledger.path.read_text().splitlines()]


def again(ledger: Ledger) -> Record:
    return read(ledger.path)


def test_the_header_names_the_run_its_process_its_machine_and_its_engine(ledger: Ledger) -> None:
    (header,) = written(ledger)
    assert header == {
        "is": "run",
        "run": "r00000001",
        "pid": os.getpid(),
        "started": start_time(os.getpid()),
        "locked": True,
        "engine": "ENGINE",
        "address": "unix:///run/docker.sock",
        **machine(),
    }


def test_an_intent_is_on_the_disk_before_the_command_runs(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda _fd: flushed.append(len(written(ledger))))
    ledger.intend("container", "c-r00000001")
    assert written(ledger)[-1] == {"is": "intent", "kind": "container", "name": "c-r00000001"}
    assert flushed == [2]  # the line was in the file when it was flushed


def test_the_file_and_its_folder_are_private(ledger: Ledger) -> None:
    assert ledger.path.stat().st_mode & 0o7777 == 0o600
    assert ledger.path.parent.stat().st_mode & 0o7777 == 0o700


def test_a_folder_that_others_can_write_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(LedgerError, match="can be written by everybody: chmod o-w"):
        Ledger(folder, "r00000001", "E", "a")
    assert list(folder.iterdir()) == []


def test_a_folder_of_somebody_else_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(LedgerError, match=r"belongs to .*, not to you: "):
        Ledger(folder, "r00000001", "E", "a")


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LedgerError, match="can't be written: File exists"):
        Ledger(file, "r00000001", "E", "a")


def test_a_link_in_the_place_of_a_ledger_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "r00000001.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(LedgerError):
        Ledger(folder, "r00000001", "E", "a")
    assert not (tmp_path / "victim").exists()


def test_a_thing_is_open_until_it_is_gone(ledger: Ledger) -> None:
    ledger.intend("container", "c-r00000001")
    ledger.made("container", "c-r00000001", "1efe890c7cb4" * 5)
    assert ledger.holds("container", "1efe890c7cb4" * 5)
    ledger.gone("container", "c-r00000001")
    ledger.gone("container", "c-r00000001")
    assert ledger.entries() == []
    assert again(ledger).entries() == []


def test_an_intent_does_not_forget_the_id(ledger: Ledger) -> None:
    ledger.made("image", "me/x-r00000001:latest", LONG)
    ledger.intend("image", "me/x-r00000001:latest")
    assert ledger.id_of("image", "me/x-r00000001:latest") == LONG
    assert ledger.id_of("image", "other") == ""


def test_what_is_kept_is_listed_here_and_left_alone_by_a_later_sweep(ledger: Ledger) -> None:
    ledger.intend("image", "debian:bookworm")
    ledger.keep("image", "debian:bookworm", "a pulled base image", LONG)
    assert ledger.entries() == [Entry("image", "debian:bookworm", LONG, "a pulled base image")]
    assert again(ledger).entries() == []


CONTAINER = "1efe890c7cb428634bf288b4c2d0382796945f579cdf0d176159a15de5db0280"


@pytest.mark.parametrize("kind", ["container", "network"])
@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        (CONTAINER, True),
        (CONTAINER[:12], False),  # the engine says which whole id a beginning means
        ("c-r00000001", False),
        (LONG, False),
        ("", False),
    ],
)
def test_a_container_is_known_by_its_whole_id_only(
    ledger: Ledger,
    kind: Kind,
    asked: str,
    ours: bool,  # noqa: FBT001
) -> None:
    ledger.intend(kind, "only-meant")
    ledger.made(kind, "c-r00000001", CONTAINER)
    assert ledger.holds(kind, asked) is ours
    assert not ledger.holds("image", asked)


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_a_name_that_is_somebody_s_id_makes_nothing_of_theirs_ours(
    ledger: Ledger, kind: Kind
) -> None:
    ledger.made(kind, CONTAINER, "f" * 64)
    assert ledger.holds(kind, "f" * 64)
    assert not ledger.holds(kind, CONTAINER)


def test_a_literal_name_is_ours_only_with_the_id_it_was_made_with(ledger: Ledger) -> None:
    for name in ("literal", f"x-{ledger.run}"):
        ledger.intend("image", name)
    assert not ledger.holds("image", "literal"), "anybody may have it"
    assert ledger.holds("image", f"x-{ledger.run}"), "nobody else can guess it"
    assert ledger.intends("image", "literal")
    ledger.made("image", "literal", "sha256:1")
    assert ledger.holds("image", "literal")


def test_a_tag_of_ours_makes_its_image_s_id_not_ours(ledger: Ledger) -> None:
    ledger.made("image", "x-r00000001:latest", LONG)
    assert ledger.holds("image", "x-r00000001:latest")
    assert not ledger.holds("image", LONG)
    ledger.made("image", LONG, LONG)
    assert ledger.holds("image", LONG), "one without a name goes by its id"


def test_things_are_removed_before_what_they_stand_on(ledger: Ledger) -> None:
    file, folder = "/nas/.lifecycle-r00000001-in", "/tmp/lifecycle-r00000001"
    ledger.intend("folder", folder)
    ledger.intend("network", "network")
    ledger.intend("volume", "volume")
    ledger.intend("file", file)
    ledger.intend("image", "image")
    ledger.intend("container", "container")
    ledger.made("image", LONG, LONG)
    ledger.made("image", "tagged", "sha256:2")
    names = ["container", "tagged", "image", LONG, "volume", "network", file, folder]
    assert [e.name for e in ledger.entries()] == names
    assert [e.name for e in again(ledger).entries()] == names


def test_a_clean_end_leaves_no_ledger(ledger: Ledger) -> None:
    ledger.intend("container", "c-r00000001")
    ledger.keep("image", "debian", "a base image")
    ledger.gone("container", "c-r00000001")
    ledger.close()
    assert not ledger.path.exists()


def test_an_end_that_leaves_something_keeps_the_ledger(ledger: Ledger) -> None:
    ledger.intend("container", "c-r00000001")
    ledger.close()
    assert [e.name for e in again(ledger).entries()] == ["c-r00000001"]


def test_the_commands_that_ran_are_read_back(ledger: Ledger) -> None:
    ledger.cli(os.getpid())
    ledger.cli(2**30)
    assert again(ledger).clis == [(os.getpid(), start_time(os.getpid())), (2**30, 0)]


def test_what_a_build_begins_with_is_read_back_with_its_time(ledger: Ledger) -> None:
    begun = Begun(5.25, (("debian:12", "LABEL a=1"),))
    ledger.build(begun)
    assert again(ledger).builds == [begun]


def test_a_torn_last_line_is_passed_over(ledger: Ledger) -> None:
    ledger.intend("container", "c-r00000001")
    with ledger.path.open("ab") as file:
        file.write(b'{"is": "intent", "kind": "container", "name": "\xff\xfe')
    assert [e.name for e in again(ledger).entries()] == ["c-r00000001"]


@pytest.mark.parametrize(
    "name", ["/nas/a b", "/nas/\u2028line", "/nas/\x85next", "/nas/\udcff raw byte", "/nas/한글"]
)
def test_any_path_is_read_back_as_it_was(ledger: Ledger, name: str) -> None:
    ledger.intend("file", f"{name}/.lifecycle-r00000001-x-in")
    assert [e.name for e in again(ledger).entries()] == [f"{name}/.lifecycle-r00000001-x-in"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "/tmp/lifecycle-r00000002",
        "/tmp/lifecycle-r00000001/../../etc",
        "/tmp/lifecycle-r000000012",
        "lifecycle-r00000001",
        "/nas/lifecycle-r00000001/theirs",
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_path_is_taken_up_that_does_not_bear_the_run_s_id(
    ledger: Ledger, kind: Any, name: str
) -> None:
    with pytest.raises(LedgerError, match="does not bear the id of run r00000001"):
        ledger.intend(kind, name)
    assert len(written(ledger)) == 1


def test_every_ledger_of_a_folder_is_found(ledger: Ledger, folder: Path) -> None:
    Ledger(folder, "r00000002", "E", "a")
    (folder / "notes.txt").write_text("")
    assert [r.run for r in all_records(folder)] == ["r00000001", "r00000002"]
    assert ledger.path.stem == "r00000001"


def test_the_engine_s_events_and_the_run_can_write_at_once(ledger: Ledger) -> None:
    def work(kind: str) -> None:
        for index in range(200):
            ledger.made(kind, f"{kind}-{index}", "id")  # type: ignore[arg-type]
            ledger.holds(kind, "never")  # type: ignore[arg-type]

    threads = [threading.Thread(target=work, args=[k]) for k in ("volume", "container")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.entries()) == 400
    assert len(again(ledger).entries()) == 400


def test_ledgers_are_in_the_person_s_own_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/kim/.state")
    assert default_folder() == Path("/home/kim/.state/docker-lifecycle/ledgers")


@pytest.fixture
def fill_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, the disk takes three bytes more of each line."""
    write = os.write

    def no_room(fd: int, data: bytes) -> int:
        if len(data) <= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data[:3])

    return lambda: monkeypatch.setattr(os, "write", no_room)


def test_what_can_not_be_written_down_must_not_begin(
    ledger: Ledger, fill_up: Callable[[], None]
) -> None:
    fill_up()
    with pytest.raises(LedgerError, match=r"No space left on device; nothing is started"):
        ledger.intend("container", "c-r00000001")
    with pytest.raises(LedgerError, match="No space left on device"):
        ledger.cli(os.getpid())
    assert ledger.entries() == []


def test_half_a_line_is_not_left_to_spoil_the_next(
    ledger: Ledger, fill_up: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_up()
    ledger.made("volume", "v", "v")
    monkeypatch.undo()
    ledger.intend("container", "c-r00000001")
    assert [e.name for e in again(ledger).entries()] == ["c-r00000001"]


def test_what_has_come_is_removed_here_though_the_disk_is_full(
    ledger: Ledger, fill_up: Callable[[], None]
) -> None:
    fill_up()
    ledger.made("volume", "v", "v")
    assert [e.name for e in ledger.entries()] == ["v"]
    ledger.gone("volume", "v")
    ledger.close()
    assert not ledger.path.exists()


def test_no_ledger_is_left_of_a_run_that_has_no_room_to_begin(
    folder: Path, fill_up: Callable[[], None]
) -> None:
    fill_up()
    with pytest.raises(LedgerError, match="No space left on device"):
        Ledger(folder, "r00000001", "E", "a")
    assert list(folder.iterdir()) == []


def test_a_ledger_has_its_name_when_its_first_line_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(
        Ledger, "_write", lambda *_: seen.append([p.suffix for p in folder.iterdir()])
    )
    Ledger(folder, "r00000001", "E", "a")
    assert seen == [[".new"]]
    assert [p.name for p in folder.iterdir()] == ["r00000001.jsonl"]


def test_a_name_that_has_passed_to_another_thing_stays(ledger: Ledger) -> None:
    ledger.made("container", "c", "one")
    ledger.made("container", "c", "two")
    ledger.gone("container", "c", "one")
    assert ledger.entries() == [Entry("container", "c", "two")]
    ledger.gone("container", "c", "two")
    assert ledger.entries() == again(ledger).entries() == []
