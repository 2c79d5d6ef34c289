"""Secrets that a person types at the beginning of a run, where nobody can look over them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Iterable, Mapping

from lifecycle.cli import UsageError
from lifecycle.machine.secret_variables import variable
from lifecycle.run.secrets.secrets import SecretError, refuse_short
from lifecycle.text.lines import nearest

_TERMINAL = "/dev/tty"


def given_secrets(
    asked: Iterable[str], named: Collection[str], environ: Mapping[str, str]
) -> dict[str, str]:
    """What the person types for each name, as environment variables for the run's processes.

    ``named`` are the secrets that the scenarios use. Those of the environment are looked at as
    well, so that one which can't be hidden ends the run before anything is started. Raises
    UsageError.
    """
    names = list(dict.fromkeys(asked))
    _all_used(names, named)
    if names:
        _needs_a_terminal(names[0])
    typed = {variable(name): getpass.getpass(f"secret.{name}: ") for name in names}
    for name in named:
        value = {**environ, **typed}.get(variable(name))
        if value is not None:
            try:
                refuse_short(name, value)
            except SecretError as error:
                raise UsageError(str(error)) from error
    return typed


def _all_used(names: Iterable[str], named: Collection[str]) -> None:
    for name in names:
        if name in named:
            continue
        near = nearest(name, sorted(named))
        hint = f"did you mean {near}?" if near else f"they use {', '.join(sorted(named)) or 'none'}"
        message = f"--ask-secret {name}: no scenario uses secret.{name}; {hint}"
        raise UsageError(message)


def _needs_a_terminal(name: str) -> None:
    """Without one, getpass would read standard input and show it."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        message = (
            f"--ask-secret {name}: there is no terminal to ask on; "
            f"set {variable(name)} in the environment instead"
        )
        raise UsageError(message) from error
