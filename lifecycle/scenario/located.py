"""pydantic's errors as the one line that a scenario's author reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.values import BadValueError, described

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
Marks = Callable[[Path, Literal["key", "value"]], Mark]
"""Where a path's value stands, or its key."""
KEY = "[key]"
"""What pydantic adds to the path of a key that does not fit."""
KINDS = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
}


Write = Callable[[Path, Any], str]
"""An entry as its file has it: the path of its key, and its value."""


def in_yaml(path: Path, value: Any) -> str:
    """``key: value``."""
    return f"{path[-1]}: {value if isinstance(value, str) else '...'}"


def located(
    error: ValidationError, mark: Marks, data: Any, write: Write = in_yaml
) -> ScenarioError:
    """The first of pydantic's errors by its place in the file; ``write`` words what to write."""
    errors = [_one(detail, mark, data, write) for detail in error.errors(include_url=False)]
    return min(errors, key=lambda e: (e.mark.line, e.mark.col))


def _one(detail: ErrorDetails, mark: Marks, data: Any, write: Write) -> ScenarioError:
    path = _existing(data, detail["loc"])
    bad = detail.get("ctx", {}).get("error")
    name = next((p for p in reversed(path) if isinstance(p, str)), "")
    prefix = f"`{name}`: " if name else ""
    if isinstance(bad, BadValueError):
        if bad.key:
            name, value = bad.renamed or ("", None)
            corrected = write((*path, name), value) if name else bad.corrected
            return ScenarioError(
                mark((*path, bad.key), "key"), bad.problem, bad.expected, corrected
            )
        if detail["loc"][-1:] == (KEY,):
            return ScenarioError(
                mark(path, "key"), f"{bad.problem} as a key", bad.expected, bad.corrected
            )
        is_entry = bool(path) and isinstance(path[-1], str)
        corrected = write(path, bad.corrected) if bad.corrected and is_entry else bad.corrected
        return ScenarioError(mark(path, "value"), prefix + bad.problem, bad.expected, corrected)
    if detail["type"] == "missing":
        key = str(detail["loc"][-1])
        return ScenarioError(
            mark(path, "value"), f"{prefix}the key `{key}` is missing", f"`{key}: ...`"
        )
    expected = KINDS.get(detail["type"], detail["msg"])
    return ScenarioError(
        mark(path, "value"), f"{prefix}found {described(detail['input'])}", expected
    )


def _existing(data: Any, path: Path) -> Path:
    """The path without the pieces that pydantic adds for its own types."""
    pieces: list[str | int] = []
    for piece in path:
        inner = _entry(data, piece)
        if inner is not None:
            data = inner
            pieces.append(piece)
    return tuple(pieces)


def _entry(data: Any, piece: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(piece)
    if isinstance(data, (list, tuple)) and isinstance(piece, int) and piece < len(data):
        return data[piece]
    return None
