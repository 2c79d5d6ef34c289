"""Thirty things of somebody else's on an engine, of every kind and in every state.

They are made straight on the engine, as a colleague would. All bear one word, so that they can be
told from what anybody else has there.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.flag_values import Site

RUNS = "sh"
_TOOLS = "sh sleep true false cat touch env id ls mkdir head tr tar gzip"
_SMALL = f"""
for p in {_TOOLS}; do f=$(type -P $p); echo $f; ldd $f | grep -o '/[^ ]*'; done | sort -u > /l
tar -ch --hard-dereference -T /l -f - /bin/sh /etc/passwd /etc/group
"""
WRITE = (
    "for d in / /v /v1 /v2 /v3/deep /v4 /v5 /m1 /m2 /data /named /peer /srv /opt /host; "
    "do echo fuzz > $d/fuzz; done; true"
)
"""What a container runs: it leaves a trace wherever something of others may be mounted."""


@dataclass(frozen=True)
class Engine:
    """An engine that is asked directly, beside any gate."""

    info: SandboxInfo

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which docker asks it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        return {**kept, **self.info.environ(), "DOCKER_BUILDKIT": "0"}

    def docker(self, *words: str, given: str | bytes = b"") -> str:
        """Run docker; what it printed. It must succeed."""
        sent = given.encode() if isinstance(given, str) else given
        ran = subprocess.run(
            ["docker", *words], check=False, capture_output=True, input=sent, env=self.environ
        )
        assert ran.returncode == 0, f"docker {' '.join(words)}: {ran.stderr.decode()}"
        return ran.stdout.decode(errors="replace").strip()

    def api(self, path: str) -> Any:
        """What the engine itself answers to a GET; None where it has no such thing."""
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(self.info.docker_host.removeprefix("unix://"))
        asked = http.client.HTTPConnection("docker")
        asked.sock = channel
        with closing(asked):
            asked.request("GET", path)
            answer = asked.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None

    @contextmanager
    def piped(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run docker, whose output is read as it comes."""
        with subprocess.Popen(
            ["docker", *words], stdout=subprocess.PIPE, env=self.environ
        ) as process:
            yield process
        assert process.returncode == 0, words


@dataclass
class Neighbourhood:
    """What the others have: names of each kind, and their ids."""

    engine: Engine
    site: Site
    base: str
    containers: list[str] = field(default_factory=list)
    asleep: list[str] = field(default_factory=list)
    """Containers that were never started."""
    images: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    remote: list[str] = field(default_factory=list)
    """Tags of the registry, which need not be here or mean what they mean here."""
    ids: dict[str, str] = field(default_factory=dict)
    """The full id of each container, image and network, by its name; an image without one by it."""
    execs: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    """What builds of theirs have cached."""

    @property
    def size(self) -> int:
        """How many things there are."""
        counted = (self.containers, self.images, self.volumes, self.networks, self.execs)
        return sum(map(len, counted))

    @property
    def small(self) -> str:
        """An image of a few MiB, which most containers are made of."""
        return f"{self.site.word}/small:1"

    def make(self) -> None:
        """Make all of it."""
        self._images()
        self._volumes_and_networks()
        self._containers()
        self._remember()

    def _named(self, name: str) -> str:
        return f"{self.site.word}-{name}"

    def _images(self) -> None:
        docker, word = self.engine.docker, self.site.word
        with self.engine.piped("run", "--rm", self.base, "bash", "-c", _SMALL) as packed:
            assert packed.stdout is not None
            archive = packed.stdout.read()
        docker("import", "-c", 'CMD ["sh"]', "-c", "ENV PATH=/usr/bin:/bin", "-", self.small,
               given=archive)  # fmt: skip
        several = self._derived("LABEL kind=several", f"{word}/app:1")
        for tag in (f"{word}/app:2", f"{word}/app:latest"):
            docker("tag", several, tag)
        self._derived("LABEL kind=solo", f"{word}/solo:1")
        nameless = self._derived("LABEL kind=nameless", f"{word}/solo:0")
        docker("tag", f"{word}/solo:1", f"{word}/solo:0")
        docker("rmi", f"{word}/solo:0")
        built = f"FROM {self.small}\nENV A=1\nRUN echo layer > /layer\nLABEL b={word}\n"
        docker("build", "-t", f"{word}/built:1", "-", given=built)
        self.images = [self.small, *(f"{word}/app:{t}" for t in ("1", "2", "latest"))]
        self.images += [f"{word}/solo:1", f"{word}/built:1", nameless, *self._registry()]

    def _derived(self, change: str, tag: str) -> str:
        docker = self.engine.docker
        source = docker("create", self.small, "true")
        made = docker("commit", "-c", change, source, tag)
        docker("rm", source)
        return made

    def _registry(self) -> list[str]:
        """A tag that has moved in the registry, one that is there only, one that is a digest."""
        docker, home = self.engine.docker, f"{self.engine.info.registry}/{self.site.word}"
        moved, remote, by_digest = f"{home}/moved:1", f"{home}/remote:1", f"{home}/digest"
        for tag in (moved, remote, f"{by_digest}:1"):
            self._derived(f"LABEL pushed={tag}", tag)
            docker("push", "-q", tag)
        self._derived("LABEL kind=moved", moved)
        digest = docker("inspect", "-f", "{{index .RepoDigests 0}}", f"{by_digest}:1")
        docker("rmi", f"{by_digest}:1", remote)
        docker("pull", "-q", digest)
        for one in docker("images", "-q", "--no-trunc", "--filter", "dangling=true").split():
            if docker("inspect", "-f", '{{index .Config.Labels "pushed"}}', one) == moved:
                docker("rmi", one)
        self.remote = [moved, remote]
        return [moved, digest]

    def _volumes_and_networks(self) -> None:
        docker, (four, six) = self.engine.docker, self.site.prefixes
        self.volumes = [self._named(n) for n in ("v", "p", "data", "unused")]
        for name in self.volumes:
            docker("volume", "create", "--label", "of=others", name)
            write = f"{WRITE}; mkdir /v/deep; echo {name} > /v/deep/file"
            docker("run", "--rm", "-v", f"{name}:/v", self.small, RUNS, "-c", write)
        memory = ("-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m")
        self.volumes += [docker("volume", "create", *memory, self._named("memory"))]
        self.volumes += [docker("volume", "create")]
        subnets = ("--ipv6", "--subnet", f"{six}/64", "--subnet", f"{four}0/24")
        docker("network", "create", *subnets, self.site.network)
        docker("network", "create", self._named("second"))
        docker("network", "create", "--internal", self._named("inside"))
        docker("network", "create", "--label", "of=others", self._named("empty"))
        self.networks = [self.site.network, *map(self._named, ("second", "inside", "empty"))]

    def _containers(self) -> None:
        word, data, sleep = self.site.word, self._named("data"), ("sleep", "100000")
        write = (RUNS, "-c", f"{WRITE}; echo said; exec sleep 100000")
        on = ("--network", self.site.network)
        made: dict[str, tuple[Sequence[str], str, Sequence[str]]] = {
            "peer": (["-d", *on, "--network-alias=db", "--ipc=shareable"], self.small, write),
            "volume": (["-d", "-v", f"{data}:/v"], f"{word}/app:1", write),
            "ports": (["-d", "-p", "8080", "-v", "/v"], self.small, sleep),
            "entered": (["-d", "-v", f"{self._named('p')}:/v"], f"{word}/built:1", sleep),
            "both": (["-d", *on], f"{word}/app:latest", sleep),
            "restarts": (["-d", "--restart=always"], self.small, write),
            "terminal": (["-dit"], self.small, [RUNS]),
            "paused": (["-d", "-v", f"{data}:/v:ro"], self.small, write),
            "ended": (["-d", "--restart=no"], self.small, [RUNS, "-c", f"{WRITE}; exit 3"]),
            "created": (["-v", f"{self._named('v')}:/v", "-v", "/w"], self.small, sleep),
            "removes": (["--rm", "--network", self._named("second")], self.small, sleep),
            "linked": (["--link", self._named("volume")], self.small, sleep),
        }
        docker = self.engine.docker
        for name, (flags, image, command) in made.items():
            verb = "run" if any(f.startswith("-d") for f in flags) else "create"
            docker(verb, *flags, f"--name={self._named(name)}", image, *command)
            self.asleep += [self._named(name)] if verb == "create" else []
        self.containers = [self._named(name) for name in made]
        docker("network", "connect", "--alias=cache", self._named("second"), self._named("both"))
        docker("wait", self._named("ended"))
        docker("exec", "-d", self._named("entered"), *sleep)
        docker("pause", self._named("paused"))

    def _remember(self) -> None:
        seen = self.engine.docker
        for kind in ("containers", "images", "networks"):
            for name in getattr(self, kind):
                self.ids[name] = seen("inspect", "-f", "{{.Id}}", name)
        entered = seen("inspect", "-f", "{{range .ExecIDs}}{{.}} {{end}}", self._named("entered"))
        self.execs = entered.split()
        mounts = "{{range .Mounts}}{{.Name}} {{end}}"
        for name in self.containers:
            self.volumes += seen("inspect", "-f", mounts, name).split()
        self.volumes = list(dict.fromkeys(self.volumes))
