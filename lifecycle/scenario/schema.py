"""The JSON Schema of the format, for editors."""

from __future__ import annotations

from typing import Any

from lifecycle.scenario.model import Scenario


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, made from the models that read it."""
    made = Scenario.model_json_schema(by_alias=True)
    step = made["$defs"]["Step"]
    made["$defs"]["Step"] = {
        "description": step.pop("description"),
        "anyOf": [{"type": "string", "title": "Command"}, step],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lifecycle scenario",
        **{key: value for key, value in made.items() if key != "title"},
    }
