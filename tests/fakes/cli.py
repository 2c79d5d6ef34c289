"""The docker CLI of a run in memory: a real program on the PATH, whose words come to us.

It reads the words as Docker does, as far as the tests need it, and asks the engine through the
run's gate for whatever changes something. What programs in containers do, a test says.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, urlsplit

from lifecycle.engine.daemon import EngineError
from lifecycle.gate.gate import Answer
from tests.fakes.daemon import FakeDaemon
from tests.fakes.documents import whole
from tests.fakes.gate import Asked, FakeGates, stream

Json = dict[str, Any]
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
    **{"-t": "--tag", "--tag": "--tag", "--cidfile": "--cidfile"},
}
_FLAG_OF_RUN = frozenset({"-t", "-f"})
SHELL = ("sh", "-c", "PS1='inside# ' exec sh -i")


@dataclass
class Words:
    """A line as Docker reads it: options to their values, and the rest."""

    options: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    def last(self, name: str) -> str:
        """The value of an option that counts; empty where it is not there."""
        return next(iter(self.options.get(name, [])[-1:]), "")

    def on(self, *names: str) -> bool:
        """Whether one of these stands in it."""
        return any(name in self.options for name in names)


def read_words(words: Sequence[str], *, build: bool) -> Words:
    """Read what follows a verb, up to where a container's own words begin."""
    found, left = Words(), list(words)
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
        text = _PROGRAM.read_text("utf-8").replace("#!python", f"#!{sys.executable}", 1)
        program = self.folder / "docker"
        program.write_text(text)
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
            os.chmod(self.address.removeprefix("unix://"), 0o777)
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
        line = read_words(rest, build=verb == "build")
        match verb:
            case "run" | "create":
                return self._run(verb, line, channel)
            case "exec":
                return self._exec(line, channel)
            case "start":
                return self._start(line, channel)
            case "attach":
                return self._attached(self._container(line.rest[0]), channel)
            case "build":
                return self._build(line, folder)
            case "logs":
                return Said("".join(f"{t}\n" for _, t in self._log(line.rest[0])))
        return self._simple(verb, line)

    def _simple(self, verb: str, line: Words) -> Said:
        names = line.rest
        for name in names if verb not in {"tag", "rename"} else names[:1]:
            match verb:
                case "stop" | "kill" | "pause" | "unpause":
                    signal = line.last("--signal") or {"stop": "15", "kill": "9"}.get(verb, "")
                    self._touch(name, verb, lambda i, v=verb, s=signal: self._end(i, v, s))
                case "rm" | "container rm":
                    query = "?force=1" if line.on("-f", "--force") else ""
                    path = f"/containers/{quote(name)}{query}"
                    self._ask(f"DELETE {path}", lambda c: self._rm(c, forced=bool(query)))
                case "rmi" | "image rm":
                    self._ask(f"DELETE /images/{quote(name)}", self._rmi)
                case "pull":
                    self._ask(f"POST /images/create?fromImage={quote(whole(name))}", self._pull)
                case "tag":
                    self._ask(f"POST /images/{quote(name)}/tag?repo={names[1]}", self._tag)
                case "rename":
                    self._ask(f"POST /containers/{name}/rename?name={names[1]}", self._rename)
                case "volume create":
                    self._ask("POST /volumes/create", self._volume, {"Name": name})
                case "volume rm":
                    self._ask(f"DELETE /volumes/{name}", lambda c: self._drop(c, "volume"))
                case "network create":
                    self._ask("POST /networks/create", self._network, {"Name": name})
                case "network rm":
                    self._ask(f"DELETE /networks/{name}", lambda c: self._drop(c, "network"))
        return Said("".join(f"{name}\n" for name in names))

    def _ask(self, line: str, does: Callable[[Asked], Any], body: Any = None) -> Any:
        if self.gates is None:
            raise EngineError("there is no gate")
        return self.gates.ask(line, does, body)

    def _touch(self, name: str, what: str, does: Callable[[str], None]) -> None:
        verb = {"unpause": "unpause", "pause": "pause", "stop": "stop"}.get(what, what)
        self._ask(f"POST /containers/{quote(name)}/{verb}", lambda c: does(_named(c, 2)))

    def _end(self, identity: str, verb: str, signal: str) -> None:
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

    def _tag(self, call: Asked) -> Answer:
        seen = self.daemon.image(call.request.names["name"])
        self.daemon.make_image(call.request.get("repo"), identity=str((seen or {})["Id"]))
        return Answer(201, "")

    def _rename(self, call: Asked) -> Answer:
        self.daemon.rename(_named(call, 2), call.request.get("name"))
        return Answer(204, "")

    def _volume(self, call: Asked) -> Answer:
        self.daemon.make_volume(call.json["Name"])
        return Answer(201, "{}")

    def _network(self, call: Asked) -> Answer:
        return Answer(201, json.dumps({"Id": self.daemon.make_network(call.json["Name"])}))

    def _drop(self, call: Asked, kind: str) -> Answer:
        name = _named(call, 2)
        self.daemon.remove_volume(name) if kind == "volume" else self.daemon.remove_network(name)
        return Answer(204, "")

    def _build(self, line: Words, folder: Path) -> Said:
        text = (folder / (line.last("--file") or "Dockerfile")).read_text("utf-8")
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

    def _run(self, verb: str, line: Words, channel: TextIO) -> Said:
        body = _body(line)

        def create(call: Asked) -> Answer:
            name = call.relayed.rpartition("name=")[2]
            given = call.json
            made = self.daemon.create(given.pop("Image"), name, **given)
            return Answer(201, json.dumps({"Id": made}))

        name = line.last("--name")
        answer = self._ask(f"POST /containers/create?name={name}", create, body)
        identity = answer.made
        if line.last("--cidfile"):
            Path(line.last("--cidfile")).write_text(identity)
        if verb == "create":
            return Said(f"{identity}\n")
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
                _named(call, 2), words, user=line.last("--user"), tty=tty
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
        return self.programs.get(Path(words[0]).name, lambda _: Said())(words)

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


def _body(line: Words) -> Json:
    """What the CLI asks of the engine for ``docker run``."""
    image, *command = line.rest
    ports: dict[str, list[Json]] = {}
    for one in line.options.get("--publish", []):
        host, _, inner = one.rpartition(":")
        ports.setdefault(f"{inner}/tcp", []).append({"HostIp": "", "HostPort": host or inner})
    policy, _, most = (line.last("--restart") or "no").partition(":")
    return {
        "Image": image,
        "Cmd": command or None,
        "Env": line.options.get("--env", []),
        "User": line.last("--user"),
        "WorkingDir": line.last("--workdir"),
        "Tty": line.on("-t", "--tty"),
        "OpenStdin": line.on("-i", "--interactive"),
        "HostConfig": {
            "Binds": line.options.get("--volume", []),
            "PortBindings": ports,
            "AutoRemove": line.on("--rm"),
            "NetworkMode": line.last("--network") or "bridge",
            "RestartPolicy": {"Name": policy, "MaximumRetryCount": int(most or 0)},
        },
    }


def _tell(channel: TextIO, told: Json) -> None:
    channel.write(json.dumps(told) + "\n")
    channel.flush()
