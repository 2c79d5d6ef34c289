"""From a scenario to what will be done: rendered, parsed and promised, before anything runs.

Pure: it needs no daemon. ``lifecycle check`` is a plan that nobody executes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os.path import normpath
from pathlib import Path
from typing import Any

from lifecycle.command.host.files import around_in_files
from lifecycle.command.host.line import AS_WRITTEN, HostLine, around, classify
from lifecycle.command.line import CommandError, DockerLine, Ref, RefKind
from lifecycle.command.name_map import KINDS, NameMap, isolate
from lifecycle.command.parse import parse, refusal
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises
from lifecycle.command.references import familiar
from lifecycle.command.secret_variables import refuse_wanted, refuse_wanted_in_files
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.machine.regular_files import text_at
from lifecycle.run.plan.hidden_names import refuse_hidden_names
from lifecycle.run.plan.steps import Phase, Plan, PlannedStep, opens
from lifecycle.run.plan.variables import Place
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.expressions import function
from lifecycle.scenario.model import Scenario, Step
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
from lifecycle.text.lines import nearest


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
        _refuse_unknown_terminals(planned, steps)
        planned = _typed_on_the_host(planned, steps, scenario)
        planned = _by_its_files(planned, written, context, scenario)
        refuse_hidden_names(planned, steps, holder[0], context.cwd)
        if step.write:
            _refuse_isolated_from(planned, holder[0])
            file = normpath(str(Path(context.cwd) / str(planned.step.write)))
            written[file] = planned.content
        steps.append(planned)
    return Plan(scenario, tuple(steps), holder[0])


def _contexts(
    scenario: Scenario, places: Mapping[str, Place], holder: list[NameMap]
) -> dict[str, Context]:
    """What each person's steps see: ``me`` is that person, in the scenario's ``vars`` too."""
    return {
        name: with_vars(
            scenario.vars,
            Context({**at.values, **_names(holder)}, at.cwd, at.values["me"], at.files),
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
    """``image('x')``, ``container('x')``, ...: real names, once the name map is known."""

    def real_name(kind: RefKind) -> Callable[[str], str]:
        def real(name: str) -> str:
            ref = Ref(kind, familiar(name) if kind == "image" else name)
            return holder[0].real(ref) if holder else name

        return real

    return {function(kind): real_name(kind) for kind in KINDS}


def _all(scenario: Scenario) -> Iterable[tuple[Phase, Step]]:
    yield from (("steps", s) for s in scenario.steps)
    yield from (("finally", s) for s in scenario.finally_)


def _lines(scenario: Scenario, contexts: Mapping[str, Context]) -> Iterable[DockerLine]:
    for _, step in _all(scenario):
        if step.kind == "command":
            _, line, _ = _read(step, contexts[_whose(step, scenario)], scenario)
            if line is not None:
                yield line


_Read = tuple[tuple[str, ...], DockerLine | None, HostLine | None]


def _read(step: Step, context: Context, scenario: Scenario) -> _Read:
    """The words of a command step, its docker line when it is one, and what else it may do."""
    # A word that is one hole may become several arguments, or none: each keeps its place.
    placed = [
        (text, word.mark)
        for word in split(step.command or "", step.mark)
        for text in render_words((word,), context)
    ]
    for text, mark in placed:
        _refuse_secret(text, context, mark)
    words = tuple(text for text, _ in placed)
    marks = [mark for _, mark in placed]
    skipped = step.when is not None and not truth(step.when, context)
    try:
        line = parse(words) if words and words[0] == "docker" else None
        refuse_wanted(words, line)
    except CommandError as error:
        if skipped:
            return words, None, None
        at = placed[min(error.word, len(placed) - 1)][1]
        raise ScenarioError(at, str(error)) from error
    if line is None:
        host = classify(words, stdin=_stdin(step, context))
        return words, None, host if skipped else _permitted(host, marks, scenario)
    refused = refusal(line)
    if refused:
        raise ScenarioError(placed[0][1], f"docker {line.verb}: {refused}")
    way = around(line, cwd=context.cwd)
    return words, line, way if skipped or way is None else _permitted(way, marks, scenario)


def _stdin(step: Step, context: Context) -> str:
    """What a command is given to read, and what its dialogue sends."""
    texts = (step.stdin, *(entry.send for entry in step.dialogue))
    return "\n".join(str(render(text, context, step.mark)) for text in texts if text is not None)


def _permitted(line: HostLine, marks: Sequence[Mark], scenario: Scenario) -> HostLine:
    """The line, unless it is a mistake, or gets round the gate and the author did not say so."""
    at = marks[min(line.word, len(marks) - 1)]
    if line.kind == "mistaken":
        raise ScenarioError(at, line.sentence, line.instead, line.corrected)
    if line.kind == "around" and scenario.engine != "as-written":
        raise ScenarioError(at, line.sentence, f"{line.instead}, or {AS_WRITTEN}")
    return line


def _typed_on_the_host(
    planned: PlannedStep, before: Sequence[PlannedStep], scenario: Scenario
) -> PlannedStep:
    """What is typed into a terminal of this machine, not of a container, is for its shell."""
    opened = [s for s in before if s.opens and planned.step.in_ in {None, s.opens}]
    by = opened[-1].host_line if opened else None
    if not planned.typed or by is None or opened[-1].line or by.kind == "behind":
        return planned
    line = classify(("sh", "-c", planned.typed))
    return replace(planned, host_line=_permitted(line, (planned.step.mark,), scenario))


def _by_its_files(
    planned: PlannedStep, written: Mapping[str, str], context: Context, scenario: Scenario
) -> PlannedStep:
    """A line that runs a script which an earlier step writes is held to what the script says."""
    own = planned.host_line
    if own is None or own.kind not in {"behind", "unknown"} or not planned.when:
        return planned
    line = around_in_files(
        planned.words, lambda name: written.get(normpath(str(Path(context.cwd) / name)))
    )
    if line is None:
        return planned
    return replace(planned, host_line=_permitted(line, (planned.step.mark,), scenario))


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
                raise ScenarioError(step.mark, f"{key}: {error.problem}", error.expected) from None
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
    host_line: HostLine | None = None
    promised: tuple[Promise, ...] = ()
    if step.kind == "command":
        words, line, host_line = _read(step, context, scenario)
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
        host_line=host_line,
        promises=promised,
        expect=_with_full_names(_plain(expect, context, mark), mark),
        fails=render(step.fails, context, mark) if step.fails else None,
        content=_content(scenario, step, context) if step.kind == "write" else "",
        typed=str(render(step.type, context, mark)) if step.type is not None else "",
        stdin=str(render(step.stdin, context, mark)) if step.stdin is not None else None,
        dialogue=tuple(render(entry, context, mark) for entry in step.dialogue),
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
    reader = _reader(context, written)
    try:
        refuse_wanted_in_files(line, reader)
        return promises(line, read_file=reader, cwd=context.cwd)
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


def _reader(context: Context, written: Mapping[str, str]) -> Callable[[str], str | None]:
    """Reads a Dockerfile as the build will find it: written by an earlier step, or there."""
    files, cwd = context.files, context.cwd

    def read(path: str) -> str | None:
        full = files.real(str(Path(cwd) / path)) if cwd else path
        for known, text in written.items():
            if files.real(known) == full:
                return text
        return text_at(full, files)

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


def _refuse_unknown_terminals(planned: PlannedStep, before: list[PlannedStep]) -> None:
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
