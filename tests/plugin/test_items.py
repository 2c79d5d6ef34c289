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
ALL_FIVE = ["Make it", "Start it", "Look", "Stop it", "Say goodbye"]


def items(ran: Ran) -> list[tuple[str, str]]:
    """Each item's name and outcome, in the order in which pytest -v tells them."""
    told = r"::(?:(?:finally )?\d+: )?(.+?) (PASSED|FAILED|SKIPPED|ERROR)"
    return re.findall(told, ran.out)


def test_every_step_is_an_item_in_order_then_finally_then_the_cleanup(place: Place) -> None:
    ran = place.pytest("-v", str(place.write("a.yaml", FOUR)))
    assert ran.exit_code == 0, ran.said
    assert items(ran) == [(name, "PASSED") for name in [*ALL_FIVE, "clean-up"]]
    assert list(ran.statuses()) == [*ALL_FIVE, "Clean-up"]


@pytest.mark.parametrize("more", [(), ("-x",)], ids=["", "-x"])
def test_after_a_failed_step_only_finally_and_the_cleanup_run(
    place: Place, more: tuple[str, ...]
) -> None:
    ran = place.run(str(place.write("a.yaml", FAILING)), "--", *more)
    assert ran.exit_code in ({1, 2} if more else {1}), ran.said
    assert ran.statuses() == {
        "Make it": "passed",
        "Start it": "passed",
        "Look": "failed",
        "Stop it": "not-run",
        "Say goodbye": "passed",
        "Clean-up": "passed",
    }
    assert ran.step("Stop it")["reason"].startswith("not run: ")
    if not more:
        assert "Look" in ran.step("Stop it")["reason"]
    assert place.left() == []


def test_x_stops_before_the_next_scenario(place: Place) -> None:
    first, second = place.write("a.yaml", FAILING), place.write("b.yaml", PASSING)
    ran = place.run(str(first), str(second), "--", "-x")
    assert ran.exit_code != 0
    told = {s["name"]: s["status"] for s in ran.report["scenarios"]}
    assert told == {"four": "failed", "another": "not-run"}, "what was asked for is in the report"
    assert place.left() == []


def test_plain_pytest_says_in_its_summary_why_a_step_failed(place: Place) -> None:
    ran = place.pytest("-rs", str(place.write("a.yaml", FAILING)))
    assert ran.exit_code == 1
    assert re.search(r"a\.yaml:6: docker exec MINE-c false".replace("MINE", place.word), ran.out)
    assert re.search(r"broken: exit code\s+expected: 0\s+found:    1", ran.out)
    assert "not run: step 3 (Look) failed" in ran.out


@pytest.mark.parametrize("words", [("-k", "Look"), ("{file}::3: Look",)], ids=["-k", "a single id"])
def test_a_chosen_step_brings_back_what_it_needs(place: Place, words: tuple[str, ...]) -> None:
    file = place.write("a.yaml", FOUR)
    named = [w.replace("{file}", str(file)) for w in words]
    ran = place.pytest("-v", *named, *([] if "::" in named[0] else [str(file)]))
    assert ran.exit_code == 0, ran.said
    wanted = ["Make it", "Start it", "Look", "Say goodbye", "clean-up"]
    assert items(ran) == [(name, "PASSED") for name in wanted]


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


def test_the_cleanup_chosen_alone_brings_back_all_that_it_cleans(place: Place) -> None:
    ran = place.pytest("-v", "-k", "clean-up", str(place.write("a.yaml", FOUR)))
    assert [name for name, _ in items(ran)] == [*ALL_FIVE, "clean-up"]
    assert place.left() == []


def test_a_step_whose_predecessors_did_not_run_here_is_an_error(place: Place) -> None:
    place.write(
        "conftest.py",
        """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items):
    yield
    items[:] = [i for i in items if "Start it" not in i.name]
""",
    )
    # Before the plugin's own hook returns what it needs, nothing can take it away; after it, a
    # conftest of the project can.
    ran = place.pytest("-v", str(place.write("a.yaml", FOUR)))
    assert ran.exit_code == 1, ran.said
    assert ran.step("Look")["status"] == "error"
    assert "did not run in this process" in ran.step("Look")["reason"]
    assert place.left() == []


def test_the_gpu_marker_selects_the_steps_that_need_one(place: Place) -> None:
    text = """
scenario: gpus
steps:
  - {name: Without, command: id}
  - {name: Written, command: "docker run --rm --name=MINE-g --gpus all ${{ lab.base_image }} true"}
  - {name: Said, command: id -u, gpu: required}
  - {name: After, command: id -g}
"""
    ran = place.pytest("-m", "gpu", "--collect-only", "-q", str(place.write("a.yaml", text)))
    told = re.findall(r"::(?:\d+: )?(.+)", ran.out)
    assert told == ["Without", "Written", "Said", "clean-up"]
    none = place.pytest("-m", "gpu", "--collect-only", "-q", str(place.write("b.yaml", PASSING)))
    assert none.exit_code == pytest.ExitCode.NO_TESTS_COLLECTED


def test_other_yaml_files_and_tests_are_left_as_they_are(place: Place) -> None:
    place.write("other.yaml", "steps: [1, 2]\n")
    place.write("broken.yaml", "a: [\n")
    place.write("test_a.py", "def test_b(): pass\ndef test_c(): pass\n")
    place.write("a.yaml", PASSING)
    ran = place.pytest("-v", "-k", "test_c or First", str(place.folder))
    assert items(ran) == [(name, "PASSED") for name in ("First", "clean-up", "test_c")]


def test_junit_and_json_agree(place: Place) -> None:
    first, second = place.write("a.yaml", FAILING), place.write("b.yaml", PASSING)
    ran = place.run(str(first), str(second))
    said = {
        (s["name"], t["name"]): t["status"] for s in ran.report["scenarios"] for t in s["steps"]
    }
    words = {"failure": "failed", "error": "error", "skipped": "skipped"}
    suites = ET.parse(ran.folder / "junit.xml").getroot()
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
    failures = [s for s in said.values() if s == "failed"]
    assert int(suites.get("failures", "0")) >= len(failures)


def test_the_configuration_of_the_folder_one_stands_in_disturbs_nothing(place: Place) -> None:
    ini = "[pytest]\naddopts = --nonsense -k nothing\npython_files = *\nrequired_plugins = none\n"
    place.write("pytest.ini", ini)
    place.write("conftest.py", "raise RuntimeError('of another project')\n")
    file = place.write("scenarios/a.yaml", PASSING)
    ran = place.run(str(file.relative_to(place.folder)))
    assert ran.exit_code == 0, ran.said
    assert sorted(p.name for p in place.folder.rglob("__pycache__")) == []
    assert not Path(place.folder / ".pytest_cache").exists()
