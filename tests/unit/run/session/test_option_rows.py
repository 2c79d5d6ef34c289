"""An option is one row: the command line, pytest's options and the run's agree on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lifecycle.cli import parser
from lifecycle.run.session.option_rows import ROWS, Row
from lifecycle.run.session.options import Options, options_from

GIVEN: dict[str, tuple[list[str], Any]] = {
    "gpu": (["require"], "require"),
    "user": (["mina", "lee"], "mina"),
    "context": (["gpu-08"], "gpu-08"),
    "set": (["lab.nas_home=/n=1"], (("lab.nas_home", "/n=1"),)),
    "lab": (["lab.toml"], "lab.toml"),
    "report": (["out"], None),
    "keep": (["on-failure"], True),
    "allow-foreign": (["a", "b"], frozenset({"a", "b"})),
    "lang": (["ko"], "ko"),
}
"""What is typed after an option that is no switch, and what the run makes of it."""


def typed(row: Row) -> list[str]:
    if row.kind == "switch":
        return [f"--{row.name}"]
    return [word for value in GIVEN[row.name][0] for word in (f"--{row.name}", value)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_typed_reaches_the_run(row: Row) -> None:
    options = options_from(vars(parser().parse_args(["run", *typed(row), "x.yaml"])))
    wanted = True if row.kind == "switch" else GIVEN[row.name][1]
    if row.field:
        assert getattr(options, row.field) == wanted
    others = {f.name for f in dataclasses.fields(Options)} - {row.field}
    assert all(getattr(options, name) == getattr(Options(), name) for name in others)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_typed_is_what_pytest_is_given(row: Row) -> None:
    args = vars(parser().parse_args(["run", *typed(row), "x.yaml"]))
    assert row.words(args[row.key]) == [
        f"--lifecycle-{word[2:]}" if word.startswith("--") else word for word in typed(row)
    ]


def test_what_is_not_typed_is_not_said() -> None:
    args = vars(parser().parse_args(["run", "x.yaml"]))
    said = [word for row in ROWS for word in row.words(args[row.key])]
    assert said == ["--lifecycle-gpu", "auto"]


def test_every_option_of_a_run_has_a_row() -> None:
    assert {row.field for row in ROWS} - {""} == {f.name for f in dataclasses.fields(Options)}
