"""Lines that want a secret from the environment of their own step, where none ever is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.values import env_files
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.csv_fields import fields
from lifecycle.machine.secret_variables import IN_A_SHELL, PREFIX

_BY_NAME = ("--env", "--build-arg")
_INSTEAD = (
    "type it (`dialogue`, `type`), give it on `stdin`, or mount a file of a `write` step "
    'with mode: "0600": ${{ secret.NAME }}'
)
_FROM_A_FILE = (
    'write the secret to a file (`write` with mode: "0600") and say --secret id=NAME,src=FILE'
)


def refuse_wanted(words: Sequence[str], line: DockerLine | None) -> None:
    """Raise CommandError for a command that would take a secret out of its environment."""
    given = _set_by(line) if line else frozenset()
    for index, word in enumerate(words):
        for match in IN_A_SHELL.finditer(word):
            if match[1] not in given:
                raise _wanted(f"${match[1]}", "is empty", index)
    for option in line.options if line else ():
        if option.flag in _BY_NAME and _is_secret(option.value):
            raise _wanted(
                f"{option.written} {option.value}", "passes on nothing", option.value_at[0]
            )
        named = _mounted(option.value) if option.flag == "--secret" else ""
        if named:
            raise _wanted(
                f"{option.written} {named}",
                "has nothing to mount",
                option.value_at[0],
                _FROM_A_FILE,
            )


def refuse_wanted_in_files(line: DockerLine, read_file: Callable[[str], str | None]) -> None:
    """The same of the files of variables that a line names."""
    for option in line.options:
        if option.flag != "--env-file":
            continue
        try:
            listed = env_files.variables(read_file(option.value) or "")
        except ImpossibleError:
            continue  # told where what the file promises is read
        for name, value in listed:
            if value is None and name.startswith(PREFIX):
                raise _wanted(f"{name} in {option.value}", "passes on nothing", option.value_at[0])


def _set_by(line: DockerLine) -> frozenset[str]:
    """Variables of these names that a line itself gives a value."""
    return frozenset(v.partition("=")[0] for v in line.values("--env") if "=" in v)


def _is_secret(value: str) -> bool:
    return value.startswith(PREFIX) and "=" not in value


def _mounted(text: str) -> str:
    """The variable that a build's ``--secret`` reads; empty for a file."""
    try:
        given = {f.key: f.value or "" for f in fields(text)}
    except ImpossibleError:
        return ""
    file = given.get("src") or given.get("source") or ""
    of_environment = given.get("env") or (file if given.get("type") == "env" else "")
    # Without either, the id is looked for in the environment first.
    name = of_environment or ("" if file else given.get("id", ""))
    return name if name.startswith(PREFIX) else ""


def _wanted(what: str, comes: str, word: int, hint: str = _INSTEAD) -> CommandError:
    return CommandError(
        f"{what} {comes}: a secret is in no step's environment, since what a container gets from "
        "there can be read by all who may use the engine",
        word=word,
        hint=hint,
    )
