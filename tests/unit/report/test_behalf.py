"""Root writes a report for a person, and nothing that the person could do leads it astray."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from lifecycle.machine.as_subject import call_in
from lifecycle.machine.subject import Subject
from lifecycle.report import behalf
from lifecycle.report.write import ReportError, write_report
from tests.unit.report.samples import PASSED, report

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for somebody else")
ALICE = Subject("alice", 23456, 23457, (23457,), ("alice",), "/", "/bin/sh", 0o022)
BOB = Subject("bob", 23458, 23458, (23458,), ("bob",), "/", "/bin/sh", 0o022)
FILES = {"report.json", "junit.xml", "transcript.sh", "index.html"}


def write(folder: Path, owner: Subject = ALICE, **more: bool) -> Path:
    return write_report(report(*PASSED), folder, str, owner=owner, **more).parent


def owner_of(path: Path) -> tuple[int, int]:
    return path.lstat().st_uid, path.lstat().st_gid


def give(path: Path, owner: Subject = ALICE) -> Path:
    os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    return path


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(f): (f.lstat().st_ino, f.read_bytes() if f.is_file() else b"")
        for f in folder.rglob("*")
    }


@pytest.fixture
def hers(passable: Path) -> Path:
    """A folder that is alice's."""
    (passable / "hers").mkdir()
    return give(passable / "hers")


@pytest.fixture
def roots(passable: Path) -> Path:
    """Folders of root's that alice may see, and one that she may not."""
    roots = passable / "roots"
    roots.mkdir()
    (roots / "hidden").mkdir(mode=0o700)
    (roots / "reports").mkdir()
    for folder in (roots, roots / "hidden", roots / "reports"):
        (folder / "precious").write_text("precious")
    return roots


@pytest.mark.parametrize(
    "way", ["reports/k3x9", "hidden/a/reports/k3x9", "hidden/k3x9", "new/k3x9"]
)
def test_in_a_folder_of_roots_the_report_is_the_persons_and_the_rest_stays_roots(
    roots: Path, way: str
) -> None:
    folder = write(roots / way)
    assert {path.name for path in folder.iterdir()} == FILES
    assert {owner_of(path) for path in (folder, *folder.iterdir())} == {(23456, 23457)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert owner_of(folder.parent) == (0, 0)
    if folder.parent.name == "reports":
        assert (folder.parent / "latest").readlink() == Path("k3x9")


def test_several_people_have_reports_in_one_folder_of_roots(roots: Path) -> None:
    before = os.umask(0o077)
    try:
        hers, his = write(roots / "new/reports/a"), write(roots / "new/reports/b", BOB)
    finally:
        os.umask(before)
    assert (owner_of(hers)[0], owner_of(his)[0]) == (ALICE.uid, BOB.uid)
    assert stat.S_IMODE(hers.parent.stat().st_mode) & 0o111 == 0o111
    assert (hers.parent / "latest").readlink() == Path("b")
    assert owner_of(write(roots / "new/reports/a"))[0] == ALICE.uid  # once more, into the same


def test_in_a_folder_of_hers_all_is_hers(hers: Path) -> None:
    folder = write(hers / "x" / "reports" / "k3x9", publish=True)
    made = [hers / "x", folder.parent, folder, folder.parent / "latest", *folder.iterdir()]
    assert {owner_of(path) for path in made} == {(23456, 23457)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert (folder.parent / "latest").readlink() == Path("k3x9")


def test_a_folder_that_everybody_may_write_in_has_one_for_her(passable: Path) -> None:
    (passable / "tmp").mkdir()
    (passable / "tmp").chmod(0o1777)
    assert owner_of(write(passable / "tmp" / "k3x9")) == (23456, 23457)


@pytest.mark.parametrize("whose", ["roots", "bobs"])
def test_a_folder_of_somebody_else_is_not_written_into_for_the_owner(
    passable: Path, whose: str
) -> None:
    folder = passable / "folder"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    if whose == "bobs":
        give(folder, BOB)
    with pytest.raises(ReportError, match="does not belong to user 23456"):
        write(folder)
    assert list(folder.iterdir()) == []


LINKS = {
    "reports": ("reports", "{roots}/reports"),
    "reports, hidden": ("reports", "{roots}/hidden"),
    "the run's folder": ("reports/k3x9", "{roots}/reports"),
    "the run's folder, new": ("reports/k3x9", "{roots}/new"),
    "a way back": ("reports", "../roots/hidden"),
    "nowhere": ("reports", "{roots}/new"),
    "itself": ("reports", "reports"),
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("through", [False, True], ids=["", "through a link of root's"])
def test_a_link_of_hers_leads_nowhere_that_she_may_not_write(
    hers: Path, roots: Path, passable: Path, link: str, *, through: bool
) -> None:
    name, target = LINKS[link]
    if "/" in name:
        (hers / "reports").mkdir()
        give(hers / "reports")
    (hers / name).symlink_to(target.format(roots=roots))
    give(hers / name)
    start = hers
    if through:
        start = passable / "shortcut"
        start.symlink_to("hers")
    before = everything(roots)
    with pytest.raises(ReportError, match="could not be written"):
        write(start / "reports" / "k3x9")
    assert everything(roots) == before


def test_a_link_of_hers_to_another_folder_of_hers_is_followed(hers: Path) -> None:
    (hers / "elsewhere").mkdir()
    give(hers / "elsewhere")
    (hers / "reports").symlink_to("elsewhere")
    write(hers / "reports" / "k3x9")
    assert owner_of(hers / "elsewhere" / "k3x9" / "index.html") == (23456, 23457)


@pytest.mark.parametrize("at", ["reports", "reports/k3x9"])
def test_a_folder_that_she_swaps_for_a_link_meanwhile_leads_nowhere(
    hers: Path, roots: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    for folder in (hers / "reports", hers / "reports" / "k3x9"):
        folder.mkdir()
        give(folder)
    before = everything(roots)

    def swapped(*asked: Any) -> Any:
        if not (hers / at).is_symlink():
            (hers / at).rename(hers / "away")
            (hers / at).symlink_to(roots / "reports")
        return call_in(*asked)

    monkeypatch.setattr(behalf, "call_in", swapped)
    with pytest.raises(ReportError):
        write(hers / "reports" / "k3x9")
    assert everything(roots) == before


@pytest.mark.parametrize("what", ["a pipe", "a link", "a hard link", "a socket's name"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_what_stands_in_the_place_of_a_file_is_replaced_and_not_opened(
    hers: Path, roots: Path, name: str, what: str
) -> None:
    place = hers / name
    match what:
        case "a pipe":
            os.mkfifo(place)
        case "a hard link":
            place.hardlink_to(roots / "precious")
        case "a link":
            place.symlink_to(roots / "precious")
        case _:
            os.mknod(place, stat.S_IFSOCK | 0o600)
    folder = write(hers)
    assert owner_of(folder / name) == (23456, 23457)
    assert stat.S_ISREG((folder / name).lstat().st_mode)
    assert (roots / "precious").read_text() == "precious"


def test_a_folder_in_the_place_of_a_file_is_a_sentence(hers: Path) -> None:
    (hers / "report.json").mkdir()
    with pytest.raises(ReportError, match="Is a directory; make room"):
        write(hers)


@pytest.mark.parametrize("what", ["a link", "a folder", "a pipe"])
def test_a_latest_of_hers_is_replaced_when_it_is_a_link_and_told_when_not(
    hers: Path, roots: Path, what: str
) -> None:
    (hers / "reports").mkdir()
    latest = give(hers / "reports") / "latest"
    before = everything(roots)
    if what == "a link":
        latest.symlink_to(roots / "reports")
        write(hers / "reports" / "k3x9")
        assert latest.readlink() == Path("k3x9")
    else:
        make = Path.mkdir if what == "a folder" else os.mkfifo
        make(latest)
        with pytest.raises(ReportError, match="does not point at it"):
            write(hers / "reports" / "k3x9")
    assert everything(roots) == before
