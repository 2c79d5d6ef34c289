"""What can be known of a scenario before anything is started: names, words, secrets, templates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from lifecycle.machine.regular_files import text_at
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.expressions import Hole, compiled, holes, undefined
from lifecycle.scenario.lab import Lab
from lifecycle.scenario.marks import Text
from lifecycle.scenario.split_line import split
from lifecycle.scenario.templates import find_template, template_names
from lifecycle.scenario.tree import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from lifecycle.scenario.model import Scenario, Step

Chain = tuple[str, ...]
Names = Mapping[str, Any]

ME = ("name", "uid", "gid", "group", "groups", "home", "shell", "umask")
PERSON = (*ME, "folder", "nas_home")
RUN = ("id", "port", "folder", "shared", "registry", "kernel")
OWN = ("me", "people", "lab", "run", "secret", "matrix")
"""Namespaces, which a variable must not hide; ``image`` may be one beside ``image()``."""
PRIVATE = 0o077


@cache
def namespaces() -> dict[str, Any]:
    """The names that every expression sees; an empty mapping stands for any attribute."""
    return {
        "me": dict.fromkeys(ME),
        "people": {},
        "lab": _fields(Lab),
        "run": dict.fromkeys(RUN),
        "secret": {},
    }


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    inner = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: _fields(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        for name, kind in inner.items()
    }


def check(scenario: Scenario) -> None:
    """Raise the first ScenarioError that reading alone can find."""
    names, secrets = _variables(scenario)
    for key in ("scenario", "summary"):
        for text in _texts(getattr(scenario, key)):
            _known(text, names)
    for step in (*scenario.steps, *scenario.finally_):
        for text in _texts(step):
            _known(text, names)
        _words(step, secrets)
        _when(step)
        _writes(step, scenario, names, secrets)


def _variables(scenario: Scenario) -> tuple[Names, frozenset[str]]:
    """The names that steps see, and those of them that give a secret away."""
    names = {**namespaces(), "people": dict.fromkeys(scenario.people, dict.fromkeys(PERSON))}
    secrets = {"secret"}
    for name, value in scenario.vars.items():
        if name in OWN:
            mark = scenario.marks.get(("vars", str(name)), Mark(str(scenario.file), 1, 1))
            raise ScenarioError(
                mark, f"the variable `{name}` hides a built-in name", "another name"
            )
        for text in _texts(value):
            _known(text, names, later=scenario.vars)
            if _mention(text, secrets) is not None:
                secrets.add(str(name))
        names[str(name)] = None
    return names, frozenset(secrets)


def _texts(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif hasattr(value, "model_fields_set"):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name))


def _holes(text: str, mark: Mark) -> list[Hole]:
    return [piece for piece in holes(text, mark) if isinstance(piece, Hole)]


def _known(text: Text, names: Names, later: Collection[str] = ()) -> None:
    for hole in _holes(text, text.mark):
        for chain in compiled(hole).chains:
            if chain[0] in later and chain[0] not in names:
                problem = f"`{chain[0]}` is not defined yet"
                raise ScenarioError(hole.mark, problem, "a variable that stands above this one")
            _known_chain(chain, names, hole.mark)


def _known_chain(chain: Chain, names: Names, mark: Mark) -> None:
    at: Any = names
    for index, name in enumerate(chain):
        if not isinstance(at, Mapping) or (index and not at):
            return
        if name not in at:
            raise undefined(mark, chain[: index + 1], list(at))
        at = at[name]


def _mention(text: str | None, names: Collection[str]) -> Hole | None:
    """The first hole of a text that looks up one of these names."""
    for hole in _holes(text, text.mark) if isinstance(text, Text) else []:
        if any(chain[0] in names for chain in compiled(hole).chains):
            return hole
    return None


def _words(step: Step, secrets: frozenset[str]) -> None:
    command = step.command
    for typed in (command, step.type):
        if isinstance(typed, Text) and typed.comment:
            key = "type: " if typed is step.type else "command: "
            key = "- " if typed.mark == step.mark else key
            raise ScenarioError(
                typed.at(len(typed)),
                f"`{typed.comment}` after a command, which YAML drops as a comment",
                "a comment on a line of its own, or quotes where the # is meant",
                key + quoted(f"{' '.join(typed.split())} \\{typed.comment}"),
            )
    if command is None:
        return
    split(command, step.mark)
    mention = _mention(command, secrets)
    if mention is not None:
        raise ScenarioError(
            mention.mark,
            "a secret in a command, where every user of the machine can read it",
            "`dialogue`, `type`, `stdin`, or a `write` with mode 0600",
        )


def _when(step: Step) -> None:
    if step.when is None or _holes(step.when, step.mark) or step.when in ("true", "false"):
        return
    mark = step.when.mark if isinstance(step.when, Text) else step.mark
    raise ScenarioError(
        mark,
        f"`when`: `{step.when}` is no expression",
        "an expression",
        f"when: ${{{{ {step.when} }}}}",
    )


def _writes(step: Step, scenario: Scenario, names: Names, secrets: frozenset[str]) -> None:
    if step.write is None:
        return
    secret = _mention(step.content, secrets) is not None
    if step.template is not None and not _holes(step.template, step.mark):
        mark = step.template.mark if isinstance(step.template, Text) else step.mark
        path = find_template(step.template, scenario.folder, mark)
        for chain in sorted(template_names(path)):
            _known_chain(chain, names, Mark(str(path), _line_of(path, chain), 1))
            secret |= chain[0] in secrets
    private = step.mode is not None and step.mode.isdigit() and not int(step.mode, 8) & PRIVATE
    if secret and not private:
        raise ScenarioError(
            step.mark, "a secret in a file that others may read", "a private mode", 'mode: "0600"'
        )


def _line_of(path: Path, chain: Chain) -> int:
    """The line of a template that first writes a name."""
    written = ".".join(chain)
    lines = (text_at(path) or "").splitlines()
    return next((n for n, line in enumerate(lines, 1) if written in line), 1)
