"""A scenario file read into its model; every fault is one ScenarioError with its place."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lifecycle.scenario import static, tree
from lifecycle.scenario.authored_file import content
from lifecycle.scenario.errors import ScenarioError
from lifecycle.scenario.expressions import MAX_HOLES
from lifecycle.scenario.located import located
from lifecycle.scenario.marks import after
from lifecycle.scenario.model import Scenario


def load(path: str | Path) -> Scenario:
    """Read a scenario; what can't be one raises a ScenarioError and nothing is started."""
    return loads(_text(Path(path)), str(path))


def loads(source: str, file: str) -> Scenario:
    """Read a scenario from text; ``file`` is its name in errors and the place of its templates."""
    _few_holes(source, file)
    document = tree.read(source, file)
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        raise located(error, document.mark, document.data) from None
    scenario = scenario.placed(Path(file), document.values)
    static.check(scenario)
    return scenario


def _few_holes(source: str, file: str) -> None:
    """Each expression is compiled, which takes its time."""
    pieces = source.split("${{", MAX_HOLES + 1)
    if len(pieces) > MAX_HOLES + 1:
        mark = after(file, source[: len(source) - len(pieces[-1]) - len("${{")])
        raise ScenarioError(mark, f"more than {MAX_HOLES} `${{{{ }}}}`", "fewer in one file")


def _text(path: Path) -> str:
    data = content(path, "a scenario file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = after(str(path), data[: error.start].decode("utf-8-sig", "replace"))
        raise ScenarioError(
            mark, f"a byte that is not UTF-8 (0x{data[error.start]:02x})", "a file in UTF-8"
        ) from None
