"""The pages about documents that have a JSON Schema: each mapping with its keys and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifecycle.report import schema as report
from lifecycle.scenario import schema as scenario
from markdown_text import code, page, prose, table


def scenario_page() -> str:
    """Every mapping of the format with its keys and types."""
    made = scenario.schema()
    intro = (
        "Every key and its type; what they mean is in "
        "[../scenario-format.md](../scenario-format.md). `lifecycle schema` prints this as JSON "
        "Schema. Where a value is text, a number or true/false, `${{ }}` may stand for it.\n"
    )
    step = made["$defs"].pop("Step")
    body = next(b for b in step["anyOf"] if "properties" in b)
    rest = (_mapping(name, d) for name, d in sorted(made["$defs"].items()))
    step_part = _mapping("Step", {**body, "description": step["description"]})
    return page("Scenario keys", intro, _mapping("Scenario", made), step_part, *rest)


def report_page() -> str:
    """Every key of report.json with its type and what it means."""
    made = report.schema()
    intro = (
        "`report.json` is the report for programs. `lifecycle schema report` prints this page as "
        "JSON Schema (draft 2020-12). Every key is always there; only of a run that never began "
        "`engine`, `host` and `subject` are empty. Texts are redacted, and cut where the report "
        "would grow over 10 MB: a list or a mapping that was cut says so in its last entry.\n"
    )
    parts = (_explained(name, one) for name, one in made["$defs"].items())
    return page("report.json", intro, _explained("The document", made), *parts)


def _explained(name: str, made: Mapping[str, Any]) -> str:
    rows = (
        (code(key), _type(kind) or "anything", _sentence(kind))
        for key, kind in made["properties"].items()
    )
    words = "".join(_words(key, kind) for key, kind in made["properties"].items())
    heads = ("key", "type", "means")
    return f"\n## {name}\n\n{prose(made['description'])}\n\n{table(heads, rows)}{words}"


def _sentence(kind: Mapping[str, Any]) -> str:
    return prose(str(kind.get("description", "")))


def _words(key: str, kind: Mapping[str, Any]) -> str:
    """A table of the words that a key may hold."""
    rows = [(code(one["const"]), _sentence(one)) for one in kind.get("oneOf", ()) if "const" in one]
    return f"\n{table((code(key), 'means'), rows)}" if rows else ""


def _mapping(name: str, made: Mapping[str, Any]) -> str:
    required = made.get("required", ())
    rows = (
        (code(key) + (" (required)" if key in required else ""), _type(kind))
        for key, kind in made["properties"].items()
    )
    return f"\n## {name}\n\n{prose(made['description'])}\n\n{table(('key', 'type'), rows)}"


def _type(kind: Mapping[str, Any]) -> str:
    if "$ref" in kind:
        name = str(kind["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in kind:
        return ", ".join(map(code, kind["enum"]))
    if "const" in kind:
        return code(str(kind["const"]).lower())
    if "oneOf" in kind:
        return "a word below, or null" if {"type": "null"} in kind["oneOf"] else "a word below"
    if "anyOf" in kind:
        types = dict.fromkeys(_type(one) for one in kind["anyOf"])
        if {"text", "number", "true/false"} <= set(types):  # any scalar is read as text
            types.pop("number")
            types.pop("true/false")
        return " or ".join(t for t in types if t)
    return _simple(kind)


def _simple(kind: Mapping[str, Any]) -> str:
    named = {"string": "text", "integer": "number", "number": "number", "boolean": "true/false"}
    match kind.get("type"):
        case "array":
            return f"list of {_type(kind.get('items', {})) or 'anything'}"
        case "object":
            held = kind.get("additionalProperties")
            inner = _type(held) if isinstance(held, Mapping) else ""
            return f"mapping of name to {inner or 'anything'}"
    return named.get(str(kind.get("type")), "")
