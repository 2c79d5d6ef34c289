"""What a sandbox tells those who use it, also across processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SANDBOX_VARIABLE = "LIFECYCLE_SANDBOX"
LAB_VARIABLE = "LIFECYCLE_LAB"


@dataclass(frozen=True)
class SimulatedGpu:
    """A GPU that is not there; its name and its uuid say so."""

    index: int
    uuid: str
    name: str


@dataclass(frozen=True)
class SandboxInfo:
    """Where a sandbox is and what is in it."""

    id: str
    docker_host: str
    address: str
    """Where the host reaches what the engine's containers publish."""
    netns: str
    """The network namespace's file, for ``nsenter --net=``; localhost in it is the engine's."""
    socket_gid: int
    """Who bears this gid may use the engine."""
    registry: str
    """The registry, as the engine names it, which alone reaches it."""
    base_image: str
    lab_image: str
    """An image whose ``latest``, which no tag means, is another one than its ``1.0``."""
    lab_file: str
    gpus: tuple[SimulatedGpu, ...]
    state_dir: str

    @property
    def info_file(self) -> str:
        """The file that holds all this."""
        return str(Path(self.state_dir) / "sandbox.json")

    def environ(self) -> dict[str, str]:
        """What points a command at the sandbox."""
        return {
            "DOCKER_HOST": self.docker_host,
            SANDBOX_VARIABLE: self.info_file,
            LAB_VARIABLE: self.lab_file,
        }

    def to_json(self) -> dict[str, Any]:
        """The shape of the file that LIFECYCLE_SANDBOX names."""
        return asdict(self)


def from_json(values: Mapping[str, Any]) -> SandboxInfo:
    """The reverse of :meth:`SandboxInfo.to_json`."""
    gpus = tuple(SimulatedGpu(**gpu) for gpu in values["gpus"])
    return SandboxInfo(**{**values, "gpus": gpus})


def load_info(environ: Mapping[str, str]) -> SandboxInfo | None:
    """The sandbox that this environment points at, or None: also when that one is gone."""
    file = environ.get(SANDBOX_VARIABLE)
    if not file:
        return None
    try:
        return from_json(json.loads(Path(file).read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        return None
