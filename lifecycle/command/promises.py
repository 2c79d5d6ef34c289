"""What a docker line commits the daemon to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lifecycle.command import verb_promises
from lifecycle.command.build_promises import with_dockerfile
from lifecycle.command.flag_row import Flag, Lines, Says
from lifecycle.command.flags import VERBS
from lifecycle.command.line import CommandError, DockerLine, Option, Ref
from lifecycle.command.promise import Promise, ReadFile
from lifecycle.command.values.basic import ImpossibleError, boolean
from lifecycle.command.values.mounts import BindEnds, Mount, clean
from lifecycle.command.values.security import Device

_LATER = "the promise of {} is not built yet"


def _no_file(_path: str) -> str | None:
    return None


def promises(
    line: DockerLine, *, read_file: ReadFile = _no_file, cwd: str = ""
) -> tuple[Promise, ...]:
    """Every promise of a line, in the order of its words.

    ``read_file`` gives the text of a file the line names (the Dockerfile), or None; ``cwd`` is
    the folder that relative paths are meant from, when it is known.
    """
    if line.on("--help"):
        return ()
    of_words = [*_of_verb(line, read_file), *_of_flags(line, read_file), *_of_command(line)]
    return tuple(_attached(_absolute(p, cwd), line) for p in of_words)


def subject(line: DockerLine) -> Ref | None:
    """The container that the flags of a line speak of; the name is empty when there is none."""
    does = VERBS[line.verb].does
    if does.makes == "container":
        return verb_promises.made_container(line)
    if does.command:
        return next(n.ref for n in line.names if n.word == line.first_arg)
    return None


def _subjects(line: DockerLine) -> Sequence[Ref | None]:
    """The things that the flags of a line speak of; None stands for a thing without a name."""
    about = subject(line)
    if about:
        return (about,)
    kind = VERBS[line.verb].does.acts_on
    return (
        [n.ref for n in line.names if n.ref.kind == kind and n.word >= line.first_arg]
        or [n.ref for n in line.names if n.ref.kind == kind and n.role == "creates"]
        or [None]
    )


def _of_flags(line: DockerLine, read_file: ReadFile) -> Iterator[Promise]:
    given = [p for about in _subjects(line) for p in _of_options(line, about)]
    known = {p.field for p in given}
    for about in _subjects(line):
        read = _of_files(line, about, read_file)
        yield from (p for p in read if p.field not in known)
    yield from with_dockerfile(line, given, read_file) if line.verb == "build" else given


def _of_options(line: DockerLine, about: Ref | None) -> Iterator[Promise]:
    verb = VERBS[line.verb]
    by_key: dict[object, list[Promise]] = {}
    for option in line.options:
        flag = verb.spellings.get(option.flag)
        if flag is None or flag.none or flag.lines:
            continue
        made = list(_of_option(flag, option, about))
        key: object = flag.long
        if flag.keyed and made:
            key = (flag.long, made[0].field)
        elif flag.kind == "list":
            key = option
        by_key[key] = made
    for made in by_key.values():
        yield from made


def _of_files(line: DockerLine, about: Ref | None, read_file: ReadFile) -> Iterator[Promise]:
    """What the lines of the files say that a line names; a later one of a key wins."""
    verb = VERBS[line.verb]
    by_key: dict[object, list[Promise]] = {}
    for option in line.options:
        flag = verb.spellings.get(option.flag)
        if flag is None or flag.lines is None:
            continue
        text = read_file(option.value)
        if text is None:
            reason = f"{option.value} could not be read"
            field = flag.says[0].field
            by_key[option] = [
                Promise(option.written, field, option.value, "inspect", about, reason)
            ]
            continue
        for value in _lines_of(option, flag.lines, text):
            made = [p for s in flag.says for p in _of_value(s, value, option.written, about)]
            by_key[(flag.long, made[0].field)] = made
    for made in by_key.values():
        yield from made


def _lines_of(option: Option, lines: Lines, text: str) -> list[object]:
    try:
        return list(lines(text))
    except ImpossibleError as e:
        message = f"{option.value}: {e.message}"
        raise CommandError(message, word=option.value_at[0], hint=e.hint) from None


def _of_option(flag: Flag, option: Option, about: Ref | None) -> Iterator[Promise]:
    if not flag.says:
        field = f"flag.{flag.long.removeprefix('--')}"
        reason = _LATER.format(flag.long)
        shown = boolean(option.value) if flag.kind == "bool" else option.value
        yield Promise(option.written, field, shown, "inspect", about, reason)
    value = boolean(option.value) if flag.kind == "bool" else flag.read(option.value)
    for says in flag.says:
        yield from _of_value(says, value, option.written, about)


def _of_value(says: Says, value: object, written: str, about: Ref | None) -> Iterator[Promise]:
    about = None if says.field.startswith("file.") else about
    for suffix, expected, reason in says.shape(value):
        for where in says.where:
            if where != "inspect" and expected is False:
                continue  # what was switched off shows only where it is declared
            yield Promise(written, says.field + suffix, expected, where, about, reason)


def _of_verb(line: DockerLine, read_file: ReadFile) -> Iterator[Promise]:
    verb = VERBS[line.verb]
    for each in verb.says:
        if any(line.values(flag) for flag in each.unless):
            continue
        for name in line.names:
            if name.ref.kind == each.kind and name.role == each.role:
                yield Promise(line.verb, each.field, each.expected, each.where, name.ref)
    yield from verb.special(line, read_file)


def _of_command(line: DockerLine) -> Iterator[Promise]:
    """The command and arguments that follow the image or the container."""
    field, command = VERBS[line.verb].does.command, line.args[1:]
    if field and command:
        yield Promise(line.verb, field, command, "inspect", subject(line))


def _attached(promise: Promise, line: DockerLine) -> Promise:
    """With ``exec -d`` the CLI passes over ``-i``: there is nobody to type."""
    if promise.field != "exec.stdin" or not promise.expected or not line.on("--detach"):
        return promise
    return replace(
        promise, unverified="docker exec -d attaches no standard input, whatever -i says"
    )


def _absolute(promise: Promise, cwd: str) -> Promise:
    """The promise with its host folder written from the root, when the folder is known."""
    expected = promise.expected
    if not cwd or not isinstance(expected, Mount | BindEnds | Device) or expected.source[:1] != ".":
        return promise
    return replace(
        promise, expected=replace(expected, source=clean(posixpath.join(cwd, expected.source)))
    )
