"""YAML read as text scalars with a mark for every path, and nothing that YAML resolves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.indentation import FOLDED_ITEM, Misplaced, misplaced
from lifecycle.scenario.marks import BREAKS, Text, after
from lifecycle.text.lines import one_line

MAX_DEPTH = 40
MAX_VALUES = 20_000
COMMENT = re.compile(r"[ \t]+(#[^\r\n]{0,200})")
WHOLE_TEXT = "quotes round a text that goes over several lines"

Path = tuple[str | int, ...]


@dataclass
class Tree:
    """A YAML document: plain data of dicts, lists and Text, and where each path stands."""

    file: str
    source: str
    data: Any = None
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path, of: Literal["key", "value"]) -> Mark:
        """The mark of a path's value, or of its key; else of what holds it."""
        if of == "key" and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Mark(self.file, 1, 1))


@dataclass
class _Open:
    """A mapping or a list whose end has not been met."""

    path: Path
    into: dict[Text, Any] | list[Any]
    key: Text | None = None


def read(source: str, file: str) -> Tree:
    """Read one YAML document; anything beyond mappings, lists and text is a ScenarioError."""
    builder = _Builder(Tree(file, source))
    try:
        for event in YAML(typ="safe", pure=True).parse(source):
            builder.take(event)
    except MarkedYAMLError as error:
        raise _syntax(error, builder.tree) from None
    except (YAMLError, ArithmeticError, ValueError, TypeError, LookupError) as error:
        # Characters that YAML forbids, and escapes that the parser can't turn into one.
        mark = after(file, source[: getattr(error, "position", builder.last)])
        what = getattr(error, "reason", None) or error
        raise ScenarioError(mark, f"this is not YAML ({what})", "plain text in UTF-8") from None
    if builder.tree.data is None:
        raise ScenarioError(Mark(file, 1, 1), "the file is empty", "a mapping with `scenario:`")
    return builder.tree


class _Builder:
    """Turns parser events into a tree, without recursion."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.open: list[_Open] = []
        self.last = 0

    def take(self, event: Any) -> None:
        mark = Mark(self.tree.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self.last = event.end_mark.index
        if isinstance(event, DocumentStartEvent):
            if self.tree.data is not None:
                raise ScenarioError(mark, "a second YAML document", "one scenario in a file")
        elif isinstance(event, AliasEvent):
            raise ScenarioError(mark, f"the alias `*{event.anchor}`", "the value written out")
        elif isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent)):
            self._plain(event, mark)
            self._add(event, mark)
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self.open.pop()

    def _plain(self, event: Any, mark: Mark) -> None:
        if event.anchor:
            raise ScenarioError(mark, f"the anchor `&{event.anchor}`", "no anchors or aliases")
        if event.tag:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise ScenarioError(mark, f"the tag `{tag}`", "plain text, a list or a mapping")
        if len(self.open) >= MAX_DEPTH:
            raise ScenarioError(mark, f"nested more than {MAX_DEPTH} deep", "a flatter file")

    def _add(self, event: Any, mark: Mark) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.into, dict) and top.key is None:
            self._key(top, event, mark)
            return
        if isinstance(event, ScalarEvent) and top is not None and top.key is not None:
            # An empty value has no place of its own.
            mark = mark if event.value or event.style else top.key.mark
        value = self._value(event, mark)
        if top is None:
            path: Path = ()
            self.tree.data = value
        elif isinstance(top.into, list):
            path = (*top.path, len(top.into))
            top.into.append(value)
        else:
            assert top.key is not None  # noqa: S101 - _key came first
            path = (*top.path, str(top.key))
            top.into[top.key] = value
            top.key = None
        self.tree.values[path] = mark
        if len(self.tree.values) > MAX_VALUES:
            raise ScenarioError(mark, f"more than {MAX_VALUES} values", "a shorter file")
        if not isinstance(value, Text):
            self.open.append(_Open(path, value))

    def _value(self, event: Any, mark: Mark) -> Any:
        if isinstance(event, ScalarEvent):
            return self._text(event, mark)
        return {} if isinstance(event, MappingStartEvent) else []

    def _key(self, top: _Open, event: Any, mark: Mark) -> None:
        if not isinstance(event, ScalarEvent):
            raise ScenarioError(
                mark,
                "a key that is itself a list or a mapping",
                'a key of plain text; a variable inside { } or [ ] is quoted: "${{ name }}"',
            )
        key = self._text(event, mark)
        path = (*top.path, str(key))
        if _is_command(path, key):
            raise ScenarioError(
                mark,
                "an unquoted `: ` in a command, which YAML reads as a key",
                "the command in quotes",
                _quoted_line(self.tree.source, event.start_mark.line, key),
            )
        if key in top.into:
            first = self.tree.keys[path].line
            raise ScenarioError(mark, f"`{key}` again, it stands in line {first}", "each key once")
        self.tree.keys[path] = mark
        top.key = key

    def _text(self, event: Any, mark: Mark) -> Text:
        start, end = event.start_mark.index, event.end_mark.index
        source = self.tree.source
        style = event.style or ""
        behind = None if style else COMMENT.match(source, end)
        comment = behind[1] if behind else ""
        text = Text(event.value, mark, raw=source[start:end], style=style, comment=comment)
        folded = None if style else FOLDED_ITEM.search(text.raw)
        if folded:
            place = after(self.tree.file, source[: start + folded.end()])
            wrong = misplaced(BREAKS.split(source), place.line - 1, place.col - 1)
            raise (
                _indented(place, wrong)
                if wrong
                else ScenarioError(place, "a list item in the middle of a text", WHOLE_TEXT)
            )
        bad = re.search("[\0\ud800-\udfff]", text)
        if bad:
            raise ScenarioError(text.at(bad.start()), "a character that no program takes", "text")
        return text


def _is_command(path: Path, key: Text) -> bool:
    if key.style:
        return False
    is_step = len(path) == 3 and path[0] in ("steps", "finally")  # noqa: PLR2004 - steps, n, key
    return key.startswith("docker ") or (is_step and " " in key)


def _quoted_line(source: str, line: int, key: str) -> str:
    text = _line(source, line)
    start = text.find(key.split(maxsplit=1)[0])
    return f"{text[:start]}{quoted(text[start:])}"


def _line(source: str, line: int) -> str:
    lines = BREAKS.split(source)
    return lines[line].strip() if line < len(lines) else ""


def quoted(text: str) -> str:
    """The text as a quoted YAML scalar."""
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _indented(mark: Mark, wrong: Misplaced) -> ScenarioError:
    return ScenarioError(mark, str(wrong), f"{wrong.expected} before it, or {WHOLE_TEXT}")


def _syntax(error: MarkedYAMLError, tree: Tree) -> ScenarioError:
    at = error.problem_mark or error.context_mark
    line, column = (at.line, at.column) if at else (0, 0)
    mark = Mark(tree.file, line + 1, column + 1)
    wrong = misplaced(BREAKS.split(tree.source), line, column)
    if wrong:
        return _indented(mark, wrong)
    text = _line(tree.source, line)
    problem = one_line(str(error.problem or error.context or "a syntax error"))
    pair = re.fullmatch(r"((?:- +)*(?:[\w-]+: +)?)(.*)", text)
    if "mapping values are not allowed" in problem and pair and pair[2]:
        return ScenarioError(
            mark, "an unquoted `: `", "the value in quotes", f"{pair[1]}{quoted(pair[2])}"
        )
    if r"'\t'" in problem:
        return ScenarioError(mark, "a tab in the indentation", "spaces", text)
    if "flow" in str(error.context) and "${{" in text:
        return ScenarioError(
            mark, f"this is not YAML ({problem})", 'quotes round a variable: "${{ name }}"'
        )
    return ScenarioError(mark, f"this is not YAML ({problem})", "a mapping, a list or text")
