"""From a scenario to what will be done: rendered, parsed and promised, before anything runs.

Pure: it needs no daemon. ``lifecycle check`` is a plan that nobody executes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifecycle.command.line import CommandError, DockerLine, Ref
from lifecycle.command.names import NameMap, isolate
from lifecycle.command.parse import parse, refusal
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises
from lifecycle.command.references import familiar
from lifecycle.command.values import ImpossibleError
from lifecycle.run.context import Place
from lifecycle.run.planned import Phase, Plan, PlannedStep, opens
from lifecycle.scenario.errors import Mark, ScenarioError, nearest
from lifecycle.scenario.model import Scenario, Step
from lifecycle.scenario.reading import text_at
from lifecycle.scenario.render import (
    Context,
    render,
    render_template,
    render_words,
    split,
    truth,
    with_vars,
)
from lifecycle.scenario.values import BadValueError, has_hole, mode, work_path


def plan(scenario: Scenario, places: Mapping[str, Place], run: str, *, as_written: bool) -> Plan:
    """Render, parse and promise every step; raises ScenarioError for the first that is wrong.

    ``places`` has one entry for each of the scenario's people, and for ``me`` under no name.
    """
    holder: list[NameMap] = []
    first = tuple(_lines(scenario, _contexts(scenario, places, holder)))
    holder.append(NameMap(run, as_written=as_written, isolated=isolate(first)))
    contexts = _contexts(scenario, places, holder)
    steps: list[PlannedStep] = []
    written: dict[str, str] = {}
    for phase, step in _all(scenario):
        context = contexts[_whose(step, scenario)]
        planned = _one(scenario, len(steps), phase, step, context, written)
        _known_places(planned, steps)
        if step.write:
            _refuse_isolated_from(planned, holder[0])
            written[str(Path(context.cwd) / str(planned.step.write))] = planned.content
        steps.append(planned)
    return Plan(scenario, tuple(steps), holder[0])


def _contexts(
    scenario: Scenario, places: Mapping[str, Place], holder: list[NameMap]
) -> dict[str, Context]:
    """What each person's steps see: ``me`` is that person, in the scenario's ``vars`` too."""
    return {
        name: with_vars(
            scenario.vars,
            Context({**at.values, **_names(holder)}, cwd=at.cwd, me=at.values["me"]),
        )
        for name, at in places.items()
    }


def _whose(step: Step, scenario: Scenario) -> str:
    name = step.as_ or ""
    if name and name not in scenario.people:
        near = nearest(name, list(scenario.people))
        raise ScenarioError(
            step.mark,
            f"the step is done as `{name}`, who is not among the scenario's people",
            f"one of {', '.join(scenario.people)}" if scenario.people else f"people: [{name}]",
            f"as: {near}" if near else "",
        )
    return name


def _names(holder: list[NameMap]) -> dict[str, Callable[[str], str]]:
    """``image('x')`` and ``container('x')``: real names, once the name map is known."""

    def image(name: str) -> str:
        return holder[0].real(Ref("image", familiar(name))) if holder else name

    def container(name: str) -> str:
        return holder[0].real(Ref("container", name)) if holder else name

    return {"image": image, "container": container}


def _all(scenario: Scenario) -> Iterable[tuple[Phase, Step]]:
    yield from (("steps", s) for s in scenario.steps)
    yield from (("finally", s) for s in scenario.finally_)


def _lines(scenario: Scenario, contexts: Mapping[str, Context]) -> Iterable[DockerLine]:
    for _, step in _all(scenario):
        if step.kind == "command":
            _, line = _read(step, contexts[_whose(step, scenario)])
            if line is not None:
                yield line


def _read(step: Step, context: Context) -> tuple[tuple[str, ...], DockerLine | None]:
    """The words of a command step, and its docker line when it is one."""
    # A word that is one hole may become several arguments, or none: each keeps its place.
    placed = [
        (text, word.mark)
        for word in split(step.command or "", step.mark)
        for text in render_words((word,), context)
    ]
    for text, mark in placed:
        _refuse_secret(text, context, mark)
    words = tuple(text for text, _ in placed)
    if not words or words[0] != "docker":
        return words, None
    try:
        line = parse(words)
    except CommandError as error:
        if step.when and not truth(step.when, context):
            return words, None
        at = placed[min(error.word, len(placed) - 1)][1]
        raise ScenarioError(at, str(error)) from error
    refused = refusal(line)
    if refused:
        raise ScenarioError(placed[0][1], f"docker {line.verb}: {refused}")
    return words, line


def _refuse_secret(word: str, context: Context, mark: Mark) -> None:
    """The value itself: that no variable brings one here was seen when the file was read."""
    secret = context.values.get("secret")
    if secret is not None and secret.inside(word):
        raise ScenarioError(
            mark,
            "a secret stands in a command, where everyone on the machine can read it",
            'the secret in dialogue, type, stdin, or a write with mode: "0600"',
        )


_NAMED = ("write", "template", "mode", "on", "in_", "opens")


def _with_names(step: Step, context: Context) -> Step:
    """The step with the variables in its names filled in."""
    waiting = {f: getattr(step, f) for f in _NAMED if has_hole(getattr(step, f))}
    filled = {f: str(render(text, context, step.mark)) for f, text in waiting.items()}
    for key, valid in (("mode", mode), ("write", work_path)):
        if key in filled:
            try:
                filled[key] = valid(filled[key])
            except BadValueError as error:
                raise ScenarioError(step.mark, f"{key}: {error.found}", error.expected) from None
    return step.model_copy(update=filled) if filled else step


def _one(  # noqa: PLR0913, PLR0917 - all that a step is made of
    scenario: Scenario,
    index: int,
    phase: Phase,
    step: Step,
    context: Context,
    written: Mapping[str, str],
) -> PlannedStep:
    mark, step = step.mark, _with_names(step, context)
    words: tuple[str, ...] = ()
    line: DockerLine | None = None
    promised: tuple[Promise, ...] = ()
    if step.kind == "command":
        words, line = _read(step, context)
        if line is not None:
            promised = _promised(line, context, written, mark)
    expect = step.check if step.kind == "check" else step.expect
    planned = PlannedStep(
        index=index,
        phase=phase,
        step=step,
        title=_title(step, words, context),
        words=words,
        line=line,
        promises=promised,
        expect=_with_full_names(_plain(expect, context, mark), mark),
        fails=_plain(step.fails, context, mark) if step.fails else None,
        content=_content(scenario, step, context) if step.kind == "write" else "",
        typed=str(render(step.type, context, mark)) if step.type is not None else "",
        stdin=str(render(step.stdin, context, mark)) if step.stdin is not None else None,
        dialogue=tuple(_plain(d, context, mark) for d in step.dialogue),
        when=truth(step.when, context) if step.when else True,
        needs_gpu=_needs_gpu(scenario, step, line),
    )
    planned = replace(planned, opens=opens(planned))
    if step.window and step.kind == "command" and not planned.on_terminal:
        expected = "a command on a terminal: with -t, `opens` or a dialogue"
        raise ScenarioError(mark, "`window` of a command that has no terminal", expected)
    return planned


def _promised(
    line: DockerLine, context: Context, written: Mapping[str, str], mark: Mark
) -> tuple[Promise, ...]:
    try:
        return promises(line, read_file=_reader(context.cwd, written), cwd=context.cwd)
    except CommandError as error:  # in a file that the line names
        raise ScenarioError(mark, str(error)) from error


def _needs_gpu(scenario: Scenario, step: Step, line: DockerLine | None) -> bool:
    """What the step says counts, then its line, then the scenario as a whole."""
    if step.gpu is not None:
        return step.gpu == "required"
    return bool(line and line.values("--gpus")) or scenario.gpu == "required"


def _title(step: Step, words: tuple[str, ...], context: Context) -> str:
    """Its name, or what it does; a list in a command is many words, and no text."""
    if words and not step.name:
        return " ".join(shlex.join(words).split())
    return " ".join(str(render(step.title, context, step.mark)).split())


def _plain(model: Any, context: Context, mark: Mark) -> dict[str, Any]:
    if model is None:
        return {}
    rendered = render(model, context, mark)
    return dict(rendered.model_dump(exclude_unset=True, by_alias=True))


def _with_full_names(expect: dict[str, Any], mark: Mark) -> dict[str, Any]:
    """An image's name as facts have it: ``me/x`` means ``me/x:latest``."""
    image = expect.get("image") or {}
    if "name" not in image:
        return expect
    try:
        return {**expect, "image": {**image, "name": familiar(str(image["name"]))}}
    except ImpossibleError as error:
        raise ScenarioError(mark, str(error)) from error


def _content(scenario: Scenario, step: Step, context: Context) -> str:
    if step.template:
        return render_template(step.template, context, scenario.folder, step.mark)
    return str(render(step.content or "", context, step.mark))


def _reader(cwd: str, written: Mapping[str, str]) -> Callable[[str], str | None]:
    """Reads a Dockerfile as the build will find it: written by an earlier step, or there."""

    def read(path: str) -> str | None:
        full = str((Path(cwd) / path).resolve()) if cwd else path
        for known, text in written.items():
            if str(Path(known).resolve()) == full:
                return text
        return text_at(full)

    return read


_FROM = re.compile(r"^[^\S\n]*FROM\s+(?:--platform=\S+\s+)?(\S+)", re.IGNORECASE | re.MULTILINE)


def _refuse_isolated_from(planned: PlannedStep, names: NameMap) -> None:
    """A literal FROM of a tag that the name map renames would build on somebody else's image."""
    for match in _FROM.finditer(planned.content):
        try:
            ref = Ref("image", familiar(match[1]))
        except ImpossibleError:
            continue
        if names.real(ref) != ref.name:
            raise ScenarioError(
                planned.step.mark,
                f"the file is FROM {match[1]}, a tag that this scenario makes under another name",
                "its real name",
                f"FROM ${{{{ image('{match[1]}') }}}}",
            )


def _known_places(planned: PlannedStep, before: list[PlannedStep]) -> None:
    """``in`` must be a terminal that an earlier step opens."""
    wanted = planned.step.in_
    if not wanted and planned.step.kind != "type":
        return
    known = [s.opens for s in before if s.opens]
    if wanted and wanted not in known:
        raise ScenarioError(
            planned.step.mark,
            f"no step before opens a terminal named `{wanted}`",
            f"one of {', '.join(known)}" if known else "a `docker run -ti` before it",
            f"in: {nearest(wanted, known)}" if nearest(wanted, known) else "",
        )
    if planned.step.kind == "type" and not known:
        raise ScenarioError(
            planned.step.mark, "nothing to type into", "a step before that opens a terminal"
        )
