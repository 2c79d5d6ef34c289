"""Written names in lines that the name map does not reach: the text of ``bash -c``, a script.

Such a name is not the one that the run gave the thing. The line would fail, or, where a shell
goes on after a failure, end well with nothing done. So it is refused before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import normpath
from pathlib import Path

from lifecycle.command.host.files import docker_lines
from lifecycle.command.line import Ref
from lifecycle.command.name_map import NameMap
from lifecycle.run.plan.steps import PlannedStep
from lifecycle.scenario.errors import Mark, ScenarioError
from lifecycle.scenario.marks import Text


def refuse_hidden_names(
    planned: PlannedStep, before: Sequence[PlannedStep], names: NameMap, cwd: str
) -> None:
    """Raise for a docker line behind another word that names what a step before makes."""
    host = planned.host_line
    if not planned.when or planned.line is not None or host is None or host.kind == "plain":
        return
    writers = {normpath(Path(cwd) / s.step.write): s for s in before if s.step.write}

    def writer(name: str) -> PlannedStep | None:
        return writers.get(normpath(Path(cwd) / name))

    def text(name: str) -> str | None:
        found = writer(name)
        return found.content if found else None

    made = {ref for s in before if s.line for ref in s.line.creates}
    for words in _lines(planned):
        for file, line in docker_lines(words, text):
            for written, ref in names.renamed(line):
                if ref in made:
                    raise _hidden(written, ref, planned, file, writer(file) if file else None)


def _lines(planned: PlannedStep) -> list[tuple[str, ...]]:
    """What the step has this machine do: its words, what it types, and what its program reads."""
    texts = [planned.typed, planned.stdin or "", *(d.send or "" for d in planned.dialogue)]
    return [planned.words, *(("sh", "-c", text) for text in texts if text)]


def _hidden(
    written: str, ref: Ref, planned: PlannedStep, file: str, writer: PlannedStep | None
) -> ScenarioError:
    where = (
        f"in {file}"
        if file
        else f"behind `{planned.words[0]}`"
        if planned.words
        else "in what is typed"
    )
    call = f"{ref.kind}('{written}')"
    by_template = writer is not None and writer.step.template is not None
    return ScenarioError(
        _place(written, writer or planned),
        f"the {ref.kind} `{written}` {where}: a step before makes it under a name of the run's "
        "own, and here no name is replaced",
        "the call that gives its real name, or a run with --as-written",
        f"{{{{ {call} }}}}" if by_template else f"${{{{ {call} }}}}",
    )


def _place(written: str, planned: PlannedStep) -> Mark:
    """Where the name stands in what the author wrote, but in a call; else the step."""
    step = planned.step
    alone = re.compile(rf"(?<![\w.'\"-]){re.escape(written)}(?![\w.-])")
    for text in (step.command, step.type, step.stdin, step.content):
        found = alone.search(text) if isinstance(text, Text) else None
        if found and isinstance(text, Text):
            return text.at(found.start())
    return step.mark
