"""Several scenarios at a time: each whole on one worker, one report, and workers that die."""

from __future__ import annotations

import re

import pytest

from tests.engine.harness import Place
from tests.plugin.test_items import FOUR

pytestmark = pytest.mark.engine

KILLED = """
import os, signal
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    if "Start it" in item.name and "a.yaml" in item.nodeid and "PYTEST_XDIST_WORKER" in os.environ:
        KILL
    return result
"""
HOW = {
    "exits": "os._exit(3)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
}


def three(place: Place) -> list[str]:
    """Scenarios whose names differ, and whose things do not: they must not meet."""
    return [
        str(place.write(f"{name}.yaml", FOUR.replace("four", f"four {name}"))) for name in "abc"
    ]


def test_one_scenario_stays_on_one_worker(place: Place) -> None:
    ran = place.pytest("-n", "2", "--dist", "load", "-v", *three(place))
    assert ran.exit_code == 0, ran.said
    told = re.findall(r"\[(gw\d)\] .*PASSED (\w)\.yaml::", ran.out)
    assert len(told) == 3 * 6
    assert {len({w for w, name in told if name == one}) for one in "abc"} == {1}
    assert len({w for w, _ in told}) == 2


def test_the_report_of_a_wide_run_is_whole_and_written_once(place: Place) -> None:
    ran = place.run("-n", "2", *three(place))
    assert ran.exit_code == 0, ran.said
    assert sorted(s["name"] for s in ran.report["scenarios"]) == ["four a", "four b", "four c"]
    for scenario in ran.report["scenarios"]:
        assert [s["status"] for s in scenario["steps"]] == ["passed"] * 6
    assert ran.said.count("Report: ") == 1
    assert [p.name for p in place.folder.glob("report-*")] == ["report-1"]
    assert ran.report["verdict"] == "PASS"
    assert ran.report["subject"]["uid"] != 0
    assert place.left() == []


@pytest.mark.parametrize("how", HOW.values(), ids=HOW.keys())
def test_a_worker_that_dies_in_a_step_is_an_error_and_the_sweep_leaves_nothing(
    place: Place, how: str
) -> None:
    place.write("killer.py", KILLED.replace("KILL", how))
    place.environ["PYTHONPATH"] = ":".join(
        [str(place.folder), *filter(None, [place.env().get("PYTHONPATH")])]
    )
    ran = place.run("-n", "2", *three(place), "--", "-p", "killer")
    assert ran.exit_code not in {0, 2}, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    told = ran.statuses("four a")
    assert told["Make it"] == "passed"
    assert told["Start it"] == "error"
    assert ran.scenario("four a")["status"] == "error"
    assert ran.report["verdict"] == "FAIL"
    # The others ran to their end, and nothing of the dead one was begun again in its middle.
    assert {ran.scenario(f"four {x}")["status"] for x in "bc"} <= {"passed", "not-run"}
    assert place.left() == []
    assert place.ledgers() == []


def test_a_worker_that_dies_before_any_step_ended_is_in_the_report(place: Place) -> None:
    place.write("killer.py", KILLED.replace("KILL", "os._exit(3)").replace("Start it", "Make it"))
    place.environ["PYTHONPATH"] = ":".join(
        [str(place.folder), *filter(None, [place.env().get("PYTHONPATH")])]
    )
    ran = place.run("-n", "2", *three(place), "--", "-p", "killer")
    assert ran.exit_code not in {0, 2}
    assert ran.report["verdict"] == "FAIL"
    assert ran.scenario("four a")["status"] == "error"
    assert place.left() == []
