"""What a Dockerfile says of the image that is built of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from dockerfile_parse import DockerfileParser
from dockerfile_parse.parser import image_from
from dockerfile_parse.util import WordSplitter, extract_key_values

from lifecycle.command.promise import UnclearError

_HEREDOC = re.compile(r"<<-?[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?")
_WITH_HEREDOC = re.compile(r"\s*(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_VARIABLE = re.compile(r"(?<!\\)\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?P<more>[^}]*)\})")


@dataclass
class _Stage:
    """What a build stage holds at its end, or so far."""

    name: str
    user: str | None = None
    unclear: str = ""
    args: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    """The arguments that it declares itself."""
    hidden: set[str] = field(default_factory=set)
    """The variables that its ENV set, which hide arguments of the same name."""
    known: set[str] = field(default_factory=set)
    """The arguments that it declares, or that a stage below does."""
    shown: set[str] = field(default_factory=set)
    """Those that a RUN comes after: the image's history has them before its command."""


@dataclass(frozen=True)
class Built:
    """The stage that a build makes an image of, as its Dockerfile writes it.

    ``steps`` are its own instructions, a RUN and a USER whole and of others the word. ``unlike``
    says why they can't tell it from the other stages.
    """

    steps: tuple[str, ...]
    unlike: str
    known: frozenset[str]
    shown: frozenset[str]
    last_user: str | None
    unclear: str

    def user(self) -> str | None:
        """The last USER; None when there is none. Raises UnclearError."""
        if self.unclear:
            raise UnclearError(self.unclear)
        return self.last_user

    def traceless(self, argument: str) -> str:
        """Why the image does not show a build argument; empty when it does."""
        if argument in self.shown:
            return ""
        if argument not in self.known:
            return f"the Dockerfile declares no ARG {argument} in what the image is made of"
        return f"no RUN follows ARG {argument}, so the image does not show it"


def built_stage(
    text: str, *, build_args: Mapping[str, str | None] | None = None, target: str = ""
) -> Built:
    """Read the stage that a build with these arguments and this target makes.

    A stage that starts from an earlier one inherits its user. ``build_args`` are those of the
    line; None stands for a value from the caller's environment. Raises UnclearError.
    """
    stages = _stages(_instructions(text), build_args or {})
    if not stages:
        raise UnclearError("the Dockerfile has no FROM")
    stage = _pick(stages, target) if target else stages[-1]
    if stage is None:
        raise UnclearError(f"the Dockerfile has no stage {target}")
    return Built(
        steps=tuple(stage.steps),
        unlike=_unlike(stage, stages),
        known=frozenset(stage.known),
        shown=frozenset(stage.shown),
        last_user=stage.user,
        unclear=stage.unclear,
    )


def recorded_stages(text: str) -> tuple[tuple[str, ...], ...]:
    """Each stage as the engine records it: its base, then its instructions.

    A stage ends here before the first that can't be told beforehand: COPY and ADD are rewritten,
    and variables filled in.
    """
    stages: list[list[str]] = []
    recorded = False
    for instruction in _instructions(text):
        word, value = instruction["instruction"], instruction["value"] or ""
        if word == "FROM":
            stages.append([image_from(value)[0] or ""])
            recorded = "$" not in value
        elif recorded:
            recorded = word == "RUN" or (word not in {"COPY", "ADD"} and "$" not in value)
            stages[-1] += [value if word == "RUN" else f"{word} {value}"] if recorded else []
    return tuple(map(tuple, stages))


def _unlike(stage: _Stage, stages: Sequence[_Stage]) -> str:
    if not stage.steps:
        return "the stage has no step of its own, by which the image would show it"
    if any(s.steps == stage.steps for s in stages if s is not stage):
        return "another stage has the same steps, so the image does not show which it is"
    return ""


def _step(word: str, text: str) -> str:
    """The part of an instruction that the image's history repeats word for word."""
    plain = " ".join(re.sub(r"^(?:--\S+\s+)+", "", text).split())
    if word == "RUN" and not plain.startswith("[") and "<<" not in plain:
        return f"RUN {plain}"
    if word == "USER" and re.fullmatch(r"[\w:.-]+", plain):
        return f"USER {plain}"
    return word


def _instructions(text: str) -> Sequence[Mapping[str, Any]]:
    parser = DockerfileParser(fileobj=BytesIO(_without_heredocs(text).encode(errors="replace")))
    return [i for i in parser.structure if i["instruction"] != "COMMENT"]


def _without_heredocs(text: str) -> str:
    """Blank the bodies of here-documents, which the parser would take for instructions."""
    waiting: list[str] = []
    kept = []
    for line in text.split("\n"):
        if waiting:
            if line.strip() == waiting[0]:
                waiting.pop(0)
            kept.append("")
            continue
        if _WITH_HEREDOC.match(line):
            waiting = _HEREDOC.findall(line)
        kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _stages(
    instructions: Iterable[Mapping[str, Any]], given: Mapping[str, str | None]
) -> list[_Stage]:
    top: dict[str, str] = {}
    stages: list[_Stage] = []
    named: dict[str, _Stage] = {}
    for instruction in instructions:
        word, text = instruction["instruction"], instruction["value"] or ""
        if word == "FROM":
            stages.append(_begin(text, named, top))
            named[stages[-1].name] = stages[-1]
        elif not stages:
            top.update(_args(text, given, {}) if word == "ARG" else {})
        else:
            stages[-1].steps.append(_step(word, text))
            _take(stages[-1], word, text, _args(text, given, top) if word == "ARG" else {})
    return stages


def _take(stage: _Stage, word: str, text: str, args: Mapping[str, str]) -> None:
    """What one instruction changes in its stage; ``args`` are those that it declares."""
    if word == "ARG":
        names = {str(w).partition("=")[0] for w in WordSplitter(text).split()}
        stage.args.update(args)
        stage.declared |= names
        stage.known |= names
    elif word == "ENV":
        stage.env.update(_env(text, stage))
        stage.hidden |= _names(text)
    elif word == "USER":
        _set_user(stage, text)
    elif word == "RUN":
        stage.shown |= stage.declared - stage.hidden


def _names(text: str) -> set[str]:
    """The variables that an ENV sets."""
    first, _, _ = text.strip().partition(" ")
    if "=" not in first:
        return {first}
    return set(re.findall(r"(?:^|\s)(\w+)=", text))


def _begin(text: str, named: Mapping[str, _Stage], top: Mapping[str, str]) -> _Stage:
    image, name = image_from(text)
    base = str(WordSplitter(image or "", args=top).dequote()) if image else ""
    parent = named.get(base.lower()) if base else None
    stage = _Stage((name or "").lower())
    if parent:
        stage.user, stage.unclear = parent.user, parent.unclear
        stage.args, stage.env = dict(parent.args), dict(parent.env)
        stage.known, stage.shown = set(parent.known), set(parent.shown)
        stage.hidden = set(parent.hidden)
    return stage


def _pick(stages: Sequence[_Stage], target: str) -> _Stage | None:
    named = [s for s in stages if s.name == target.lower()]
    if named:
        return named[-1]
    return stages[int(target)] if target.isdecimal() and int(target) < len(stages) else None


def _args(text: str, given: Mapping[str, str | None], top: Mapping[str, str]) -> Mapping[str, str]:
    """The arguments of an ARG that have a known value."""
    known: dict[str, str] = {}
    for word in WordSplitter(text).split():
        name, equals, default = str(word).partition("=")
        value = given[name] if name in given else top.get(name, default if equals else None)
        if value is not None and "$" not in value:
            known[name] = value
    return known


def _env(text: str, stage: _Stage) -> Mapping[str, str]:
    """The variables of an ENV that have a known value."""
    try:
        pairs = extract_key_values(env_replace=False, args={}, envs={}, instruction_value=text)
    except (ValueError, IndexError):
        return {}
    known: dict[str, str] = {}
    for name, written in pairs:
        try:
            known[name] = _expand(written, stage)
        except UnclearError:
            stage.env.pop(name, None)
            stage.args.pop(name, None)
    return known


def _set_user(stage: _Stage, text: str) -> None:
    try:
        stage.user, stage.unclear = _expand(text.strip(), stage), ""
    except UnclearError as e:
        stage.user, stage.unclear = None, str(e)


def _expand(text: str, stage: _Stage) -> str:
    """Replace variables by their values; one whose value isn't written here is unclear."""

    def value_of(match: re.Match[str]) -> str:
        name, more = match["bare"] or match["name"], match["more"] or ""
        known = stage.env.get(name, stage.args.get(name))
        if more.startswith((":-", "-")) and (known is None or (not known and more[0] == ":")):
            known = more.lstrip(":").removeprefix("-")
        elif more and not more.startswith((":-", "-")):
            known = None
        if known is None or "$" in known:
            raise UnclearError(f"USER holds ${name}, whose value the Dockerfile does not say")
        return known

    return str(WordSplitter(_VARIABLE.sub(value_of, text)).dequote())
