"""The summary fits its terminal, and tells why, whatever the terminal is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from lifecycle.report.model import RunReport
from lifecycle.report.summary import render_summary
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import FAILED, HOSTILE_NAMES, PASSED, PULL, hostile, report

INDEX = Path("reports/latest/index.html")


def summary(run: RunReport, width: int = 80, encoding: str = "utf-8") -> str:
    """What a pipe of this width and encoding gets."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding) as stream:
        render_summary(run, Console(file=stream, width=width), index=INDEX)
        stream.flush()
        return raw.getvalue().decode(encoding)


def test_each_step_is_one_line_with_mark_and_seconds() -> None:
    lines = summary(report(*FAILED)).splitlines()
    steps = [" ".join(line.split()) for line in lines if line.strip()[:1] in "✓✗-·"]
    assert "✓ Pull the base 3.2 s" in steps
    assert "✗ Run it 1 unverified 1.4 s" in steps
    assert "- See the GPUs" in steps
    assert "· Stop it" in steps


def test_a_failure_is_told_with_its_checks_findings_and_screen() -> None:
    text = summary(report(*FAILED))
    for told in (
        "-v /mnt/my nas:/workspace: writable",
        "Found: false  (test -w inside)",
        "The NAS is mounted read-only on this server [mount.read_only]",
        "Ask an admin for this: Mount it writable",
        "$ mount -o remount,rw /mnt/nas100",
        "| touch: Read-only file system",
        "-p 8080:8080 answers: nothing listens there",
    ):
        assert told in text


def test_it_ends_with_totals_verdict_and_the_page() -> None:
    lines = summary(report(*FAILED)).splitlines()
    assert "2 passed, 1 failed, 1 skipped, 1 not run, 4.6 s" in lines
    assert "- failed steps: 1" in lines
    assert lines[-2].startswith("FAIL")
    assert lines[-1] == "Report: reports/latest/index.html"


def test_simulated_gpus_and_leftovers_are_told() -> None:
    text = summary(report(*PASSED, gpu_checks={"simulated": 2}, left_behind=["container x"]))
    assert "GPU checks: 2 SIMULATED" in text
    assert "Left behind: container x" in text


def test_what_removes_what_was_kept_is_told_unfolded_and_as_it_is_typed() -> None:
    commands = [f"docker rm -f -v {'a1b2c3d4e5f6 ' * 9}x", "docker volume rm -f data-rk3x9"]
    run = report(*FAILED, kept_on_purpose=["container x: kept"], to_remove=commands)
    lines = summary(run, 60).splitlines()
    at = lines.index("To remove what --keep left, type:")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == commands
    assert "To remove" not in summary(report(*FAILED))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_in_any_language(width: int) -> None:
    wide = StepResult("아주 긴 한글 이름 " * 20, 1, ran=True, seconds=12.3)
    lines = summary(report(PULL, wide, lang="ko"), width).splitlines()
    assert max(map(cell_len, lines)) <= width
    ends = {cell_len(line.rstrip()) for line in lines if line.rstrip().endswith("초")}
    assert min(width, 120) in ends


def test_wide_names_leave_the_seconds_aligned() -> None:
    korean = StepResult("한글 이름", 1, ran=True, seconds=3.2)
    lines = [line for line in summary(report(PULL, korean)).splitlines() if line.endswith("3.2 s")]
    assert len(lines) == 2
    assert {cell_len(line) for line in lines} == {80}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_prints_as_text(name: str) -> None:
    text = summary(hostile(name))
    assert not {char for char in text if ord(char) < 32 and char != "\n"}
    if "markup" in name:
        assert "[bold red]markup[/bold red]" in text


def test_an_ascii_terminal_gets_ascii() -> None:
    text = summary(report(*FAILED, lang="ko"), encoding="ascii")
    assert "x Run it" in text
    assert "FAIL" in text


def test_no_color_gives_no_escape_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    render_summary(report(*FAILED), Console(file=stream, width=80, force_terminal=True))
    assert "\x1b[3" not in stream.getvalue()
