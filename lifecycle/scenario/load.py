"""A scenario file read into its model; every fault is one ScenarioError with its place."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from pydantic import ValidationError

from lifecycle.scenario import static, tree
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.located import located
from lifecycle.scenario.model import Scenario

MAX_SIZE = 1024 * 1024
SUFFIXES = (".yaml", ".yml")
HEAD = 64 * 1024


def is_scenario(path: Path) -> bool:
    """Whether a file claims to be a scenario: YAML by its name, with a top-level ``scenario:``."""
    if path.suffix not in SUFFIXES or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return (
        re.search(rb"^(\xef\xbb\xbf)?[\"']?scenario[\"']?[ \t]*:", head, re.MULTILINE) is not None
    )


def load(path: str | Path) -> Scenario:
    """Read a scenario; what can't be one raises a ScenarioError and nothing is started."""
    return loads(_content(Path(path), str(path)), str(path))


def loads(source: str, file: str) -> Scenario:
    """Read a scenario from text; ``file`` is its name in errors and the place of its templates."""
    document = tree.read(source, file)
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        raise located(error, document.mark, document.data) from None
    scenario = scenario.placed(Path(file), document.values)
    static.check(scenario)
    return scenario


def _content(path: Path, name: str) -> str:
    start = Mark(name, 1, 1)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ScenarioError(start, "a folder", "a scenario file")
        if not stat.S_ISREG(status.st_mode):
            raise ScenarioError(start, "no regular file", "a scenario file")
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        what = "a link that leads nowhere" if path.is_symlink() else "no such file"
        raise ScenarioError(start, what, "a scenario file") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ScenarioError(start, said, "a scenario file that can be read") from None
    if len(content) > MAX_SIZE:
        raise ScenarioError(start, "a file of more than 1 MiB", "a scenario; they are short")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        mark = Mark(name, before.count(b"\n") + 1, column)
        raise ScenarioError(
            mark, f"a byte that is not UTF-8 (0x{content[error.start]:02x})", "a file in UTF-8"
        ) from None
