"""Scenarios that stay in the middle of a step of each kind, and what shows that they are there."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle.sandbox.info import SandboxInfo

BASE = "${{ lab.base_image }}"
UP = f"docker run -dti --name=MINE-c {BASE}"
WORKS = f"docker run -d --name=MINE-c {BASE} LONG"
SHELL = f"docker run -ti --name=MINE-c {BASE}"
DOCKERFILE = f"""write: dockerfile
    content: |
      FROM {BASE}
      RUN echo MINE; LONG"""
TYPE = "type: LONG, in: MINE-c, expect: {screen: never}"
DIALOGUE = "dialogue: [{expect: never, send: x}]"
CHECK = "check: {inside: {files: {/no: {owner: root}}}}, on: MINE-c, within: LIMIT"

MIDDLES: dict[str, tuple[str, ...]] = {
    "pull": ("{command: docker pull 127.0.0.1:PORT/mine, timeout: LIMIT}",),
    "build": (
        DOCKERFILE,
        "{command: docker build -t MINE/i . -f dockerfile, timeout: LIMIT}",
    ),
    "run": (f'{{command: "docker run --name=MINE-c {BASE} LONG", timeout: LIMIT}}',),
    "exec": (UP, "{command: docker exec MINE-c LONG, timeout: LIMIT}"),
    "dialogue": (
        UP,
        f"{{command: docker exec -ti MINE-c LONG, {DIALOGUE}, timeout: LIMIT}}",
    ),
    "type": (SHELL, f"{{{TYPE}, timeout: LIMIT}}"),
    "attach": (UP, "docker attach MINE-c", f"{{{TYPE}, timeout: LIMIT}}"),
    "check": (WORKS, f"{{{CHECK}}}"),
    "stop": (WORKS, "{command: docker stop -t 60 MINE-c, timeout: LIMIT}"),
    "wait": (UP, "{command: docker wait MINE-c, timeout: LIMIT}"),
}
"""The steps of a scenario by the kind of its last, which goes on for ever."""
_SHOWS = {"pull": "docker pull 127.0.0.1:PORT/", "stop": "docker stop -t 60 MINE-c"}
_SHOWS |= {"wait": "docker wait MINE-c"}
_LOOKS = "/bin/sh -s -- @@id"
"""Words of a process that show that the step has begun, where it is not ``LONG``."""


@dataclass(frozen=True)
class Middle:
    """A scenario of one place that stays in the middle of a step; no other one looks like it."""

    kind: str
    word: str
    port: str = ""
    limit: str = "90s"
    rest: str = ""
    seconds: int = field(default_factory=lambda: 100_000 + secrets.randbelow(900_000))

    @property
    def text(self) -> str:
        """The scenario."""
        steps = "".join(f"  - {step}\n" for step in MIDDLES[self.kind])
        return self._filled(f"scenario: middle of {self.kind}\nsteps:\n{steps}{self.rest}")

    def reached(self) -> bool:
        """Whether its last step is being done."""
        if self.kind == "check":  # its container is up before, and then is looked into
            return bool(namespaces(self._filled("LONG")) & namespaces(_LOOKS))
        return bool(namespaces(self._filled(_SHOWS.get(self.kind, "LONG"))))

    def _filled(self, text: str) -> str:
        holes = {"LONG": f"sleep {self.seconds}", "PORT": self.port, "LIMIT": self.limit}
        for hole, value in (holes | {"MINE": self.word}).items():
            text = text.replace(hole, value)
        return text


def namespaces(words: str) -> set[str]:
    """Where processes of this machine, in containers or not, begin with these words."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            if command.startswith(words.encode()):
                found.add(str((entry / "ns/pid").readlink()))
    return found


@contextmanager
def hanging_registry(engine: SandboxInfo) -> Iterator[str]:
    """A port of the engine's own localhost where a registry takes requests and answers none."""
    listen = "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    say = "print(s.getsockname()[1], flush=True); input()"
    words = ("nsenter", f"--net={engine.netns}", sys.executable, "-c", listen + say)
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()
