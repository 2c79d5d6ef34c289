"""The report is written once, of every step that was to run, and its verdict decides."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.plugin import reporter as reporting
from lifecycle.plugin.interrupts import Interrupts
from lifecycle.plugin.reporter import Reporter
from lifecycle.report.write import ReportError
from lifecycle.run.outcome import CLEANUP, StepResult
from lifecycle.run.session.options import Options
from lifecycle.run.session.who import StartError
from tests.fakes.cli import Said
from tests.fakes.world import BASE
from tests.unit.plugin.conftest import Inner

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
TWO = "scenario: two\nsteps:\n  - docker ps\n  - docker images\nfinally:\n  - docker volume ls\n"


# -- a whole run -------------------------------------------------------------------------------


def test_a_run_that_went_well_is_reported_and_passes(inner: Inner) -> None:
    inner.write(BOX)
    assert inner.run("a.yaml").ret == 0
    report = inner.report
    assert (report["verdict"], report["engine"]["id"]) == ("PASS", "ENGINE")
    assert report["subject"]["uid"] == os.geteuid()
    assert report["host"]["name"] == os.uname().nodename
    assert report["options"] == {"strict": False, "gpu": "off", "allow_foreign": []}
    assert (report["left_behind"], report["kept_on_purpose"]) == ([], [])
    assert inner.steps[-1]["name"] == CLEANUP
    assert {p.name for p in inner.report_folder.iterdir()} >= {
        *("report.json", "index.html", "junit.xml", "transcript.sh"),
    }


def test_a_run_that_failed_says_so(inner: Inner) -> None:
    inner.world.cli.fails["ps"] = Said("", 1)
    inner.write("  - docker ps\n")
    assert inner.run("a.yaml").ret == 1
    assert inner.report["verdict"] == "FAIL"


def test_what_is_unverified_is_no_pass_where_the_person_is_strict(inner: Inner) -> None:
    inner.write(f"  - docker run -d --name=box -e A=b {BASE} sleep 9\n")
    assert inner.run("a.yaml").ret == 0
    assert inner.report["verdict"].startswith("PASS WITH")
    assert inner.run("a.yaml", "--lifecycle-strict").ret == 1
    assert inner.report["verdict"] == "FAIL"
    assert inner.report["options"]["strict"] is True


def test_what_is_kept_and_what_others_did_is_in_the_report(inner: Inner) -> None:
    world = inner.world
    world.cli.hub["busybox:1"] = f"sha256:{'5' * 64}"

    def meanwhile(_: list[str]) -> None:
        world.daemon.make_volume("theirs")

    world.cli.does = meanwhile
    inner.write("  - docker pull busybox:1\n")
    inner.run("a.yaml")
    (kept,) = inner.report["kept_on_purpose"]
    assert kept.startswith("image busybox:1: a pulled base image")
    assert inner.report["others_meanwhile"] == 1, world.daemon.told


def test_steps_that_were_not_chosen_are_told_as_that(inner: Inner) -> None:
    inner.write("  - docker ps\n  - docker images\nfinally:\n  - docker volume ls\n")
    inner.run("a.yaml", "-k", "ps")
    told = [(s["status"], s["reason"], s["lacks"]) for s in inner.steps]
    assert told == [
        ("passed", "", None),
        ("skipped", "not chosen", "choice"),
        ("passed", "", None),
        ("skipped", "nothing was made", "nothing") if told[3][0] == "skipped" else told[3],
    ]


def test_each_step_is_printed_as_it_ends(inner: Inner, capsys: pytest.CaptureFixture[str]) -> None:
    inner.write(BOX)
    inner.run("a.yaml", "--lifecycle-progress")
    out = capsys.readouterr().out
    assert "✓ docker run -d --name=box" in out
    assert out.count("✓ docker run -d --name=box") == 1
    assert "a.yaml ." not in out


def test_the_run_s_own_summary_stands_below(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.write(BOX)
    inner.run("a.yaml")
    out = capsys.readouterr().out
    assert "PASS  Everything that was promised was looked at and holds." in out
    assert f"Report: {inner.report_folder}/index.html" in out


def test_it_is_told_in_the_person_s_language(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.write(BOX)
    inner.run("a.yaml", "--lifecycle-lang=ko")
    assert "보고서" in capsys.readouterr().out


def test_a_report_that_can_t_be_written_is_a_fault_and_the_summary_is_told(
    inner: Inner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ReportError("the disk is full")

    monkeypatch.setattr(reporting, "write_report", fail)
    inner.write(BOX)
    assert inner.run("a.yaml").ret == pytest.ExitCode.INTERNAL_ERROR
    out = capsys.readouterr().out
    assert "the disk is full" in out
    assert "PASS" in out


def test_an_interrupted_session_cleans_up_and_ends_as_one(inner: Inner) -> None:
    def interrupt(words: list[str]) -> None:
        if words[0] == "ps":
            os.kill(os.getpid(), signal.SIGTERM)

    inner.world.cli.does = interrupt
    inner.write(BOX + "  - docker ps\n  - docker images\nfinally:\n  - docker volume ls\n")
    assert inner.run("a.yaml").ret == pytest.ExitCode.INTERRUPTED
    statuses = [step["status"] for step in inner.steps]
    assert statuses == ["passed", "failed", "not-run", "passed", "passed"]
    assert "a person or the system ended it" in inner.steps[1]["reason"]
    assert inner.steps[2]["reason"] == "not run: the run was stopped before it"
    assert inner.world.daemon.containers() == []


# -- piece by piece ------------------------------------------------------------------------------


def made(tmp_path: Path, **more: Any) -> Reporter:
    """A reporter that expects the two steps of a file."""
    file = tmp_path / "a.yaml"
    file.write_text(TWO)
    given = {"progress": False, "side_by_side": False, **more}
    reporter = Reporter(Options(lang="en"), tmp_path / "report", Interrupts(), **given)
    ids = {"a.yaml::1: docker ps", "a.yaml::finally 3: docker volume ls", "a.yaml::clean-up"}
    reporter.expect({"a.yaml": file}, ids, tmp_path, ())
    return reporter


def step(name: str, **more: Any) -> dict[str, Any]:
    result = StepResult(name, 3, ran=True)
    for key, value in more.items():
        setattr(result, key, value)
    return result.to_json()


def report_of(reporter: Reporter, index: int, name: str) -> Any:
    """What pytest tells of a step that has ended."""
    file = reporter._files["a.yaml"]
    payload = {"key": "a.yaml", "index": index, "file": file.described, "step": step(name)}
    return SimpleNamespace(lifecycle=payload, when="call", nodeid="a.yaml::x")


def test_what_was_expected_and_never_came_is_reported(tmp_path: Path) -> None:
    reporter = made(tmp_path)
    reporter.pytest_runtest_logreport(report_of(reporter, 0, "docker ps"))
    (scenario,) = reporter._report().scenarios
    told = [(s["name"], s["line"], s["status"], s["reason"]) for s in scenario.steps]
    assert told == [
        ("docker ps", 3, "passed", ""),
        ("docker images", 4, "skipped", "not chosen"),
        ("docker volume ls", 6, "not-run", "not run: the run was stopped before it"),
        (CLEANUP, 0, "not-run", "not run: the run was stopped before it"),
    ]
    assert (scenario.name, scenario.file) == ("two", "a.yaml")


def test_a_worker_that_died_is_told_with_its_last_words(tmp_path: Path) -> None:
    reporter = made(tmp_path)
    crash: Any = SimpleNamespace(when="???", nodeid="a.yaml::1: docker ps", longrepr="worker\n gw0")
    reporter.pytest_runtest_logreport(crash)
    (scenario,) = reporter._report().scenarios
    assert scenario.steps[0]["reason"] == "the worker died: worker gw0"
    assert scenario.steps[0]["status"] == "error"
    assert scenario.steps[1]["status"] == "skipped"


def test_another_file_s_worker_is_none_of_this_one_s(tmp_path: Path) -> None:
    reporter = made(tmp_path)
    crash: Any = SimpleNamespace(when="???", nodeid="a.yaml2::1", longrepr="worker")
    reporter.pytest_runtest_logreport(crash)
    assert reporter._files["a.yaml"].crashed == ""


def test_a_report_of_an_ordinary_test_is_passed_over(tmp_path: Path) -> None:
    reporter = made(tmp_path)
    other: Any = SimpleNamespace(when="call", nodeid="test_x.py::x", longrepr="no")
    reporter.pytest_runtest_logreport(other)
    assert reporter._files["a.yaml"].crashed == ""
    assert reporter._files["a.yaml"].steps == {}


def test_each_of_several_people_has_a_file_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(TWO)
    reporter = made(tmp_path)
    reporter._files.clear()
    ids = {"a.yaml::kim::1: docker ps", "a.yaml::lee::2: docker images"}
    reporter.expect({"a.yaml": file}, ids, tmp_path, ["kim", "lee"])
    assert {key: f.chosen for key, f in reporter._files.items()} == {
        "a.yaml::kim": frozenset({0}),
        "a.yaml::lee": frozenset({1}),
    }
    assert reporter._files["a.yaml::lee"].described["name"] == "two (lee)"


def told(reporter: Reporter, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that are printed from now on."""
    seen: list[str] = []
    progress = SimpleNamespace(
        step=lambda name, file, one: seen.append(f"{name} {file} {one['name']}"),
        begin=lambda name: seen.append(f"begin {name}"),
    )
    monkeypatch.setattr(reporter, "_progress", progress)
    return seen


def test_a_step_is_told_as_it_begins_and_as_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = made(tmp_path)
    seen = told(reporter, monkeypatch)
    reporter.pytest_runtest_logstart("a.yaml::1: docker ps")
    reporter.pytest_runtest_logreport(report_of(reporter, 0, "docker ps"))
    assert seen == ["begin 1: docker ps", "two a.yaml docker ps"]


def test_of_scenarios_side_by_side_each_is_told_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = made(tmp_path, side_by_side=True)
    seen = told(reporter, monkeypatch)
    reporter.pytest_runtest_logstart("a.yaml::1: docker ps")
    reporter.pytest_runtest_logreport(report_of(reporter, 0, "docker ps"))
    assert seen == []
    reporter.pytest_runtest_logreport(report_of(reporter, 3, CLEANUP))
    assert seen == ["two a.yaml docker ps", f"two a.yaml {CLEANUP}"]


def test_what_pytest_would_take_in_a_teardown_is_told_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = made(tmp_path)
    seen = told(reporter, monkeypatch)
    teardown = reporter.pytest_runtest_teardown()
    next(teardown)
    reporter.pytest_runtest_logreport(report_of(reporter, 0, "docker ps"))
    assert seen == []
    with pytest.raises(StopIteration):
        teardown.send(None)
    assert seen == ["two a.yaml docker ps"]


def test_an_interrupt_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path).tell_interrupt()
    assert capsys.readouterr().err == "interrupted: cleaning up; once more to leave at once\n"


def test_a_run_that_never_began_has_an_id_all_the_same(tmp_path: Path) -> None:
    report = made(tmp_path)._report()
    assert report.run.startswith("r")
    assert (report.engine, report.host, report.subject) == ({}, {}, {})
    assert report.lang == "en"


def test_the_facts_of_the_first_run_that_began_stand_for_all(tmp_path: Path) -> None:
    reporter = made(tmp_path)
    file = reporter._files["a.yaml"]
    later = reporting._File(
        {**file.described, "run": "r2", "facts": {"engine": {"id": "E"}}}, frozenset()
    )
    later.described = {**later.described, "not_gated": True, "file": "b.yaml"}
    reporter._files["b.yaml"] = later
    report = reporter._report()
    assert (report.run, report.engine) == ("r2", {"id": "E"})
    assert report.not_gated == ["b.yaml"]


def test_the_report_of_root_for_a_person_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    kim: Any = SimpleNamespace(synthetic=False)
    monkeypatch.setattr(reporting, "find_subject", lambda *_: kim)
    assert reporting._owner(Options()) is kim
    monkeypatch.setattr(reporting, "find_subject", lambda *_: SimpleNamespace(synthetic=True))
    assert reporting._owner(Options()) is None

    def nobody(*_: Any) -> None:
        raise StartError("no")

    monkeypatch.setattr(reporting, "find_subject", nobody)
    assert reporting._owner(Options()) is None
    monkeypatch.setattr(os, "geteuid", lambda: 1500)
    monkeypatch.setattr(reporting, "find_subject", lambda *_: kim)
    assert reporting._owner(Options()) is None
