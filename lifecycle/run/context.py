"""The variables a scenario sees: ``me``, ``lab``, ``run``, ``secret``; its ``vars`` on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lifecycle.run.secrets import Secrets


@dataclass
class RunValues:
    """The namespace ``run``.

    ``id`` is in every name that the run makes, ``folder`` is its work folder, ``registry`` one
    that images can be pushed to (the sandbox's; empty elsewhere), ``kernel`` the kernel release
    of the engine's machine.
    """

    id: str
    folder: str
    registry: str = ""
    kernel: str = ""
    choose_port: Callable[[int], int] = int

    def port(self, wanted: int | str) -> int:
        """A host port for this run: the wanted one when it is free."""
        return self.choose_port(int(wanted))


def variables(
    me: Mapping[str, Any], lab: Mapping[str, Any], run: RunValues, secret: Secrets
) -> dict[str, Any]:
    """The namespaces of every expression."""
    return {"me": me, "lab": lab, "run": run, "secret": secret}
