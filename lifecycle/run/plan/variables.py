"""The variables a step sees: ``me``, ``people``, ``lab``, ``run``, ``secret``; ``vars`` on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.machine.regular_files import OWN, Files
from lifecycle.run.secrets.secrets import Secrets


@dataclass
class RunValues:
    """The namespace ``run``.

    ``id`` is in every name that the run makes, ``folder`` is the work folder of whoever does the
    step, ``shared`` one that all of its people may write in, ``registry`` one that images can be
    pushed to (the sandbox's; empty elsewhere), ``kernel`` the kernel release of the engine's
    machine.
    """

    id: str
    folder: str
    shared: str
    registry: str = ""
    kernel: str = ""
    choose_port: Callable[[int], int] = int

    def port(self, wanted: int | str) -> int:
        """A host port for this run: the wanted one when it is free."""
        return self.choose_port(int(wanted))


@dataclass(frozen=True)
class Place:
    """Where one person's steps are at home: the values that they see, and their work folder.

    ``files`` reads what the steps name, as that person.
    """

    values: Mapping[str, Any]
    cwd: str
    files: Files = OWN


def variables(
    me: Mapping[str, Any],
    lab: Mapping[str, Any],
    run: RunValues,
    secret: Secrets,
    people: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The namespaces of every expression in the steps of one person, who is ``me`` there."""
    return {"me": me, "people": dict(people or {}), "lab": lab, "run": run, "secret": secret}
