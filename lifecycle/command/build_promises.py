"""What ``docker build`` promises of the image, as far as its Dockerfile says it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.promise import Promise, ReadFile, UnclearError
from lifecycle.command.references import familiar
from lifecycle.command.values.basic import ImpossibleError, variable

if TYPE_CHECKING:
    from lifecycle.command.dockerfile import Built

_REMOTE = ("http://", "https://", "git://", "git@", "ssh://", "github.com/", "oci-layout://")
_ARGUMENT, _STAGE = "image.build_arg.", "image.stage"


def built(line: DockerLine, read_file: ReadFile) -> Iterator[Promise]:
    """The verb's own: each tag is there, or in the registry, with the Dockerfile's user."""
    tags = [n.ref for n in line.names if n.ref.kind == "image"]
    if any(line.values(flag) for flag in ("--output", "--check", "--call")):
        return
    pushed = line.on("--push")
    for tag in tags:
        if pushed:
            yield Promise("--push", "image.pushed", expected=True, where="host", about=tag)
        if not pushed or line.on("--load"):
            yield Promise(line.verb, "image.exists", expected=True, where="inspect", about=tag)
            yield from _user_of(line, read_file, tag)


def _user_of(line: DockerLine, read_file: ReadFile, tag: Ref) -> Iterator[Promise]:
    try:
        user = _stage(line, read_file).user()
    except UnclearError as e:
        yield Promise(line.verb, "image.user", None, "inspect", tag, str(e))
        return
    if user is not None:
        yield Promise(line.verb, "image.user", user, "inspect", tag)


def with_dockerfile(
    line: DockerLine, given: Iterable[Promise], read_file: ReadFile
) -> Iterator[Promise]:
    """What ``--target`` and ``--build-arg`` come to in this Dockerfile."""
    for promise in given:
        if not promise.field.startswith((_ARGUMENT, _STAGE)):
            yield promise
            continue
        try:
            stage = _stage(line, read_file)
        except UnclearError as e:
            yield replace(promise, unverified=str(e))
            continue
        if promise.field == _STAGE:
            reason = "--squash makes one step of all" if line.on("--squash") else stage.unlike
            yield replace(promise, expected=stage.steps, unverified=reason)
        else:
            name = promise.field.removeprefix(_ARGUMENT)
            yield replace(promise, unverified=stage.traceless(name))


def layers_from(line: DockerLine, read_file: ReadFile) -> tuple[tuple[str, ...], ...]:
    """Of each stage the base's tag, and the instructions that can be told beforehand."""
    from lifecycle.command.dockerfile import recorded_stages

    try:
        stages = recorded_stages(_dockerfile(line, read_file))
        return tuple((familiar(base), *steps) for base, *steps in stages if steps)
    except (UnclearError, ImpossibleError):
        return ()


def _stage(line: DockerLine, read_file: ReadFile) -> Built:
    from lifecycle.command.dockerfile import built_stage

    return built_stage(
        _dockerfile(line, read_file),
        build_args=dict(variable(v) for v in line.values("--build-arg")),
        target=line.last("--target") or "",
    )


def _dockerfile(line: DockerLine, read_file: ReadFile) -> str:
    """The text of the Dockerfile that a build reads."""
    context, file = line.args[0], line.last("--file") or ""
    if "-" in (context, file):
        raise UnclearError("the Dockerfile comes from standard input")
    if context.startswith(_REMOTE) and not file:
        raise UnclearError("the Dockerfile is not on this machine")
    names = ("Dockerfile", "dockerfile")
    written = [file] if file else [posixpath.normpath(f"{context}/{n}") for n in names]
    for path in written:
        text = read_file(path)
        if text is not None:
            return text
    raise UnclearError(f"{written[0]} could not be read")
