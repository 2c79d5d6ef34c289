"""What pytest sees of a scenario: one item a step in order, and what always runs."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.engine.harness import Place, Ran

pytestmark = pytest.mark.engine

FOUR = """
scenario: four
steps:
  - {name: Make it, command: "docker create --name=MINE-c ${{ lab.base_image }} sleep 300"}
  - {name: Start it, command: docker start MINE-c}
  - {name: Look, command: docker exec MINE-c true}
  - {name: Stop it, command: docker kill MINE-c}
finally:
  - {name: Say goodbye, command: docker logs MINE-c}
"""
FAILING = FOUR.replace("exec MINE-c true", "exec MINE-c false")
PASSING = """
scenario: another
steps:
  - {name: First, command: id}
"""
AFTER_A_FAILURE = {
    "Make it": "passed",
    "Start it": "passed",
    "Look": "failed",
    "Stop it": "not-run",
    "Say goodbye": "passed",
    "Clean-up": "passed",
}
ALL_FIVE = ["Make it", "Start it", "Look", "Stop it", "Say goodbye"]


def items(ran: Ran) -> list[tuple[str, str]]:
    """Each item's name and outcome, in the order in which pytest -v tells them."""
    told = r"::(?:(?:finally )?\d+: )?(.+?) (PASSED|FAILED|SKIPPED|ERROR)"
    return re.findall(told, ran.out)


@pytest.fixture(scope="module")
def failed(shared_place: Place) -> Ran:
    """A run of a scenario that fails and of one that does not."""
    first = shared_place.write("run/a.yaml", FAILING)
    second = shared_place.write("run/b.yaml", PASSING)
    ran = shared_place.run(str(first), str(second))
    assert shared_place.left() == []
    return ran


@pytest.fixture(scope="module")
def told(shared_place: Place) -> Ran:
    """What plain pytest says of a scenario that holds and of one that fails."""
    good = shared_place.write("pytest/a.yaml", FOUR)
    bad = shared_place.write("pytest/b.yaml", FAILING)
    ran = shared_place.pytest("-v", "-rs", str(good), str(bad))
    assert shared_place.left() == []
    return ran


def test_every_step_is_an_item_in_order_then_finally_then_the_cleanup(told: Ran) -> None:
    assert items(told)[:6] == [(name, "PASSED") for name in [*ALL_FIVE, "clean-up"]]
    good, _ = told.report["scenarios"]
    assert [s["name"] for s in good["steps"]] == [*ALL_FIVE, "Clean-up"]


def test_after_a_failed_step_only_finally_and_the_cleanup_run(failed: Ran) -> None:
    assert failed.exit_code == 1, failed.said
    assert failed.statuses("four") == AFTER_A_FAILURE
    assert failed.step("Stop it", "four")["reason"] == "not run: step 3 (Look) failed"


def test_the_next_scenario_still_runs(failed: Ran) -> None:
    assert failed.statuses("another") == {"First": "passed", "Clean-up": "passed"}


def test_x_ends_the_scenario_in_order_and_stops_before_the_next(place: Place) -> None:
    first, second = place.write("a.yaml", FAILING), place.write("b.yaml", PASSING)
    ran = place.run(str(first), str(second), "--", "-x")
    assert ran.exit_code in {1, 2}, ran.said
    assert ran.statuses("four") == AFTER_A_FAILURE
    assert "Clean-up" in ran.out, "it is told on the screen, too"
    assert ran.step("Stop it", "four")["reason"].startswith("not run: ")
    assert set(ran.statuses("another").values()) == {"not-run"}, "what was asked for is told"
    assert place.left() == []


def test_plain_pytest_says_in_its_summary_why_a_step_failed(told: Ran, shared_place: Place) -> None:
    assert told.exit_code == 1
    assert f"b.yaml:6: docker exec {shared_place.word}-c false" in told.out
    assert re.search(r"broken: exit code\s+expected: 0\s+found:    1", told.out)
    assert "not run: step 3 (Look) failed" in told.out


def test_the_last_failure_brings_back_what_it_needs(place: Place) -> None:
    file = place.write("a.yaml", FAILING)
    place.write("b.yaml", PASSING)
    first = place.pytest(str(place.folder))
    assert first.exit_code == 1
    again = place.pytest("-v", "--lf", str(place.folder))
    assert again.exit_code == 1
    wanted = ["Make it", "Start it", "Look", "Say goodbye", "clean-up"]
    assert [name for name, _ in items(again)] == wanted
    place.write(file.name, FOUR)
    assert place.pytest("--lf", str(place.folder)).exit_code == 0


def test_a_step_whose_predecessors_did_not_run_here_is_an_error(place: Place) -> None:
    # No selection can part them; another plugin that runs items in its own way can.
    conftest = """
def pytest_runtest_protocol(item):
    return True if "Start it" in item.name else None
"""
    place.write("conftest.py", conftest)
    ran = place.pytest("-v", str(place.write("a.yaml", FOUR)))
    assert ran.exit_code == 1, ran.said
    assert ran.step("Look")["status"] == "error"
    assert "did not run in this process" in ran.step("Look")["reason"]
    assert place.left() == []


def test_junit_and_json_agree(failed: Ran) -> None:
    scenarios = failed.report["scenarios"]
    said = {(s["name"], t["name"]): t["status"] for s in scenarios for t in s["steps"]}
    words = {"failure": "failed", "error": "error", "skipped": "skipped"}
    suites = ET.parse(failed.folder / "junit.xml").getroot()
    told = {
        (suite.get("name"), case.get("name")): next(
            (words[child.tag] for child in case if child.tag in words), "passed"
        )
        for suite in suites
        for case in suite.iter("testcase")
        if suite.get("name") in {"four", "another"}
    }
    assert told == {k: "skipped" if v == "not-run" else v for k, v in said.items()}
    assert "failed" in told.values()
    assert int(suites.get("failures", "0")) >= list(said.values()).count("failed")


def test_the_configuration_of_the_folder_one_stands_in_disturbs_nothing(place: Place) -> None:
    ini = "[pytest]\naddopts = --nonsense -k nothing\npython_files = *\nrequired_plugins = none\n"
    place.write("pytest.ini", ini)
    place.write("conftest.py", "raise RuntimeError('of another project')\n")
    place.write("scenarios/conftest.py", "raise RuntimeError('of another project')\n")
    file = place.write("scenarios/a.yaml", PASSING)
    ran = place.run(str(file.relative_to(place.folder)))
    assert (ran.exit_code, ran.report["verdict"]) == (0, "PASS"), ran.said
    assert sorted(p.name for p in place.folder.rglob("__pycache__")) == []
    assert not Path(place.folder / ".pytest_cache").exists()
