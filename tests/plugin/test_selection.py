"""Whatever is chosen, a run stays whole: asked of pytest in this process, without an engine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import lifecycle.plugin.items
import lifecycle.plugin.late_hooks
import lifecycle.plugin.reporter
import lifecycle.plugin.select
import lifecycle.plugin.wiring
from tests.engine.harness import plugins
from tests.plugin.test_items import ALL_FIVE, FOUR, PASSING

# pytester forgets modules that are first imported in its runs; these are known before.
assert lifecycle.plugin.items
assert lifecycle.plugin.late_hooks
assert lifecycle.plugin.reporter
assert lifecycle.plugin.select
assert lifecycle.plugin.wiring

GPUS = """
scenario: gpus
steps:
  - {name: Without, command: id}
  - {name: Written, command: "docker run --rm --name=MINE-g --gpus all ${{ lab.base_image }} true"}
  - {name: Said, command: id -u, gpu: required}
  - {name: After, command: id -g}
"""
NEEDED = ["Make it", "Start it", "Look", "Say goodbye", "clean-up"]
Chosen = Callable[..., list[str]]


@pytest.fixture
def chosen(pytester: pytest.Pytester) -> Chosen:
    """The items that these words choose from files of these texts, as they would run."""

    def ask(*words: str, **files: str) -> list[str]:
        for name, text in files.items():
            (pytester.path / re.sub("_(yaml|py)$", r".\1", name)).write_text(text)
        ran = pytester.runpytest_inprocess(*plugins(), "--collect-only", "-q", *words)
        return re.findall(r"::(?:(?:finally )?\d+: )?(.+)", ran.stdout.str())

    return ask


@pytest.mark.parametrize("words", [("-k", "Look"), ("a.yaml::3: Look",)], ids=["-k", "a single id"])
def test_a_chosen_step_brings_back_what_it_needs(chosen: Chosen, words: tuple[str, ...]) -> None:
    assert chosen(*words, a_yaml=FOUR) == NEEDED


@pytest.mark.parametrize("name", ["clean-up", "goodbye"])
def test_what_always_runs_brings_back_all_that_it_is_about(chosen: Chosen, name: str) -> None:
    assert chosen("-k", name, a_yaml=FOUR) == [*ALL_FIVE, "clean-up"]


def test_a_last_step_can_be_left_out(chosen: Chosen) -> None:
    assert chosen("-k", "not Stop", a_yaml=FOUR) == [*ALL_FIVE, "clean-up"], "finally needs it"
    without = FOUR.partition("finally:")[0]
    assert chosen("-k", "not Stop", a_yaml=without) == [*ALL_FIVE[:3], "clean-up"]


def test_a_file_of_which_nothing_was_chosen_stays_out(chosen: Chosen) -> None:
    assert chosen("-k", "First", a_yaml=FOUR, b_yaml=PASSING) == ["First", "clean-up"]


def test_the_gpu_marker_selects_the_steps_that_need_one(chosen: Chosen) -> None:
    assert chosen("-m", "gpu", a_yaml=GPUS) == ["Without", "Written", "Said", "clean-up"]


def test_where_none_needs_a_gpu_the_marker_selects_nothing(chosen: Chosen) -> None:
    assert chosen("-m", "gpu", a_yaml=PASSING) == []


def test_other_yaml_files_and_tests_are_left_as_they_are(chosen: Chosen) -> None:
    tests = "def test_b(): pass\ndef test_c(): pass\n"
    others = {"other_yaml": "steps: [1, 2]\n", "broken_yaml": "a: [\n", "test_a_py": tests}
    told = chosen("-k", "test_c or First", a_yaml=PASSING, **others)
    assert told == ["First", "clean-up", "test_c"]
