"""What a script that the scenario itself writes will do about the engine, when a line runs it.

A file that is there already is not opened: what it does through the gate is held to it. One that
stands in the scenario is read as the text of ``bash -c`` is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from lifecycle.command.host.line import HostLine, classify, mentioned
from lifecycle.command.host.script import Words, program, runs
from lifecycle.command.host.tables import AS_ANOTHER, SHELLS
from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.parse import parse

Files = Callable[[str], str | None]
"""The text of a file that a step before has written, by its name in the work folder."""

_DEPTH = 4
"""Scripts that run a script that runs a script are followed this far."""
_SOURCES = frozenset({".", "source"})
_MAKES = frozenset({"make", "gmake"})
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_OTHERS = re.compile(r"(?:python|perl|ruby|node|lua|Rscript|php)[\d.]*")
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(\S+)")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_RECIPE = re.compile(r"^\t[ \t]*[@+-]*(.*(?:\\\n.*)*)$", re.MULTILINE)


def around_in_files(words: Words, files: Files, depth: int = _DEPTH) -> HostLine | None:
    """How a line gets round the gate by a script that the scenario wrote; None when it does not."""
    for one in runs(words)[0] if depth else ():
        for name, text, by in _run_files(one, files):
            if by in SHELLS:
                inner = ("bash", "-c", text)
                line = classify(inner)
                way = line if line.kind == "around" else around_in_files(inner, files, depth - 1)
            else:
                way = mentioned(text)
            if way:
                return replace(way, sentence=f"in {name}, {way.sentence}", word=0)
    return None


def docker_lines(
    words: Words, files: Files, depth: int = _DEPTH
) -> Iterator[tuple[str, DockerLine]]:
    """The docker lines that a line runs behind another word, each with the file that it is in.

    The file is one that the scenario wrote, or nothing where the line itself has it. What can't be
    read as docker reads it is left out.
    """
    for one in runs(words)[0]:
        at = next((i for i, word in enumerate(one) if program(word) == "docker"), 0)
        if program(one[at]) == "docker" and (at == 0 or program(one[0]) in AS_ANOTHER):
            with suppress(CommandError):
                yield "", parse(("docker", *one[at + 1 :]))
        for name, text, by in _run_files(one, files) if depth else ():
            if by in SHELLS:
                for inner, line in docker_lines(("sh", "-c", text), files, depth - 1):
                    yield inner or name, line


def _run_files(one: Words, files: Files) -> Iterator[tuple[str, str, str]]:
    """The written files that a program runs: name, text without comments, and what reads it."""
    by = program(one[0])
    if "/" in one[0]:
        text = files(one[0])
        if text is not None:
            named = _SHEBANG.match(text)
            reader = program(named[1]) if named else "sh"
            yield one[0], _COMMENT.sub("", text), reader
    if by in _MAKES:
        for name in (*_MAKEFILES, *one[1:]):
            text = files(name)
            if text is not None:
                yield name, _recipes(text), "sh"
    elif by in SHELLS | _SOURCES or _OTHERS.fullmatch(by):
        # Of a shell's words the first file is its script; what stands after that is the script's.
        name = next((w for w in one[1:] if files(w) is not None), "")
        if name:
            yield name, _COMMENT.sub("", files(name) or ""), "sh" if by in _SOURCES else by


def _recipes(text: str) -> str:
    """What a Makefile gives to its shell, and the variables that it exports."""
    exported = re.findall(r"^export\s.*$", text, re.MULTILINE)
    recipes = [match[1].replace("$$", "$") for match in _RECIPE.finditer(text)]
    return _COMMENT.sub("", "\n".join([*exported, *recipes]))
