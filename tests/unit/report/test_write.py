"""The report directory is private, whole, redacted and small, or there is one sentence why not."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from lifecycle.report.model import RunReport
from lifecycle.report.write import (
    MOST_BYTES,
    ReportError,
    choose_directory,
    render_files,
    write_report,
)
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import FAILED, PASSED, RUN, hostile, report

FILES = {"report.json", "junit.xml", "transcript.sh", "index.html"}
SECRET = "hunter2&<'\"한글"


def as_it_is(text: str) -> str:
    """Redact nothing."""
    return text


def redact(text: str) -> str:
    """Redact the secret."""
    return text.replace(SECRET, "***")


def mode(path: Path) -> int:
    """The permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_four_files_readable_by_their_owner_only(tmp_path: Path) -> None:
    page = write_report(report(*FAILED), tmp_path / "reports" / "k3x9", as_it_is)
    assert page == tmp_path / "reports" / "k3x9" / "index.html"
    assert {path.name for path in page.parent.iterdir()} == FILES
    assert {mode(path) for path in page.parent.iterdir()} == {0o600}
    assert mode(page.parent) == 0o700
    assert json.loads((page.parent / "report.json").read_text())["verdict"] == "FAIL"


def test_a_published_report_can_be_read_by_everybody(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        page = write_report(report(*PASSED), tmp_path / "k3x9", as_it_is, publish=True)
    finally:
        os.umask(before)
    assert {mode(path) for path in page.parent.iterdir()} == {0o644}
    assert mode(page.parent) == 0o755


def test_a_private_folder_is_opened_to_publish_in_it_and_not_closed_again(tmp_path: Path) -> None:
    folder = tmp_path / "k3x9"
    for publish, modes in (
        (False, (0o700, 0o600)),
        (True, (0o755, 0o644)),
        (False, (0o755, 0o600)),
    ):
        page = write_report(report(*PASSED), folder, as_it_is, publish=publish)
        assert (mode(folder), mode(page)) == modes


def test_latest_points_at_the_last_run(tmp_path: Path) -> None:
    for run in ("one", "two"):
        write_report(report(*PASSED), tmp_path / "reports" / run, as_it_is)
    latest = tmp_path / "reports" / "latest"
    assert latest.readlink() == Path("two")
    assert {path.name for path in latest.parent.iterdir()} == {"one", "two", "latest"}


def test_no_link_is_made_in_a_folder_of_another_name(tmp_path: Path) -> None:
    write_report(report(*PASSED), tmp_path / "elsewhere" / "k3x9", as_it_is)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["k3x9"]


def test_a_latest_that_is_no_link_is_left_and_told(tmp_path: Path) -> None:
    latest = tmp_path / "reports" / "latest"
    latest.mkdir(parents=True)
    with pytest.raises(ReportError, match="does not point at it"):
        write_report(report(*PASSED), tmp_path / "reports" / "k3x9", as_it_is)
    assert latest.is_dir()
    assert (tmp_path / "reports" / "k3x9" / "index.html").exists()


def test_a_folder_that_was_there_keeps_its_mode_and_its_other_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "mine.txt").write_text("mine")
    write_report(report(*PASSED), tmp_path, as_it_is)
    assert mode(tmp_path) == 0o755
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "k3x9").mkdir()
    (tmp_path / "k3x9" / "index.html").symlink_to(target)
    page = write_report(report(*PASSED), tmp_path / "k3x9", as_it_is)
    assert target.read_text() == "precious"
    assert not page.is_symlink()


def test_a_secret_is_in_none_of_the_files(tmp_path: Path) -> None:
    folder = write_report(hostile(SECRET), tmp_path / "k3x9", redact).parent
    for path in folder.iterdir():
        assert "hunter2" not in path.read_text()
        assert "***" in path.read_text()


def test_a_secret_that_colours_had_split_is_redacted(tmp_path: Path) -> None:
    step = StepResult("Echo", 1, ran=True, screen=f"{SECRET[:4]}\x1b[31m{SECRET[4:]}")
    folder = write_report(report(step), tmp_path / "k3x9", redact).parent
    assert not [path for path in folder.iterdir() if "hunter2" in path.read_text()]


def test_one_line_says_why_it_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="Not a directory; make room") as caught:
        write_report(report(*PASSED), tmp_path / "file" / "k3x9", as_it_is)
    assert "\n" not in str(caught.value)


def test_a_write_that_fails_halfway_leaves_the_last_report_whole(tmp_path: Path) -> None:
    folder = tmp_path / "k3x9"
    write_report(report(*PASSED), folder, as_it_is)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so the limit ends a write with an error, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
    try:
        with pytest.raises(ReportError, match="File too large"):
            write_report(report(*FAILED), folder, as_it_is)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def huge() -> RunReport:
    """More output than any report may hold: 300 full screens that grow when they are escaped."""
    steps = [
        StepResult(f"Step {n}", n, ran=True, checks=RUN.checks, screen="<&'\"\\" * 200_000)
        for n in range(300)
    ]
    return report(*steps)


def test_a_report_of_endless_output_is_under_10_mb_and_says_what_was_cut() -> None:
    files = render_files(huge(), as_it_is)
    assert sum(len(text.encode()) for text in files.values()) < MOST_BYTES
    assert "bytes of this screen were cut" in files["index.html"]
    assert json.loads(files["report.json"])["scenarios"][0]["steps"][299]["screen_cut"] > 900_000


def test_the_directory_is_the_one_asked_for(tmp_path: Path) -> None:
    assert choose_directory(Path("out"), tmp_path, "k3x9") == tmp_path / "out"
    assert choose_directory(Path("/elsewhere"), tmp_path, "k3x9") == Path("/elsewhere")


def test_the_directory_is_in_reports_by_default(tmp_path: Path) -> None:
    assert choose_directory(None, tmp_path, "k3x9") == tmp_path / "reports" / "k3x9"


def test_the_directory_is_in_the_users_state_where_the_checkout_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    missing = tmp_path / "not-there"
    expected = tmp_path / "state" / "lifecycle" / "reports" / "k3x9"
    assert choose_directory(None, missing, "k3x9") == expected


def test_the_styles_of_a_screen_are_in_the_page_and_not_in_the_document() -> None:
    step = StepResult("ls", 1, ran=True, screen="folder", styles=[(0, 0, 6, "bold fg:4")])
    files = render_files(report(step), as_it_is)
    assert "styles" not in json.loads(files["report.json"])["scenarios"][0]["steps"][0]
    assert '<span class="f-4 bold">folder</span>' in files["index.html"]


def test_a_line_in_which_something_was_hidden_has_no_styles() -> None:
    screen = f"one\nthe {SECRET} it\ntwo"
    styles = [(0, 0, 3, "bold"), (1, 0, 6, "fg:1"), (1, 6, 9, "fg:2"), (2, 0, 3, "bold")]
    step = StepResult("echo", 1, ran=True, screen=screen, styles=styles)
    page = render_files(report(step), redact)["index.html"]
    assert '<span class="bold">one</span>\nthe *** it\n<span class="bold">two</span>' in page


def test_many_colourful_screens_lose_colours_before_the_report_grows_too_large() -> None:
    styles = [(n % 40, n // 40 * 2, n // 40 * 2 + 1, f"fg:{n:06x}") for n in range(2000)]
    screen = "\n".join(["x" * 120] * 40)
    steps = [StepResult("top", 1, ran=True, screen=screen, styles=styles)] * 150
    files = render_files(report(*steps), as_it_is)
    assert sum(len(text.encode()) for text in files.values()) < MOST_BYTES
    assert "f-0007cf" in files["index.html"]
    assert "f-000001" not in files["index.html"]
