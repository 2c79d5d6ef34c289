"""What the old builder makes without a name: told by its stream, believed of the engine only.

The stream of ``POST /build`` mixes the builder's own lines with whatever a RUN prints, which may
look the same. So a line is a hint: a container is ours when the engine says that it is made from
the step's parent and runs the step's command, an image when the step's parent is its parent. From
a RUN's beginning nothing is a hint but the image that the engine has made of its container.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.run.ownership.build_layers import WRITING, tags_of
from lifecycle.run.ownership.inventory import Inventory, had_image
from lifecycle.run.ownership.ledger import Entry
from lifecycle.text.json_object import Json

_LINE = 1 << 16
_STEP = re.compile(r"Step \d+/\d+ : (\S+)\s*(.*)")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12})")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12})")
_CACHED = " ---> Using cache"
_BUILT = re.compile(r"Successfully built ([0-9a-f]{12})")
_DOWNLOADED = re.compile(r"Status: Downloaded newer image for (\S+)")
_NOP = "#(nop)"
_TRIGGERS = re.compile(r"# Executing \d+ build triggers?")


class ClassicBuild:
    """Reads one build's answer as it comes, and notes what is the run's."""

    def __init__(
        self,
        daemon: Daemon,
        before: Inventory,
        note: Callable[[Entry], None],
        found: Callable[[Json], None],
    ) -> None:
        """``note`` gets each container and image that the build made, ``found`` what was there."""
        self._daemon, self._before, self._note, self._found = daemon, before, note, found
        self._text = ""
        self._there = {str(c["Id"]) for c in daemon.containers()}
        self._steps: list[tuple[str, str]] = []
        """Instructions and arguments of what is done now: one, or all that a base does ONBUILD."""
        self._is_from = False
        self._base = ""
        """What the last FROM names."""
        self._was_there = False
        """Whether the image of this step was there: a base, or the cache's."""
        self._at = ""
        """The full id of the image that the next step stands on; empty for one from scratch."""
        self._known = False
        """Whether that is known: the engine agrees with what was read."""
        self._stages: set[str] = set()
        self._running = ""
        """The container of a RUN, from its beginning until the image of it: it may print."""
        self.result = ""
        """The id of the image that was built last; empty without one.

        The engine reports it beside what is printed. An old one only prints it, which is believed
        of the image that the last step has come to.
        """
        self.untold = False
        """Whether the engine was not there to be asked: it may have made what nobody knows of."""
        self.pulled: list[str] = []
        """Base images that the build pulled, as the engine itself reports it."""

    def hear(self, message: Json) -> None:
        """Take the next message of the stream."""
        try:
            self.hear_result(message)
            self._hear(message)
        except EngineError:
            self.untold = True  # the clean-up finds it, by what the engine has of its steps

    def hear_result(self, message: Json) -> None:
        """The same of a stream of which only the end is read: BuildKit's."""
        aux = message.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("ID"), str):
            self.result = aux["ID"]

    def _hear(self, message: Json) -> None:
        status = _DOWNLOADED.fullmatch(str(message.get("status") or ""))
        if status:  # what a RUN prints comes as a stream, never as a status
            self.pulled.append(status[1])
        *lines, rest = (self._text + str(message.get("stream") or "")).split("\n")
        self._text = rest[:_LINE]
        for line in lines:
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        if made := _IMAGE.fullmatch(line):
            self._take_image(made[1])
        elif self._running:
            return
        elif step := _STEP.match(line):
            self._begin(step[1].upper(), step[2])
        elif line == _CACHED:
            self._was_there = True
        elif _TRIGGERS.fullmatch(line):
            self._begin_triggers()
        elif made := _RUNNING.fullmatch(line):
            self._take_container(made[1])
        elif (made := _BUILT.fullmatch(line)) and self._at.startswith(f"sha256:{made[1]}"):
            self.result = self._at

    def _begin(self, instruction: str, arguments: str) -> None:
        self._steps = [(instruction, arguments)]
        self._was_there = self._is_from = instruction == "FROM"
        if self._is_from:
            words = [word for word in arguments.split() if not word.startswith("--")]
            self._base = words[0] if words else ""
            self._at, self._known = "", self._base == "scratch"

    def _begin_triggers(self) -> None:
        """What a base image does ONBUILD follows its FROM, in steps that no line names."""
        base = self._daemon.image(self._base) if self._is_from and self._base else None
        if base is not None:
            triggers = (str(one) for one in (base.get("Config") or {}).get("OnBuild") or [])
            self._steps = [(t.partition(" ")[0].upper(), t.partition(" ")[2]) for t in triggers]
            self._at, self._known = str(base["Id"]), True
            self._was_there = self._is_from = False

    # -- containers -----------------------------------------------------------------------------

    def _take_container(self, short: str) -> None:
        if any(instruction == "RUN" for instruction, _ in self._steps):
            self._running = short
        container = self._daemon.container(short)
        if container is None or str(container["Id"]) in self._there:
            return
        made_from = self._chain(str(container.get("Image") or ""), len(self._steps) - 1)
        command = WRITING.sub("", " ".join((container.get("Config") or {}).get("Cmd") or []))
        is_step = any(_is_command(command, *step) for step in self._steps)
        if made_from is not None and is_step:
            self._note(Entry("container", str(container["Id"]), str(container["Id"])))

    # -- images -----------------------------------------------------------------------------------

    def _take_image(self, short: str) -> None:
        image = self._daemon.image(f"sha256:{short}") or self._daemon.image(short)
        if image is None:
            return
        identity = str(image["Id"])
        if self._is_from:
            self._known = self._is_base(image)
            if not {*tags_of(image)} & {*self.pulled}:
                self._found(image)
        else:
            made = self._chain(identity, len(self._steps))
            if not made or not self._ends_run(made):
                return
            self._note_layers(made)
        if self._known:
            self._at = identity
            self._stages.add(identity)

    def _chain(self, identity: str, most: int) -> list[Json] | None:
        """The images from one down to that of the step before; None where they don't lead there."""
        chain: list[Json] = []
        while self._known and identity != self._at:
            image = self._daemon.image(identity) if identity else None
            if image is None or len(chain) == most:
                return None
            chain.append(image)
            identity = str(image.get("Parent") or "")
        return chain if self._known else None

    def _ends_run(self, made: list[Json]) -> bool:
        """Whether a RUN has ended, if one runs: the engine has made an image of its container.

        Before that the container can print whatever it likes, but no id of what is not made yet.
        """
        ends = not self._running or any(map(self._is_made_of_it, made))
        self._running = "" if ends else self._running
        return ends

    def _is_made_of_it(self, image: Json) -> bool:
        """Whether an image is of the RUN's container; where no engine tells, of its command."""
        container = str(image.get("Container") or "")
        if container:
            return container.startswith(self._running)
        made_by = WRITING.sub("", (self._daemon.history(str(image["Id"])) or ("",))[-1])
        runs = [step for step in self._steps if step[0] == "RUN"]
        return any(_is_command(made_by, *step) for step in runs)

    def _note_layers(self, made: list[Json]) -> None:
        for one in reversed(made):
            identity = str(one["Id"])
            if self._was_there:
                self._found(one)
            elif not (tags_of(one) or had_image(self._before, identity)):
                self._note(Entry("image", identity, identity))

    def _is_base(self, image: Json) -> bool:
        """Whether an image is what a FROM names: a tag, or what a stage of this build came to."""
        # The line is the engine's own: in this stage no RUN has begun. What stands for an ARG is
        # known to it only.
        if image["Id"] in self._stages or not self._base or "$" in self._base:
            return True
        named = self._daemon.image(self._base)
        return named is not None and named["Id"] == image["Id"]


def only(built: str, problem: bytes = b"") -> bytes:
    """What a quiet build answers: its image's id, or a problem; nothing where it came to none."""
    if not built:
        return b""
    body = problem or json.dumps({"stream": f"{built}\n"}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


def is_like_a_step(container: Json, base: Json) -> bool:
    """Whether the classic builder would find a commit of a container in its cache.

    It looks for an image above its base by what its container was made with.
    """
    config, below = container.get("Config") or {}, base.get("Config") or {}
    if any(config.get(key) for key in ("AttachStdout", "AttachStderr", "Tty", "OpenStdin")):
        return False
    if (config.get("Labels") or {}) != (below.get("Labels") or {}):
        return False
    if _set_by_it(config) != _set_by_it(below):
        return False
    command = [str(word) for word in config.get("Cmd") or []]
    first = command[0] if command else ""
    by_shell = first.startswith("/") and "-c" in command[1:-1]
    return by_shell or first.startswith("|") or _NOP in " ".join(command)


def _set_by_it(config: Json) -> set[str]:
    """The environment but for the PATH, which a builder sets where its base does not."""
    return {str(one) for one in config.get("Env") or [] if not str(one).startswith("PATH=")}


def _is_command(command: str, instruction: str, arguments: str) -> bool:
    """Whether a container's command, without what is written in several ways, is a step's."""
    if instruction != "RUN":
        return _NOP in command and instruction in command
    as_shell = WRITING.sub("", arguments)
    as_list = as_shell.strip("[]").replace(",", "")
    return bool(as_shell) and command.endswith((as_shell, as_list))
