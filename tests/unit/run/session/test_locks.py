"""One run of a machine at a time has a lock, and its end, however it comes, gives it back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.run import locks as locks_module
from lifecycle.run.locks import LockError, Locks, drop_dead

ANOTHER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def test_a_lock_that_another_process_holds_is_waited_for_and_its_holder_named(
    locks: Locks, holder: subprocess.Popen[str], said: list[str]
) -> None:
    assert not locks.try_take("port-8080")
    with pytest.raises(LockError, match=r"port 8080 is in use by run r9 \(theirs\) of "):
        locks.take("port-8080", limit=0)
    (message,) = said
    assert message.startswith("waiting for port 8080: run r9 (theirs) of ")
    assert f"(pid {holder.pid})" in message


def test_another_lock_is_free(locks: Locks, holder: subprocess.Popen[str], said: list[str]) -> None:
    locks.take("port-8081")
    assert said == []
    assert holder.poll() is None


def test_another_engine_has_its_own_locks(
    folder: Path, holder: subprocess.Popen[str], said: list[str]
) -> None:
    other = Locks("ANOTHER", "r1", said.append, folder)
    assert other.try_take("port-8080")
    other.release()
    assert holder.poll() is None


def test_a_killed_holder_gives_its_lock_back(
    locks: Locks, holder: subprocess.Popen[str], said: list[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    locks.take("port-8080", limit=0)
    assert said == []
    assert locks.holder("port-8080").startswith("r1 (mine) of ")


def test_a_lock_is_waited_for_until_it_is_given_back(
    locks: Locks, holder: subprocess.Popen[str], said: list[str]
) -> None:
    assert not locks.try_take("port-8080")
    assert holder.stdin is not None
    holder.stdin.close()  # it ends, in its own time
    locks.take("port-8080", limit=30)
    assert len(said) <= 1


def test_a_lock_is_ours_until_we_give_it_back(folder: Path, locks: Locks, said: list[str]) -> None:
    assert locks.try_take("name")
    assert locks.try_take("name")
    other = Locks("ENGINE", "r2", said.append, folder)
    assert not other.try_take("name")
    locks.release()
    assert other.try_take("name")
    other.release()


def test_the_folder_is_for_everybody_and_nobody_s_to_empty(folder: Path, locks: Locks) -> None:
    locks.take("name")
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert [f.stat().st_mode & 0o777 for f in folder.iterdir()] == [0o666]


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LockError, match="can't be opened: Not a directory"):
        Locks("ENGINE", "r1", said.append, tmp_path / "file" / "locks").try_take("name")


def test_nothing_is_left_when_the_last_lock_is_given_back(folder: Path, locks: Locks) -> None:
    locks.take("name")
    locks.release()
    assert not folder.exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    folder: Path, locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks.take("name")
    opened = locks_module._opened
    late = Locks("ENGINE", "r2", lambda _: None, folder)

    def open_before_the_release(*words: Any) -> int:
        fd = opened(*words)
        locks.release()  # removes the file that fd holds open
        return fd

    monkeypatch.setattr(locks_module, "_opened", open_before_the_release)
    assert late.try_take("name")
    assert [f.read_text() for f in folder.iterdir()] == [late._owner]
    late.release()


# -- what others put there ----------------------------------------------------------------------


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _second_name(path: Path) -> None:
    victim = path.parent.parent / "victim"
    os.link(victim, path)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "a pipe and no lock"),
    "a folder": (Path.mkdir, "a folder and no lock"),
    "a socket": (_socket, "a socket and no lock"),
    "a link to a file": (lambda p: p.symlink_to(p.parent.parent / "victim"), "a link and no lock"),
    "a link to nothing": (lambda p: p.symlink_to("/nonexistent/x"), "a link and no lock"),
    "a link to itself": (lambda p: p.symlink_to(p), "a link and no lock"),
    "a second name": (_second_name, "a file that has another name elsewhere"),
}


@pytest.mark.parametrize(("make", "what"), ODD.values(), ids=ODD)
def test_what_somebody_put_in_a_lock_s_place_is_passed_over_and_told_once(
    shared: Path,
    locks: Locks,
    said: list[str],
    make: Callable[[Path], object],
    what: str,
) -> None:
    victim = shared.parent / "victim"
    victim.write_text("precious")
    path = shared / locks._file("port-8080")
    make(path)
    if os.geteuid() == 0:
        os.chown(path, ANOTHER, ANOTHER, follow_symlinks=False)
    locks.take("port-8080", limit=0)
    locks.take("port-8080", limit=0)
    whose = f"uid {ANOTHER}" if os.geteuid() == 0 else "you"
    (told,) = said
    assert told == (
        f"{path} is {what}: {whose} or an admin can remove it; "
        "port 8080 is used without a lock, and another run may use it as well"
    )
    assert locks.holder("port-8080") == "somebody"
    locks.take("port-8081", limit=0)
    drop_dead(shared)
    locks.release()
    assert os.path.lexists(path)
    assert victim.read_text() == "precious"


@pytest.fixture
def as_member() -> Iterator[Callable[[], None]]:
    """From when it is called on, we are somebody who is not root."""
    yield lambda: os.seteuid(ANOTHER)
    os.seteuid(os.getuid())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of everybody's, which a member can reach."""
    made = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    made.chmod(0o1777)
    yield made / "locks"
    shutil.rmtree(made)


@as_root
def test_a_lock_that_one_may_not_read_is_passed_over(
    open_folder: Path, said: list[str], as_member: Callable[[], None]
) -> None:
    open_folder.mkdir()
    open_folder.chmod(0o1777)
    locks = Locks("ENGINE", "r1", said.append, open_folder)
    (open_folder / locks._file("port-1")).touch(0o600)
    as_member()
    locks.take("port-1", limit=0)
    assert "is a file that others may not read: root (uid 0) or an admin can" in said[0]


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o000])
def test_a_folder_that_somebody_has_closed_stops_nobody(
    open_folder: Path, said: list[str], as_member: Callable[[], None], mode: int
) -> None:
    open_folder.mkdir()
    open_folder.chmod(mode)
    as_member()
    locks = Locks("ENGINE", "r1", said.append, open_folder)
    for name in ("port-1", "port-2", "gpu-0"):
        locks.take(name, limit=0)
    (told,) = said
    assert told.startswith(
        f"{open_folder} is closed to others (it belongs to root (uid 0)); port 1"
    )
    drop_dead(open_folder)
    locks.release()


@as_root
@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, _socket])
def test_what_somebody_put_in_the_folder_s_place_stops_nobody(
    folder: Path, said: list[str], make: Callable[[Path], object]
) -> None:
    make(folder)
    os.chown(folder, ANOTHER, ANOTHER)
    locks = Locks("ENGINE", "r1", said.append, folder)
    locks.take("port-1", limit=0)
    assert said[0].startswith(f"{folder} is no folder (it belongs to uid {ANOTHER})")
    drop_dead(folder)
    locks.release()


@as_root
def test_through_a_link_in_the_folder_s_place_nothing_is_made_or_removed(
    folder: Path, tmp_path: Path, said: list[str]
) -> None:
    victim = tmp_path / "cron.d"
    victim.mkdir()
    (victim / "0123456789ab-job").write_text("precious")
    folder.symlink_to(victim)
    os.chown(folder, ANOTHER, ANOTHER, follow_symlinks=False)
    locks = Locks("ENGINE", "r1", said.append, folder)
    locks.take("port-1", limit=0)
    assert said[0].startswith(f"{folder} is no folder (it belongs to uid {ANOTHER})")
    drop_dead(folder)
    locks.release()
    assert [path.name for path in victim.iterdir()] == ["0123456789ab-job"]


def test_a_folder_that_became_a_link_when_we_had_just_looked_is_not_used(
    shared: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, looked = tmp_path / "cron.d", Path.lstat
    victim.mkdir()

    def late(path: Path) -> os.stat_result:
        seen = looked(path)
        if path == shared and stat.S_ISDIR(seen.st_mode):
            shared.rmdir()
            shared.symlink_to(victim)
        return seen

    monkeypatch.setattr(Path, "lstat", late)
    with pytest.raises(LockError):
        Locks("ENGINE", "r1", said.append, shared).take("port-1", limit=0)
    assert list(victim.iterdir()) == []


def test_a_folder_that_others_remove_again_and_again_is_made_anew(
    folder: Path, locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, left = locks_module._opened, [3]

    def late(*words: Any) -> int:
        if left[0]:
            left[0] -= 1
            folder.rmdir()
        return opened(*words)

    monkeypatch.setattr(locks_module, "_opened", late)
    assert locks.try_take("port-1")
    assert len(list(folder.iterdir())) == 1


def test_the_file_of_a_killed_holder_is_removed_and_a_live_one_s_is_not(
    folder: Path, locks: Locks, holder: subprocess.Popen[str]
) -> None:
    locks.take("port-1")
    drop_dead(folder)
    assert len(list(folder.iterdir())) == 2
    holder.kill()
    holder.wait(10)
    drop_dead(folder)
    assert [path.name.partition("-")[2] for path in folder.iterdir()] == ["port-1"]
    locks.release()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_user_s_lock_file_is_theirs_to_remove(folder: Path) -> None:
    folder.mkdir()
    theirs = folder / "0123456789ab-port-1"
    theirs.touch()
    os.chown(theirs, 12345, 12345)
    drop_dead(folder)
    assert theirs.exists()
