"""Root does things as somebody else, in a process that is theirs and nobody's else."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.machine import as_subject, file_actions
from lifecycle.machine.as_subject import call, files_of
from lifecycle.machine.procfs import children_of
from lifecycle.machine.regular_files import OWN
from lifecycle.machine.subject import Subject, current_subject

ALICE = Subject("alice", 23456, 23457, (23457, 23458), ("alice", "lab"), "/", "/bin/sh", 0o027)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for somebody else")


def status() -> dict[str, str]:
    text = call(ALICE, file_actions.beginning, "/proc/self/status", 1 << 16).decode()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    as_subject.end_children()
    yield
    as_subject.end_children()


@as_root
def test_it_is_done_with_their_ids_and_groups_and_with_nothing_of_root() -> None:
    said = status()
    assert said["Uid"].split() == ["23456"] * 4
    assert said["Gid"].split() == ["23457"] * 4
    assert said["Groups"].split() == ["23457", "23458"]
    assert said["Umask"] == "0027"
    assert {int(said[cap], 16) for cap in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}


@as_root
def test_one_child_answers_all_that_is_asked() -> None:
    assert status()["Pid"] == status()["Pid"]
    answers: list[bytes] = []

    def ask() -> None:
        answers.extend(call(ALICE, file_actions.beginning, "/etc/passwd", n + 1) for n in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, answers)) == sorted([*range(1, 51)] * 4)


@as_root
def test_names_and_contents_that_are_no_text_come_back_as_they_are(passable: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n")
    (passable / name).write_bytes(bytes(range(256)))
    assert call(ALICE, file_actions.names, str(passable)) == [name]
    assert call(ALICE, file_actions.beginning, str(passable / name), 300) == bytes(range(256))


@as_root
def test_a_child_that_was_killed_is_an_error_once_and_the_next_question_has_another() -> None:
    os.kill(int(status()["Pid"]), signal.SIGKILL)
    with pytest.raises(OSError, match="has ended"):
        status()
    assert status()["Uid"].startswith("23456")


@as_root
def test_one_that_gives_no_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    os.kill(int(status()["Pid"]), signal.SIGSTOP)
    monkeypatch.setattr(as_subject, "LIMIT", 0.2)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
        status()


@as_root
def test_the_child_ends_with_us() -> None:
    before = set(children_of(os.getpid()))
    pid = int(status()["Pid"])
    assert set(children_of(os.getpid())) - before == {pid}
    as_subject.end_children()
    assert pid not in children_of(os.getpid())


def test_nothing_is_started_for_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr(subprocess, "Popen", start)
    assert call(current_subject(), file_actions.look, "/")[0] == 0
    assert files_of(current_subject()) is OWN


@as_root
def test_what_only_root_can_have_put_beside_a_scenario_is_roots_choice(tmp_path: Path) -> None:
    # /root and the like: nobody else may change what is there, or look.
    folder = tmp_path / "library"
    folder.mkdir(mode=0o700)
    (folder / "user.j2").write_text("text")
    (folder / "user.j2").chmod(0o600)
    files = files_of(ALICE)
    assert files.template(str(folder / "user.j2"), 10) == b"text"
    with pytest.raises(PermissionError):
        files.beginning(str(folder / "user.j2"), 10)


@as_root
@pytest.mark.parametrize("way", ["link", "folder", "file", "writable"])
def test_what_somebody_else_can_have_put_there_is_read_as_the_person(
    passable: Path, way: str
) -> None:
    secret = passable / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    folder = passable / "hers"
    folder.mkdir()
    template = folder / "user.j2"
    if way == "link":
        template.symlink_to(secret)
        os.chown(template, ALICE.uid, ALICE.gid, follow_symlinks=False)
    else:
        template.write_text("secret")
        template.chmod(0o600)
    if way == "writable":
        folder.chmod(0o777)
    elif way in {"folder", "link"}:
        os.chown(folder, ALICE.uid, ALICE.gid)
    else:
        os.chown(template, 34567, 34567)
    with pytest.raises(PermissionError):
        files_of(ALICE).template(str(template), 10)
