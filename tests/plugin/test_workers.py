"""Several scenarios at a time: each whole on one worker, one report, and workers that die."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from lifecycle.machine.procfs import children_of
from tests.engine.harness import Place, wait_until
from tests.plugin.test_ending import QUICK
from tests.plugin.test_items import FOUR

pytestmark = pytest.mark.engine

KILLER = """
import os, signal

def pytest_runtest_setup(item):
    if "a.yaml" in item.nodeid and "PYTEST_XDIST_WORKER" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
"""


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


def test_a_worker_that_is_killed_in_a_step_is_an_error_and_the_sweep_leaves_nothing(
    place: Place,
) -> None:
    files = [*three(place), str(place.write("long.yaml", QUICK))]
    words = place.run_words("-n", "2", *reversed(files))
    with place.started(*words) as process:
        wait_until(lambda: place.is_up("MINE-long"))
        os.kill(worker_of(process.pid, f"{place.word}-long"), signal.SIGKILL)
        ran = place.ended(process)
    assert ran.exit_code == 1, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    assert ran.report["verdict"] == "FAIL"
    told = ran.statuses("long")
    assert set(list(told.values())[:3]) == {"passed"}
    assert told["The long one"] == "error"
    assert "passed" not in {told[name] for name in ("Never", "Goodbye", "Clean-up")}
    assert "the worker died" in ran.step("The long one", "long")["reason"]
    # The others run to their end on the one that is left, and none is begun in its middle.
    others = [ran.scenario(f"four {x}")["status"] for x in "abc"]
    assert set(others) <= {"passed", "not-run"}
    assert place.left() == []
    assert place.ledgers() == []


def test_a_worker_that_is_killed_before_any_step_is_in_the_report(place: Place) -> None:
    place.write("killer.py", KILLER)
    known = place.env().get("PYTHONPATH")
    place.environ["PYTHONPATH"] = ":".join([str(place.folder), *([known] if known else [])])
    ran = place.run("-n", "2", *three(place), "--", "-p", "killer")
    assert ran.exit_code == 1, ran.said
    assert "INTERNALERROR" not in ran.said, ran.said
    assert ran.report["verdict"] == "FAIL"
    assert sorted(s["name"] for s in ran.report["scenarios"]) == ["four a", "four b", "four c"]
    assert ran.scenario("four a")["status"] == "error"
    assert place.left() == []
    assert place.ledgers() == []


def worker_of(controller: int, word: str) -> int:
    """The worker whose command has the word among its arguments."""
    for worker in children_of(controller):
        for command in children_of(worker):
            if word in Path(f"/proc/{command}/cmdline").read_text():
                return worker
    raise AssertionError(word)
