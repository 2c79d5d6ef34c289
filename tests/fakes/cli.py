"""The docker CLI of a run in memory: a real program on the PATH, whose words come to us.

It reads the words as Docker does, as far as the tests need it, and asks the engine through the
run's gate for whatever changes something. What programs in containers do, a test says.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, urlsplit

from lifecycle.engine.daemon import EngineError
from lifecycle.gate.gate import Answer
from lifecycle.text.json_object import Json
from tests.fakes.daemon import FakeDaemon
from tests.fakes.documents import whole
from tests.fakes.gate import Asked, FakeGates, stream

_PROGRAM = Path(__file__).with_name("docker_program.py")
_VALUED = {
    **dict.fromkeys(("-v", "--volume"), "--volume"),
    **dict.fromkeys(("-p", "--publish"), "--publish"),
    **dict.fromkeys(("-e", "--env"), "--env"),
    **dict.fromkeys(("-u", "--user"), "--user"),
    **dict.fromkeys(("-w", "--workdir"), "--workdir"),
    **dict.fromkeys(("-s", "--signal"), "--signal"),
    **{one: one for one in ("--name", "--restart", "--network", "--gpus", "--detach-keys")},
    **dict.fromkeys(("-f", "--file"), "--file"),
    "-t": "--tag",
    "--tag": "--tag",
    "--cidfile": "--cidfile",
}
_FLAG_OF_RUN = frozenset({"-t", "-f"})
SHELL = ("sh", "-c", "PS1='inside# ' exec sh -i")


@dataclass
class Words:
    """A line as Docker reads it: options to their values, and the rest."""

    folder: Path = Path()
    options: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    def last(self, name: str) -> str:
        """The value of an option that counts; empty where it is not there."""
        return next(iter(self.options.get(name, [])[-1:]), "")

    def on(self, *names: str) -> bool:
        """Whether one of these stands in it."""
        return any(name in self.options for name in names)


def read_words(words: Sequence[str], folder: Path, *, build: bool) -> Words:
    """Read what follows a verb, up to where a container's own words begin."""
    found, left = Words(folder), list(words)
    while left and left[0].startswith("-") and len(left[0]) > 1:
        name, eq, value = left.pop(0).partition("=")
        long = _VALUED.get(name) if build or name not in _FLAG_OF_RUN else None
        if long is None and not name.startswith("--"):
            for letter in name[1:]:
                found.options.setdefault(f"-{letter}", []).append("")
        elif long is None:
            found.options.setdefault(name, []).append("")
        else:
            found.options.setdefault(long, []).append(value if eq else left.pop(0))
    found.rest = left
    return found


@dataclass(frozen=True)
class Said:
    """What the CLI prints, and its exit code."""

    out: str = ""
    code: int = 0
    err: str = ""


Program = Callable[[Sequence[str]], Said]


class FakeCli:
    """Serves the program. ``programs`` say what a container's command does, by its first word."""

    def __init__(self, daemon: FakeDaemon, folder: Path) -> None:
        self.daemon = daemon
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.address = f"unix://{folder / 'cli.sock'}"
        self.gates: FakeGates | None = None
        self.programs: dict[str, Program] = {}
        self.hub: dict[str, str] = {}
        """What can be pulled: tags, and the ids of their images."""
        self.fails: dict[str, Said] = {}
        """What comes of a verb instead of what it should do."""
        self.lines: list[list[str]] = []
        """The words of every line, as they came."""
        self.environs: list[Mapping[str, str]] = []
        self.shell: Sequence[str] = SHELL
        """What a terminal in a container shows."""
        self.does: Callable[[list[str]], None] = lambda _: None
        """What somebody does while a line runs."""
        program = self.folder / "docker"
        program.write_text(f"#!{sys.executable} -IS\n{_PROGRAM.read_text('utf-8')}")
        program.chmod(0o755)

    @property
    def path(self) -> str:
        """A PATH on which this docker comes first."""
        return f"{self.folder}:/usr/bin:/bin"

    @contextmanager
    def served(self) -> Iterator[FakeCli]:
        """Answer the program for as long as the block runs."""
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.address.removeprefix("unix://"))
            server.listen(16)

            def listen() -> None:
                with suppress(OSError):
                    while True:
                        link, _ = server.accept()
                        threading.Thread(target=self._serve, args=(link,), daemon=True).start()

            listening = threading.Thread(target=listen, daemon=True)
            listening.start()
            try:
                yield self
            finally:
                server.shutdown(socket.SHUT_RDWR)
                listening.join()

    def _serve(self, link: socket.socket) -> None:
        with link, suppress(OSError, ValueError), link.makefile("rw") as channel:
            asked = json.loads(channel.readline())
            self.lines.append(asked["words"])
            self.environs.append(asked["environ"])
            try:
                said = self._do(asked["words"], Path(asked["folder"]), channel)
            except EngineError as error:
                code = 125 if asked["words"][0] == "run" else 1
                said = Said("", code, f"docker: Error response from daemon: {error}\n")
            _tell(channel, {"out": said.out, "err": said.err, "code": said.code})

    # -- what the lines do --------------------------------------------------------------------

    def _do(self, words: list[str], folder: Path, channel: TextIO) -> Said:
        verb, rest = words[0], words[1:]
        if verb in {"volume", "network", "container", "image"}:
            verb, rest = f"{verb} {rest[0]}", rest[1:]
        self.does(words)
        if verb in self.fails:
            return self.fails[verb]
        line = read_words(rest, folder, build=verb == "build")
        whole_lines: dict[str, Callable[[], Said]] = {
            "run": lambda: self._run(line, channel),
            "create": lambda: Said(f"{self._create(line)}\n"),
            "exec": lambda: self._exec(line, channel),
            "start": lambda: self._start(line, channel),
            "attach": lambda: self._attached(self._container(line.rest[0]), channel),
            "build": lambda: self._build(line),
            "logs": lambda: Said("".join(f"{t}\n" for _, t in self._log(line.rest[0]))),
            "tag": lambda: self._tag(*line.rest),
            "rename": lambda: self._rename(*line.rest),
        }
        if verb in whole_lines:
            return whole_lines[verb]()
        for name in line.rest:
            self._one(verb, name, line)
        return Said("".join(f"{name}\n" for name in line.rest))

    def _one(self, verb: str, name: str, line: Words) -> None:
        """What a line does to each of the things that it names; nothing, where it only reads."""
        query = "?force=1" if line.on("-f", "--force") else ""
        signal = line.last("--signal") or {"stop": "15", "kill": "9"}.get(verb, "")
        touch = partial(self._end, verb=verb, signal=signal)
        remove = partial(self._rm, forced=bool(query))
        pulled = f"POST /images/create?fromImage={quote(whole(name))}"
        asks: dict[str, tuple[str, Callable[[Asked], Any], Any]] = {
            **{
                one: (f"POST /containers/{quote(name)}/{one}", touch, None)
                for one in ("stop", "kill", "pause", "unpause")
            },
            "rm": (f"DELETE /containers/{quote(name)}{query}", remove, None),
            "rmi": (f"DELETE /images/{quote(name)}", self._rmi, None),
            "pull": (pulled, self._pull, None),
            "volume create": ("POST /volumes/create", self._volume, {"Name": name}),
            "volume rm": (f"DELETE /volumes/{name}", partial(self._drop, "volume"), None),
            "network create": ("POST /networks/create", self._network, {"Name": name}),
            "network rm": (f"DELETE /networks/{name}", partial(self._drop, "network"), None),
        }
        if verb in asks:
            self._ask(*asks[verb])

    def _ask(self, line: str, does: Callable[[Asked], Any], body: Any = None) -> Any:
        if self.gates is None:
            raise EngineError("there is no gate")
        return self.gates.ask(line, does, body)

    def _end(self, call: Asked, *, verb: str, signal: str) -> None:
        identity = _named(call, 2)
        if verb in {"pause", "unpause"}:
            self.daemon.pause(identity, on=verb == "pause")
        else:
            self.daemon.end(identity, 128 + int(signal), signal=int(signal))

    def _rm(self, call: Asked, *, forced: bool) -> Answer:
        seen = self._seen(_named(call, 2))
        if seen["State"]["Running"] and not forced:
            raise EngineError(f"cannot remove container {seen['Name']}: it is running")
        self.daemon.remove_container(seen["Id"])
        return Answer(204, "")

    def _rmi(self, call: Asked) -> Answer:
        self.daemon.remove_image(urlsplit(call.relayed).path.split("/images/")[1])
        return Answer(200, "[]")

    def _pull(self, call: Asked) -> bytes:
        name = whole(call.request.get("fromImage"))
        if name not in self.hub:
            message = f"manifest for {name} not found"
            return stream({"errorDetail": {"message": message}, "error": message})
        self.daemon.make_image(name, identity=self.hub[name])
        return stream({"status": f"Status: Downloaded newer image for {name}"})

    def _tag(self, name: str, new: str) -> Said:
        def do(call: Asked) -> Answer:
            seen = self.daemon.image(call.request.names["name"])
            self.daemon.make_image(new, identity=str((seen or {})["Id"]))
            return Answer(201, "")

        self._ask(f"POST /images/{quote(name)}/tag?repo={quote(new)}", do)
        return Said()

    def _rename(self, name: str, new: str) -> Said:
        def do(call: Asked) -> Answer:
            self.daemon.rename(_named(call, 2), new)
            return Answer(204, "")

        self._ask(f"POST /containers/{name}/rename?name={new}", do)
        return Said()

    def _volume(self, call: Asked) -> Answer:
        self.daemon.make_volume(call.json["Name"])
        return Answer(201, "{}")

    def _network(self, call: Asked) -> Answer:
        return Answer(201, json.dumps({"Id": self.daemon.make_network(call.json["Name"])}))

    def _drop(self, kind: str, call: Asked) -> Answer:
        name = _named(call, 2)
        self.daemon.remove_volume(name) if kind == "volume" else self.daemon.remove_network(name)
        return Answer(204, "")

    def _build(self, line: Words) -> Said:
        text = (line.folder / (line.last("--file") or "Dockerfile")).read_text("utf-8")
        base = next(word.split()[1] for word in text.splitlines() if word.startswith("FROM"))
        tags = line.options.get("--tag", [])
        said: list[str] = []

        def do(_: Asked) -> bytes:
            made = self.daemon.make_image(Parent=str((self.daemon.image(base) or {})["Id"]))
            self.daemon.make_image(*tags, identity=made)
            told = [f"Step 1/1 : FROM {base}\n", f" ---> {made[7:19]}\n"]
            said.extend([*told, f"Successfully built {made[7:19]}\n"])
            return stream({"aux": {"ID": made}}, *({"stream": one} for one in said))

        query = "&".join(f"t={quote(tag)}" for tag in tags)
        self._ask(f"POST /build?{query}", do)
        return Said("".join(said))

    # -- containers that run ----------------------------------------------------------------------

    def _create(self, line: Words) -> str:
        """Make a container; returns its id."""

        def do(call: Asked) -> Answer:
            given, name = call.json, call.relayed.rpartition("name=")[2]
            made = self.daemon.create(given.pop("Image"), name, **given)
            return Answer(201, json.dumps({"Id": made}))

        name = line.last("--name")
        identity = str(
            self._ask(f"POST /containers/create?name={name}", do, request_body(line)).made
        )
        if line.last("--cidfile"):
            (line.folder / line.last("--cidfile")).write_text(identity)
        return identity

    def _run(self, line: Words, channel: TextIO) -> Said:
        identity = self._create(line)
        self._begin(identity)
        if line.on("-d", "--detach"):
            return Said(f"{identity}\n")
        return self._attached(identity, channel)

    def _begin(self, name: str) -> None:
        self._ask(f"POST /containers/{name}/start", lambda c: self.daemon.start(_named(c, 2)))

    def _start(self, line: Words, channel: TextIO) -> Said:
        for name in line.rest:
            self._begin(name)
        if line.on("-a", "--attach"):
            return self._attached(self._container(line.rest[0]), channel)
        return Said("".join(f"{name}\n" for name in line.rest))

    def _attached(self, identity: str, channel: TextIO) -> Said:
        """What a container's first process does, to its end."""
        seen = self._seen(identity)
        words = [seen["Path"], *seen["Args"]]
        said = self._shell(channel) if seen["Config"]["Tty"] else self._program(words)
        with suppress(EngineError):
            self.daemon.end(identity, said.code)
        return said

    def _exec(self, line: Words, channel: TextIO) -> Said:
        name, *words = line.rest
        tty = line.on("-t", "--tty")

        def make(call: Asked) -> Answer:
            made = self.daemon.make_exec(
                _named(call, 2),
                words,
                user=line.last("--user"),
                tty=tty,
                OpenStdin=line.on("-i", "--interactive"),
            )
            return Answer(201, json.dumps({"Id": made}))

        identity = self._ask(f"POST /containers/{quote(name)}/exec", make, {"Cmd": words}).made
        self._ask(f"POST /exec/{identity}/start", lambda _: self.daemon.start_exec(identity), {})
        if line.on("-d", "--detach"):
            return Said()
        said = self._shell(channel) if tty and len(words) == 1 else self._program(words)
        self.daemon.end_exec(identity, said.code)
        return said

    def _program(self, words: Sequence[str]) -> Said:
        program = self.programs.get(Path(words[0]).name)
        return program(words) if program else Said()

    def _shell(self, channel: TextIO) -> Said:
        _tell(channel, {"become": list(self.shell)})
        return Said("", int(json.loads(channel.readline())["ended"]))

    def _container(self, name: str) -> str:
        return str(self._seen(name)["Id"])

    def _seen(self, name: str) -> Json:
        seen = self.daemon.container(name)
        if seen is None:
            raise EngineError(f"No such container: {name}")
        return seen

    def _log(self, name: str) -> list[tuple[float, str]]:
        return self.daemon.logs.get(self._container(name), [])


def _named(call: Asked, part: int) -> str:
    """A part of the path that was relayed, without the version."""
    return urlsplit(call.relayed).path.split("/")[part + 1]


def request_body(line: Words) -> Json:
    """What the CLI asks of the engine for ``docker run``."""
    image, *command = line.rest
    ports: dict[str, list[Json]] = {}
    for one in line.options.get("--publish", []):
        host, _, inner = one.rpartition(":")
        ports.setdefault(f"{inner}/tcp", []).append({"HostIp": "", "HostPort": host or inner})
    here = not line.on("-d", "--detach")
    policy, _, most = (line.last("--restart") or "no").partition(":")
    return {
        "Image": image,
        "Cmd": command or None,
        "Env": line.options.get("--env", []),
        "User": line.last("--user"),
        "WorkingDir": line.last("--workdir"),
        "Tty": line.on("-t", "--tty"),
        "OpenStdin": line.on("-i", "--interactive"),
        "StdinOnce": here and line.on("-i", "--interactive"),
        "AttachStdin": here and line.on("-i", "--interactive"),
        **dict.fromkeys(("AttachStdout", "AttachStderr"), here),
        "HostConfig": {
            "Binds": line.options.get("--volume", []),
            "PortBindings": ports,
            "AutoRemove": line.on("--rm"),
            "NetworkMode": line.last("--network") or "default",
            "RestartPolicy": {"Name": policy, "MaximumRetryCount": int(most or 0)},
        },
    }


def _tell(channel: TextIO, told: Json) -> None:
    channel.write(json.dumps(told) + "\n")
    channel.flush()
