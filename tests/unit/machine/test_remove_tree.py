"""A folder of ours goes with all that is in it, and nothing that is only seen through it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lifecycle.machine import remove_tree as module
from lifecycle.machine.remove_tree import remove_tree

ANOTHER = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and give files away")
Mount = Callable[..., None]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The run's folder, with something of each kind in it."""
    made = tmp_path / "lifecycle-r0123abcd"
    (made / "work" / "deep" / "empty").mkdir(parents=True)
    (made / "work" / "file").write_text("ours")
    (made / "work" / "deep" / "file").write_text("ours")
    return made


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Somebody's folder, beside it."""
    made = tmp_path / "nas"
    (made / "thesis").mkdir(parents=True)
    (made / "thesis" / "chapter").write_text("precious")
    return made


def is_whole(theirs: Path) -> bool:
    return (theirs / "thesis" / "chapter").read_text() == "precious"


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts that the test's end takes away."""
    made: list[Path] = []

    def come(at: Path, *words: str) -> None:
        subprocess.run(["mount", *words, str(at)], check=True)
        made.append(at)

    yield come
    for at in reversed(made):
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def test_all_that_is_in_it_goes_and_no_link_is_followed(top: Path, theirs: Path) -> None:
    (top / "link").symlink_to(theirs)
    (top / "work" / "link to a file").symlink_to(theirs / "thesis" / "chapter")
    (top / "work" / "nothing").symlink_to("/nonexistent")
    (top / "work" / "itself").symlink_to("itself")
    (top / "work" / "raw \udcff name\n").touch()
    os.link(theirs / "thesis" / "chapter", top / "work" / "second name")
    os.mkfifo(top / "work" / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(top / "socket"))
    assert remove_tree(top) == ""
    assert not top.exists()
    assert is_whole(theirs)


def test_what_is_not_there_is_gone(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "none") == remove_tree(tmp_path / "none" / "either") == ""


@pytest.mark.parametrize("kind", ["a link", "a file"])
def test_what_stands_in_its_place_is_left(tmp_path: Path, theirs: Path, kind: str) -> None:
    top = tmp_path / "lifecycle-r0123abcd"
    top.symlink_to(theirs) if kind == "a link" else top.touch()
    assert remove_tree(top) == f"{top}: it is no folder, so it was left"
    assert is_whole(theirs)


def test_a_tree_of_ten_thousand_levels_goes(top: Path) -> None:
    here = os.open(top, os.O_PATH)
    for _ in range(10_000):
        os.mkdir("level", dir_fd=here)
        inner = os.open("level", os.O_PATH, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    before = len([*Path("/proc/self/fd").iterdir()])
    assert remove_tree(top) == ""
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    assert not top.exists()


# -- mounts -----------------------------------------------------------------------------------

MOUNTS = {
    "a bind of the same file system": lambda theirs: ("--bind", str(theirs)),
    "a bind with what is mounted below": lambda theirs: ("--rbind", str(theirs)),
    "a bind read-only": lambda theirs: ("--bind", "-o", "ro", str(theirs)),
    "another file system": lambda _: ("-t", "tmpfs", "none"),
    "a folder above, so that it is without end": lambda theirs: ("--bind", str(theirs.parent)),
}


@as_root
@pytest.mark.parametrize("words", MOUNTS.values(), ids=MOUNTS)
@pytest.mark.parametrize("where", ["nas", "work/deep/nas"])
def test_what_is_mounted_in_it_is_left_and_named_and_all_else_goes(
    top: Path,
    theirs: Path,
    mount: Mount,
    words: Callable[[Path], tuple[str, ...]],
    where: str,
) -> None:
    point = top / where
    point.mkdir()
    mount(point, *words(theirs))
    left = remove_tree(top)
    assert left.startswith(f"{point}: is mounted there, so it was left: umount it")
    assert left.count(str(point)) == 1
    assert ";" not in left
    assert is_whole(theirs)
    assert not (top / "work" / "file").exists()
    assert f" {point} " in Path("/proc/self/mountinfo").read_text()


@as_root
def test_a_file_that_is_mounted_in_it_is_left(top: Path, theirs: Path, mount: Mount) -> None:
    point = top / "work" / "file"
    mount(point, "--bind", str(theirs / "thesis" / "chapter"))
    assert remove_tree(top).startswith(f"{point}: is mounted there, so it was left")
    assert is_whole(theirs)


@as_root
@pytest.mark.parametrize("words", MOUNTS.values(), ids=MOUNTS)
def test_what_is_mounted_on_it_is_left(
    top: Path, theirs: Path, mount: Mount, words: Callable[[Path], tuple[str, ...]]
) -> None:
    mount(top, *words(theirs))
    assert remove_tree(top).startswith(f"{top}: is mounted there, so it was left")
    assert is_whole(theirs)


@as_root
def test_once_it_is_unmounted_all_goes(top: Path, theirs: Path) -> None:
    point = top / "work" / "nas"
    point.mkdir()
    subprocess.run(["mount", "--bind", str(theirs), str(point)], check=True)
    try:
        assert remove_tree(top)
    finally:
        subprocess.run(["umount", str(point)], check=True)
    assert remove_tree(top) == ""
    assert not top.exists()
    assert is_whole(theirs)


@as_root
def test_what_is_mounted_when_we_have_just_looked_is_left(
    top: Path, theirs: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, removed = top / "work" / "deep", module._removed

    def late(within: int, name: str) -> bool:
        gone = removed(within, name)
        if name == "deep":
            mount(point, "--bind", str(theirs))
        return gone

    monkeypatch.setattr(module, "_removed", late)
    assert remove_tree(top).startswith(f"{point}: is mounted there, so it was left")
    assert is_whole(theirs)


# -- who changes it meanwhile -------------------------------------------------------------------


def test_a_folder_that_became_a_link_when_we_had_just_looked_is_not_entered(
    top: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = module._removed

    def late(within: int, name: str) -> bool:
        gone = removed(within, name)
        if name == "deep" and not gone:
            (top / "work" / "deep").rename(theirs / "moved")
            (top / "work" / "deep").symlink_to(theirs)
        return gone

    monkeypatch.setattr(module, "_removed", late)
    assert remove_tree(top) == ""
    assert is_whole(theirs)
    assert (theirs / "moved" / "file").exists()


def test_from_a_folder_that_was_moved_away_nobody_else_s_is_reached(
    top: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = module._names
    (theirs / "deep").mkdir()

    def late(folder: int) -> list[str]:
        found = names(folder)
        if "empty" in found:
            (top / "work" / "deep").rename(theirs / "thesis" / "deep")
        return found

    monkeypatch.setattr(module, "_names", late)
    assert remove_tree(top) == (f"{top}: a folder in it was moved away while it was being removed")
    assert is_whole(theirs)
    assert (theirs / "deep").exists()
    assert (theirs / "thesis" / "deep").exists()


def test_what_others_put_there_meanwhile_is_told(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = module._names

    def late(folder: int) -> list[str]:
        found = names(folder)
        if "empty" in found:
            (top / "work" / "deep" / "new").touch()
        return found

    monkeypatch.setattr(module, "_names", late)
    told = "something was put there while it was being removed"
    assert remove_tree(top) == f"{top / 'work' / 'deep'}: {told}"


def test_what_others_remove_meanwhile_is_gone(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = module._names

    def late(folder: int) -> list[str]:
        found = names(folder)
        if "empty" in found:
            shutil.rmtree(top / "work")
        return found

    monkeypatch.setattr(module, "_names", late)
    remove_tree(top)
    monkeypatch.undo()
    assert remove_tree(top) == ""
    assert not top.exists()


# -- whose it is ------------------------------------------------------------------------------


@pytest.fixture
def member() -> Iterator[Path]:
    """A folder of one who is not root, and we as them."""
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    folder.chmod(0o1777)
    top = folder / "lifecycle-r0123abcd"
    (top / "work").mkdir(parents=True)
    (top / "work" / "file").touch()
    if os.geteuid() == 0:
        for path in (top, *top.rglob("*")):
            os.chown(path, ANOTHER, ANOTHER)
        os.seteuid(ANOTHER)
    yield top
    os.seteuid(os.getuid())
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o500])
def test_a_folder_that_a_program_has_closed_goes(member: Path, mode: int) -> None:
    (member / "work").chmod(mode)
    assert remove_tree(member) == ""
    assert not member.exists()


@as_root
def test_what_root_of_a_container_wrote_is_named_and_the_rest_goes(member: Path) -> None:
    os.seteuid(0)
    roots = member / "work" / "results"
    for number in range(9):
        (roots / f"{number}").mkdir(parents=True)
    (roots / "0" / "file").touch()
    (member / "work" / "of root").touch()
    os.seteuid(ANOTHER)
    told = remove_tree(member)
    assert told.startswith(str(roots))
    assert told.count("root (uid 0) has made it") == 5
    assert told.endswith("; and 4 more")
    os.seteuid(0)
    assert {path.name for path in (member / "work").iterdir()} == {"results"}


@as_root
def test_a_folder_that_somebody_else_put_in_its_place_is_left(top: Path) -> None:
    os.chown(top, ANOTHER, ANOTHER)
    told = f"{top}: it belongs to uid {ANOTHER}, so this run did not make it"
    assert remove_tree(top) == told
    assert (top / "work" / "file").exists()
