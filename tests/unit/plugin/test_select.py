"""A selection of steps keeps a run whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugin.conftest import Inner

STEPS = "  - docker ps\n  - docker images\n  - docker volume ls\nfinally:\n  - docker network ls\n"


def ran(inner: Inner, *words: str) -> list[str]:
    """The verbs of the lines that were run."""
    inner.write(STEPS)
    inner.run("a.yaml", *words)
    return [line[0] for line in inner.world.cli.lines]


def names(found: Any) -> list[str]:
    return [r.nodeid.partition("::")[2] for out in found.listoutcomes() for r in out]


def test_those_before_the_chosen_one_come_too_and_those_after_it_do_not(inner: Inner) -> None:
    assert ran(inner, "-k", "images") == ["ps", "images", "network"]


def test_where_finally_or_the_clean_up_alone_are_chosen_everything_is(inner: Inner) -> None:
    assert ran(inner, "-k", "network") == ["ps", "images", "volume", "network"]


def test_the_clean_up_alone_would_find_nothing_to_clean(inner: Inner) -> None:
    assert ran(inner, "-k", "clean-up") == ["ps", "images", "volume", "network"]


def test_what_was_brought_back_is_not_counted_as_deselected(
    inner: Inner, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(inner, "-k", "images")
    out = capsys.readouterr().out
    assert "4 passed" in out
    assert "1 deselected" in out


def test_each_file_is_completed_by_itself(inner: Inner) -> None:
    inner.write("  - docker ps\n", "b")
    inner.write("  - docker images\n  - docker volume ls\n", "a")
    found = inner.run("a.yaml", "b.yaml", "-k", "volume or ps")
    assert names(found) == [
        *("1: docker images", "2: docker volume ls", "clean-up", "1: docker ps", "clean-up"),
    ]
    assert [s["file"] for s in inner.report["scenarios"]] == ["a.yaml", "b.yaml"]


def test_ordinary_tests_stay_as_they_are(inner: Inner) -> None:
    inner.write("  - docker ps\n")
    (Path(inner.pytester.path) / "test_x.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    found = inner.run("a.yaml", "test_x.py", "-k", "ps or test_b")
    assert names(found) == ["1: docker ps", "clean-up", "test_b"]


def test_a_session_without_scenarios_has_no_report(inner: Inner) -> None:
    (Path(inner.pytester.path) / "test_x.py").write_text("def test_a(): pass\n")
    (Path(inner.pytester.path) / "x.yaml").write_text("a: b\n")
    (Path(inner.pytester.path) / "y.txt").write_text("scenario: s\nsteps: [docker ps]\n")
    assert inner.run("test_x.py", "x.yaml", "y.txt").ret != pytest.ExitCode.INTERNAL_ERROR
    assert not inner.report_folder.exists()


def test_a_scenario_may_have_either_ending(inner: Inner) -> None:
    folder = Path(inner.pytester.path)
    (folder / "a.yml").write_text("scenario: s\nsteps: [docker ps]\n")
    assert inner.run("a.yml").ret == 0
    assert [s["file"] for s in inner.report["scenarios"]] == ["a.yml"]


def test_the_options_are_there_under_names_of_their_own(inner: Inner) -> None:
    config = inner.pytester.parseconfigure()
    assert config.option.lifecycle_gpu == "auto"
    assert config.option.lifecycle_user == []
    assert config.option.lifecycle_keep == ""
    assert not config.option.lifecycle_strict
    assert any("gpu: a step that needs a GPU" in m for m in config.getini("markers"))


def test_a_scenario_stays_on_one_worker(inner: Inner) -> None:
    config = inner.pytester.parseconfigure("-n2", "--dist=load")
    assert (config.option.dist, config.option.maxworkerrestart) == ("loadfile", "0")
    alone = inner.pytester.parseconfigure()
    assert alone.option.dist == "no"
