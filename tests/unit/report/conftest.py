"""Whatever report.json a test of this folder writes is held to the schema."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.report import write
from lifecycle.report.document import to_json
from lifecycle.report.model import RunReport
from tests.report_schema import hold_to_schema


@pytest.fixture(autouse=True)
def held_to_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate each document on its way to the disk."""

    def held(report: RunReport) -> dict[str, Any]:
        document = to_json(report)
        hold_to_schema(document)
        return document

    monkeypatch.setattr(write, "to_json", held)
