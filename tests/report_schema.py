"""Holds every report.json that a test writes to its published schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from lifecycle.report.schema import schema


@cache
def _validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


def faults(document: Any) -> list[str]:
    """Where a document is not what the schema says, a sentence each."""
    found = _validator().iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


def hold_to_schema(document: Any) -> None:
    """Fail where a document is not what the schema says."""
    assert faults(document) == []
