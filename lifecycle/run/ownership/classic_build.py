"""What the old builder makes without a name: told by its stream, believed of the engine only.

The stream of ``POST /build`` mixes the builder's own lines with whatever a RUN prints, which may
look the same. So a line is a hint: a container is ours when the engine says that it is made from
the step's parent and runs the step's command, an image when the step's parent is its parent. While
the container of a step still runs, what is printed is its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.run.inventory import Inventory, had_image
from lifecycle.run.layers import tags_of
from lifecycle.run.ledger import Entry

Json = dict[str, Any]
_LINE = 1 << 16
_STEP = re.compile(r"Step \d+/\d+ : (\S+)\s*(.*)")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12})")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12})")
_CACHED = " ---> Using cache"
_BUILT = re.compile(r"Successfully built ([0-9a-f]{12})")
_DOWNLOADED = re.compile(r"Status: Downloaded newer image for (\S+)")
_BLANK = re.compile(r"[\s\"'\\=]+")
_NOP = "#(nop)"
_BUILDERS = ("Step ", " ---> ", "Successfully built ")
"""How the builder's own lines begin."""
_ID = re.compile("sha256:[0-9a-f]{64}")


class ClassicBuild:
    """Reads one build's answer as it comes, and notes what is the run's."""

    def __init__(
        self,
        daemon: Daemon,
        before: Inventory,
        note: Callable[[Entry], None],
        *,
        quiet: bool = False,
    ) -> None:
        """``note`` gets each container and image that the build has made.

        One that is ``quiet`` says the image's id and nothing else.
        """
        self._daemon, self._before, self._note, self._quiet = daemon, before, note, quiet
        self._text = ""
        self._there = {str(c["Id"]) for c in daemon.containers()}
        self._instruction, self._arguments = "", ""
        self._found = False
        """Whether the image of this step was there: a base, or the cache's."""
        self._at = ""
        """The full id of the image that the next step stands on."""
        self._stages: set[str] = set()
        self._container = ""
        """The container of the step that runs."""
        self.result = ""
        """The id of the image that was built last; empty without one.

        The engine reports it beside what is printed. An old one only prints it, which is believed
        of the image that the last step has come to.
        """
        self.pulled: list[str] = []
        """Base images that the build pulled, as the engine itself reports it."""

    def hear(self, said: Json) -> None:
        """Take the next message of the stream."""
        # An engine that does not answer now tells later: by the parents of what was made.
        with suppress(EngineError):
            self.hear_result(said)
            self._hear(said)

    def hear_result(self, said: Json) -> None:
        """The same of a stream of which only the end is read: BuildKit's."""
        aux = said.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("ID"), str):
            self.result = aux["ID"]

    def _hear(self, said: Json) -> None:
        status = _DOWNLOADED.fullmatch(str(said.get("status") or ""))
        if status:  # what a RUN prints comes as a stream, never as a status
            self.pulled.append(status[1])
        *lines, rest = (self._text + str(said.get("stream") or "")).split("\n")
        self._text = rest[:_LINE]
        for line in lines:
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        if self._quiet:
            if _ID.fullmatch(line):
                self.result = line
            return
        if not line.startswith(_BUILDERS) or self._runs():
            return
        if step := _STEP.match(line):
            self._instruction, self._arguments = step[1].upper(), step[2]
            self._found = self._instruction == "FROM"
        elif line == _CACHED:
            self._found = True
        elif made := _RUNNING.fullmatch(line):
            self._take_container(made[1])
        elif made := _IMAGE.fullmatch(line):
            self._take_image(made[1])
        elif (made := _BUILT.fullmatch(line)) and self._at.startswith(f"sha256:{made[1]}"):
            self.result = self._at

    def _runs(self) -> bool:
        """Whether the step's container still runs: what comes is its own, or may be."""
        if not self._container:
            return False
        seen = self._daemon.container(self._container)
        if seen is not None and (seen.get("State") or {}).get("Running"):
            return True
        self._container = ""
        return False

    def _take_container(self, short: str) -> None:
        seen = self._daemon.container(short)
        if seen is None or str(seen["Id"]) in self._there or seen.get("Image") != self._at:
            return
        if self._is_step(list((seen.get("Config") or {}).get("Cmd") or [])):
            self._container = str(seen["Id"])
            self._note(Entry("container", self._container, self._container))

    def _is_step(self, command: list[str]) -> bool:
        """Whether a container's command is that of the step."""
        text = _BLANK.sub("", " ".join(command))
        if self._instruction != "RUN":
            return _NOP in text and self._instruction in text
        as_shell = _BLANK.sub("", self._arguments)
        as_list = as_shell.strip("[]").replace(",", "")
        return bool(as_shell) and text.endswith((as_shell, as_list))

    def _take_image(self, short: str) -> None:
        seen = self._daemon.image(f"sha256:{short}") or self._daemon.image(short)
        if seen is None:
            return
        identity = str(seen["Id"])
        if self._instruction == "FROM":
            if self._is_base(seen):
                self._at = identity
            return
        if str(seen.get("Parent") or "") != self._at or not self._at:
            return
        self._at = identity
        self._stages.add(identity)
        if not (self._found or tags_of(seen) or had_image(self._before, identity)):
            self._note(Entry("image", identity, identity))

    def _is_base(self, seen: Json) -> bool:
        """Whether an image is what a FROM names: a tag, or what a stage of this build came to."""
        name = self._arguments.split()[0] if self._arguments.split() else ""
        if str(seen["Id"]) in self._stages or "$" in name:
            return str(seen["Id"]) in self._stages or bool(tags_of(seen))
        named = self._daemon.image(name)
        return named is not None and named["Id"] == seen["Id"]
