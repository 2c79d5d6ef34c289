"""GitHub gets escaped commands and Markdown, and obeys nothing that a container printed."""

from __future__ import annotations

import html
import io
from pathlib import Path

import pytest

from lifecycle.report.bounds import prepare
from lifecycle.report.github import CommandsStopped, job_summary, publish, workflow_commands
from lifecycle.run.outcome import StepResult
from tests.unit.report.samples import FAILED, HOSTILE_NAMES, PASSED, PULL, RUN, hostile, report

ON_GITHUB = {"GITHUB_ACTIONS": "true"}


def test_a_failed_step_is_an_error_at_its_line() -> None:
    [error] = workflow_commands(report(*FAILED))
    where, _, message = error.removeprefix("::error ").partition("::")
    assert where == (
        "file=scenarios/my-env.yaml,line=15,title=My environment%2C start to finish%3A Run it"
    )
    assert message.startswith(
        "-v /mnt/my nas:/workspace: writable: expected true, found false (test -w inside)%0A"
    )


def test_files_are_named_from_the_workspace() -> None:
    run = report(*FAILED)
    told = workflow_commands(run, workspace="/home/runner/work/lab/lab")
    assert told == workflow_commands(run)
    absolute = report(scenarios=[type(s)(s.name, f"/w/{s.file}", s.steps) for s in run.scenarios])
    assert "file=scenarios/my-env.yaml," in workflow_commands(absolute, workspace="/w")[0]


def test_errors_come_before_warnings_and_leftovers_are_errors() -> None:
    unsure = StepResult("Port", 4, ran=True, checks=[RUN.checks[2]])
    told = workflow_commands(report(PULL, unsure, RUN, left_behind=["x"]))
    assert [line.split()[0] for line in told] == ["::error", "::error", "::warning"]
    assert told[1] == "::error title=FAIL::things left behind: 1"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_cannot_start_a_command_of_its_own(name: str) -> None:
    stream = io.StringIO()
    publish(hostile(name), ON_GITHUB, stream)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line.startswith("::error ") for line in lines)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_no_markup_in_the_job_summary(name: str) -> None:
    text = job_summary(prepare(hostile(name)))
    for markup in ("<script", "<img", "<iframe", "](java", "*bold*", "| cell |"):
        shown = text.replace(html.escape(name), "")
        assert markup not in shown


def test_the_job_summary_has_a_row_a_step_and_why_it_failed() -> None:
    text = job_summary(report(*FAILED))
    assert "## FAIL" in text
    assert "| Run it | failed | 1.4 s |" in text
    assert "| See the GPUs | skipped: no GPU | 0.0 s |" in text
    assert "<pre>-v /mnt/my nas:/workspace: writable: expected true, found false" in text


def test_publish_adds_to_the_job_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    publish(report(*PASSED), {**ON_GITHUB, "GITHUB_STEP_SUMMARY": str(summary)}, io.StringIO())
    assert summary.read_text().startswith("before\n## PASS\n")


def test_a_job_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    stream = io.StringIO()
    publish(report(*PASSED), {**ON_GITHUB, "GITHUB_STEP_SUMMARY": str(tmp_path)}, stream)
    assert stream.getvalue().startswith("::warning::the job summary could not be written: ")


def test_elsewhere_nothing_is_printed() -> None:
    stream = io.StringIO()
    publish(report(*FAILED), {}, stream)
    stopped = CommandsStopped({}, stream)
    stopped.stop()
    stopped.resume()
    assert stream.getvalue() == ""


def test_commands_are_stopped_by_a_word_that_differs_each_time() -> None:
    words = set()
    for _ in range(2):
        stream = io.StringIO()
        stopped = CommandsStopped(ON_GITHUB, stream)
        stopped.stop()
        print("::error::owned", file=stream)
        stopped.resume()
        _, first, *_, last = stream.getvalue().splitlines()
        word = first.removeprefix("::stop-commands::")
        assert last == f"::{word}::"
        words.add(word)
    assert len(words) == 2


def test_only_our_own_commands_are_obeyed_in_between() -> None:
    stream = io.StringIO()
    stopped = CommandsStopped(ON_GITHUB, stream)
    stopped.stop()
    stopped.stop()
    print("::error::theirs", file=stream)
    with stopped.obeyed():
        print("::error::ours", file=stream)
    print("::error::theirs again", file=stream)
    stopped.resume()
    stopped.resume()
    assert obeyed(stream.getvalue()) == ["::error::ours"]


def obeyed(log: str) -> list[str]:
    """The commands of a log that GitHub's runner would do."""
    done, word = [], ""
    for line in log.splitlines():
        text = line.strip()
        if word and text == f"::{word}::":
            word = ""
        elif not word and text.startswith("::stop-commands::"):
            word = text.removeprefix("::stop-commands::")
        elif not word and text.startswith("::"):
            done.append(text)
    return done


def test_what_a_container_printed_decodes_to_no_second_command() -> None:
    failed = StepResult("Run%0A::error::x", 4, ran=True, checks=[RUN.checks[1]])
    [error] = workflow_commands(report(failed))[:1]
    assert "%0A::error" not in error.replace("%250A", "")
    assert "%250A" in error
