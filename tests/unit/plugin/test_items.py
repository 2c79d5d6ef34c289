"""A scenario file as pytest sees it: an item a step, then the clean-up, each with its outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest  # noqa: TC002 - light, and read by people

from lifecycle.checks.check import Check
from lifecycle.diagnosis.finding import Finding, Remedy
from lifecycle.plugin.items import _redacted, describe, describe_failure, item_names, run_key
from lifecycle.run.outcome import StepResult
from lifecycle.scenario.load import loads
from tests.fakes.cli import Said
from tests.fakes.world import BASE, SECRET
from tests.unit.plugin.conftest import Inner

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
TWO = BOX + "  - docker exec box true\nfinally:\n  - docker images\n"


def outcomes(ran: Any) -> dict[str, str]:
    """The last outcome of each item, without its file."""
    reports = [r for found in ran.listoutcomes() for r in found]
    return {r.nodeid.partition("::")[2]: r.outcome for r in reports}


# -- in pytest -------------------------------------------------------------------------------


def test_every_step_is_an_item_and_passes_when_it_does(inner: Inner) -> None:
    inner.write(TWO)
    ran = inner.run("a.yaml")
    assert outcomes(ran) == dict.fromkeys(
        (
            f"1: docker run -d --name=box {BASE} sleep 9",
            "2: docker exec box true",
            "finally 3: docker images",
            "clean-up",
        ),
        "passed",
    )
    assert ran.ret == 0
    assert inner.world.daemon.containers() == []


def test_a_failed_step_fails_and_the_rest_is_skipped_but_finally(inner: Inner) -> None:
    inner.world.cli.programs["true"] = lambda _: Said("", 3)
    inner.write(BOX + "  - docker exec box true\n  - docker ps\nfinally:\n  - docker images\n")
    ran = inner.run("a.yaml")
    assert ran.ret == 1
    assert [s["status"] for s in inner.steps] == [
        *("passed", "failed", "not-run", "passed", "passed")
    ]


def test_a_failure_is_told_in_the_author_s_terms(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.world.cli.programs["true"] = lambda _: Said("what it said\n", 3)
    inner.write(BOX + "  - docker exec box true\n")
    inner.run("a.yaml")
    said = capsys.readouterr().out
    assert "a.yaml:4: docker exec box true" in said
    assert f"ran as: docker exec {inner.world.daemon.removed[-1]} true" in said
    assert "broken: exit code" in said
    assert "| what it said" in said
    assert "Traceback" not in said


def test_a_skipped_step_says_why_and_where(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.write(f"  - docker rmi {BASE}\n")
    inner.run("a.yaml", "-rs")
    said = capsys.readouterr().out
    why = f"image {BASE} was there before this run, so it is not removed"
    assert f"a.yaml:3: Skipped: {why}" in said or f"a.yaml:3: {why}" in said


def test_a_file_that_is_no_scenario_in_order_is_told_at_its_place(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.write("  - {comand: docker ps}\n")
    ran = inner.run("a.yaml")
    said = capsys.readouterr().out
    assert "a.yaml:3:" in said
    assert "unknown key `comand`" in said
    assert ran.ret != 0


def test_steps_that_need_a_gpu_are_marked(inner: Inner) -> None:
    inner.write(
        f"scenario: s\ngpu: optional\nsteps:\n  - docker run -d --gpus all --name=box {BASE}\n"
        "  - docker ps\n  - {command: docker images, gpu: required}\n"
    )
    items, _ = inner.pytester.inline_genitems("a.yaml")
    marked = [i.get_closest_marker("gpu") is not None for i in items]
    assert marked == [True, False, True, False]


def test_where_one_step_is_chosen_those_before_it_come_too(inner: Inner) -> None:
    inner.write(TWO + "  - docker volume ls\n")
    ran = inner.run("a.yaml", "-k", "exec")
    assert len(outcomes(ran)) == 5
    assert ran.ret == 0


def test_after_minus_x_the_clean_up_is_done_and_told(inner: Inner) -> None:
    inner.world.cli.programs["true"] = lambda _: Said("", 3)
    inner.write(TWO)
    inner.run("a.yaml", "-x")
    assert [s["status"] for s in inner.steps] == ["passed", "failed", "passed", "passed"]
    assert inner.world.daemon.containers() == []


def test_who_is_named_twice_is_one_person(inner: Inner) -> None:
    inner.write("  - docker ps\n")
    ran = inner.run("a.yaml", f"--lifecycle-user={inner.world.options['user']}")
    assert ran.ret == 0
    assert [s["name"] for s in inner.report["scenarios"]] == ["s"]


def test_a_run_for_several_people_is_one_for_each(inner: Inner) -> None:
    inner.write("  - docker ps\n")
    inner.run("a.yaml", "--lifecycle-user=nobody-of-this-name")
    first, second = inner.report["scenarios"]
    me = inner.world.options["user"]
    assert (first["name"], second["name"]) == (f"s ({me})", "s (nobody-of-this-name)")
    assert [s["steps"][0]["status"] for s in (first, second)] == ["passed", "failed"]


def test_secrets_are_in_no_report_and_no_terminal(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    inner.world.cli.fails["ps"] = Said(f"it is {SECRET}\n", 3)
    inner.write("  - {write: a, mode: '0600', content: '${{ secret.PASSWORD }}'}\n  - docker ps\n")
    inner.run("a.yaml", "--showlocals")
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err
    assert SECRET not in (inner.report_folder / "report.json").read_text()
    assert "it is [redacted]" in captured.out


def test_a_fault_of_ours_is_an_error_and_fails(
    inner: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr("lifecycle.run.steps.runner.Runner.step", fail)
    inner.write("  - docker ps\n")
    assert inner.run("a.yaml").ret == 1
    assert inner.steps[0]["status"] == "error"
    assert inner.steps[0]["reason"].endswith("please report it: ValueError('a fault')")


# -- what is told ----------------------------------------------------------------------------


def result(**more: Any) -> StepResult:
    made = StepResult("a name", 7, command="docker ps", ran=True)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def test_a_failure_tells_the_line_the_checks_the_causes_and_the_screen() -> None:
    checks = [
        Check("exit code", 0, 3, "broken", "the command's own"),
        Check("other", 1, 1, "kept", "inspect"),
    ]
    remedy = Remedy("admin", "mend it", ("sudo mend",))
    finding = Finding("an-id", "it broke", ("seen here",), (remedy,))
    text = describe_failure(
        result(
            actual_command="docker ps -a",
            checks=checks,
            findings=[finding],
            screen="one\ntwo\n\n",
        ),
        Path("/x/a.yaml"),
    )
    assert text.splitlines() == [
        "a.yaml:7: docker ps",
        "  ran as: docker ps -a",
        "  broken: exit code",
        "    expected: 0",
        "    found:    3  (the command's own)",
        "  cause: it broke [an-id]",
        "    evidence: seen here",
        "    admin can: mend it",
        "      sudo mend",
        "  screen:",
        "    | one",
        "    | two",
    ]


def test_what_is_not_there_is_not_told() -> None:
    bare = result(command="", actual_command="", screen=" \n")
    assert describe_failure(bare, Path("a.yaml")) == "a.yaml:7: a name"
    same = result(actual_command="docker ps", error="a fault")
    assert describe_failure(same, Path("a.yaml")) == "a.yaml:7: docker ps\n  error: a fault"


def test_of_a_long_screen_the_last_lines_are_told() -> None:
    text = describe_failure(result(screen="\n".join(map(str, range(40)))), Path("a.yaml"))
    assert [line for line in text.splitlines() if "|" in line] == [
        f"    | {n}" for n in range(25, 40)
    ]


SCENARIO = """
scenario: a scenario
engine: as-written
steps:
  - docker ps
  - name: "two\\nlines"
    command: docker images
finally:
  - docker volume ls
"""


def test_items_are_named_by_their_number_and_title() -> None:
    assert item_names(loads(SCENARIO, "a.yaml")) == [
        "1: docker ps",
        "2: two lines",
        "finally 3: docker volume ls",
        "clean-up",
    ]


def test_a_file_is_described_before_its_run() -> None:
    scenario = loads(SCENARIO, "/x/y/a.yaml")
    told = describe(scenario, ["one", "two", "three"], Path("/x"))
    assert told == {
        "name": "a scenario",
        "file": "y/a.yaml",
        "run": "",
        "facts": {},
        "remains": {
            "left_behind": [],
            "kept_on_purpose": [],
            "foreign_touched": [],
            "others_meanwhile": [],
            "known": [],
            "touched_with_leave": [],
            "to_remove": [],
        },
        "not_gated": True,
        "titles": [("one", 5), ("two", 6), ("three", 9)],
    }
    for_kim = describe(scenario, ["one", "two", "three"], Path("/z"), "kim")
    assert (for_kim["name"], for_kim["file"]) == ("a scenario (kim)", "/x/y/a.yaml")


def test_one_of_several_people_has_a_key_of_their_own() -> None:
    assert (run_key("a.yaml", ""), run_key("a.yaml", "kim")) == ("a.yaml", "a.yaml::kim")


def test_every_text_of_a_payload_is_redacted_and_nothing_else() -> None:
    def hide(text: str) -> str:
        return text.replace("x", "-")

    told = {"x": ["axb", 1, None, {"k": ("x", True)}]}
    assert _redacted(told, hide) == {"x": ["a-b", 1, None, {"k": ["-", True]}]}
