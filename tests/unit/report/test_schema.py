"""report.json is described key by key, and nothing else is in it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lifecycle.cli import main
from lifecycle.report.bounds import LADDER, prepare
from lifecycle.report.document import SCHEMA, to_json
from lifecycle.report.schema import schema
from lifecycle.scenario.schema import schema as scenario_schema
from tests.report_schema import faults
from tests.unit.report.samples import ENGINE, FAILED, HOSTILE_NAMES, PASSED, hostile, report

DOCUMENT = to_json(report(*FAILED, left_behind=["container c"]))


def objects(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each object of a document whose keys are ours."""
    if isinstance(value, list):
        return [way for n, one in enumerate(value) for way in objects(one, (*at, n))]
    if not isinstance(value, dict) or at[-1:] in {("expected",), ("actual",)}:
        return []
    return [at, *(way for key, one in value.items() for way in objects(one, (*at, key)))]


@pytest.mark.parametrize("way", objects(DOCUMENT), ids=str)
def test_a_key_that_is_told_of_nowhere_is_a_fault(way: tuple[Any, ...]) -> None:
    changed = deepcopy(DOCUMENT)
    at: Any = changed
    for part in way:
        at = at[part]
    at["surprise"] = 1
    assert faults(changed) != []


def test_a_key_that_is_missing_is_a_fault() -> None:
    for key in DOCUMENT:
        assert faults({k: v for k, v in DOCUMENT.items() if k != key}) != []
    engine = {k: v for k, v in ENGINE.items() if k != "equals_root"}
    assert faults({**DOCUMENT, "engine": engine}) != []


@pytest.mark.parametrize("verdict", ["PASS WITH 0 UNVERIFIED", "PASSED", "FAIL,NOT GATED", ""])
def test_a_verdict_that_is_none_is_a_fault(verdict: str) -> None:
    assert faults({**DOCUMENT, "verdict": verdict}) != []


@pytest.mark.parametrize("not_gated", [[], ["a.yaml"]])
def test_every_verdict_is_one_of_the_schemas(not_gated: list[str]) -> None:
    for steps in (PASSED, FAILED, FAILED[3:4] + PASSED):
        assert faults(to_json(report(*steps, not_gated=not_gated))) == []


def test_a_run_that_never_began_has_no_engine_and_is_a_report_all_the_same() -> None:
    assert faults(to_json(report(*FAILED, engine={}, host={}, subject={}))) == []


@pytest.mark.parametrize("limits", LADDER, ids=str)
def test_a_report_that_was_cut_keeps_every_key(limits: Any) -> None:
    assert faults(to_json(prepare(report(*FAILED), limits=limits))) == []
    for text in HOSTILE_NAMES:
        assert faults(to_json(prepare(hostile(text), limits=limits))) == []


def test_the_schema_is_one_and_says_of_each_key_what_it_means() -> None:
    Draft202012Validator.check_schema(schema())
    for made in (schema(), *schema()["$defs"].values()):
        assert made["description"]
        assert [key for key, kind in made["properties"].items() if not kind["description"]] == []


@pytest.mark.parametrize(
    ("words", "made"),
    [((), scenario_schema), (("scenario",), scenario_schema), (("report",), schema)],
)
def test_the_command_prints_the_schema_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], made: Any
) -> None:
    assert main(["schema", *words]) == 0
    assert json.loads(capsys.readouterr().out) == made()


def test_the_schema_is_of_the_number_that_the_documents_have() -> None:
    assert schema()["properties"]["schema"]["const"] == DOCUMENT["schema"] == SCHEMA
