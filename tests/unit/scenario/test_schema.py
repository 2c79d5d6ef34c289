"""Editors get a schema made from the models that read the file."""

from __future__ import annotations

import json

from lifecycle.scenario.schema import schema


def test_the_schema_has_the_words_of_the_format() -> None:
    made = schema()
    json.dumps(made)
    assert set(made["properties"]) == {
        *("scenario", "summary", "gpu", "engine", "people", "vars", "steps", "finally")
    }
    assert made["required"] == ["scenario", "steps"]
    assert made["additionalProperties"] is False
    text, step = made["$defs"]["Step"]["anyOf"]
    assert text["type"] == "string"
    assert "in" in step["properties"]
    assert "in_" not in step["properties"]


def test_every_model_says_what_it_is() -> None:
    assert all(model.get("description") for model in schema()["$defs"].values())
