"""Hypothesis strategies for docker lines of every verb and flag that name other people's things.

What a line names is drawn from what others have, by every spelling that the engine understands,
from what lines before it may have made, and from nothing at all.
"""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hypothesis import strategies as st

from lifecycle.command.flags import UNREAD, VERBS, Flag, Verb
from tests.engine.flag_values import SILENT, cases
from tests.engine.neighbourhood import WRITE, Neighbourhood

Texts = st.SearchStrategy[str]
Words = st.SearchStrategy[list[str]]
_NEW = 6
_ENDLESS = {
    "events": ("--until", "0s"),
    "stats": ("--no-stream",),
    "search": ("--limit", "1"),
}
"""What ends a line that never would by itself."""


@dataclass(frozen=True)
class Fuzzed:
    """One line: its words after ``docker``, and how it is said."""

    words: tuple[str, ...]
    form: str
    verb: str = ""
    flags: tuple[str, ...] = ()
    """Its flags by their long spellings."""

    def __str__(self) -> str:
        """As a shell reads it."""
        return self.form.replace("WORDS", shlex.join(self.words)).replace(
            "QUOTED", shlex.quote(shlex.join(("docker", *self.words)))
        )


FORMS = (
    "docker WORDS",
    "env docker WORDS",
    "/usr/bin/env -- docker WORDS",
    "env DOCKER_BUILDKIT=1 docker WORDS",
    "env DOCKER_API_VERSION=1.24 docker WORDS",
    "bash -c QUOTED",
    "sh -c 'sh -c \"$1\"' sh QUOTED",
    "timeout 20 docker WORDS",
    "nice -n 5 docker WORDS",
    "nohup docker WORDS",
    "setsid -w docker WORDS",
    "$(command -v docker) WORDS",
    "printf '%s\\0' WORDS | xargs -0 docker",
    "find / -maxdepth 0 -exec docker WORDS ';'",
    "docker --log-level error WORDS",
    'docker -H "$DOCKER_HOST" WORDS',
    "(docker WORDS & wait)",
    "python3 -c 'import os, sys; os.execvp(\"docker\", sys.argv)' docker WORDS",
)
"""The ways in which a line of a script may be said."""


class Lines:
    """Draws lines for a neighbourhood; ``mine`` is the word of what the run makes."""

    def __init__(self, there: Neighbourhood, mine: str, folder: str) -> None:
        """``folder`` holds the contexts and archives that lines name."""
        self._there, self._mine, self._folder = there, mine, folder
        self._cases = cases(there.site)
        self._offered: dict[str, set[str]] = {}
        new = [f"{mine}-{n}" for n in range(_NEW)]
        self.container = self._spelled(there.containers, "/") | st.sampled_from(new)
        self.network = self._spelled(there.networks) | st.sampled_from([*new, "bridge", "host"])
        self.volume = st.sampled_from([*there.volumes, *new])
        tags = [f"{mine}/{n}:{t}" for n in "ab" for t in "12"]
        images = [*there.images, *there.remote, there.small, there.base]
        full = [f"docker.io/{tag}" for tag in images if tag.startswith(there.site.word)]
        bare = [tag.rpartition(":")[0] for tag in images if "@" not in tag]
        bare += [f"{name}@{i}" for name in bare for i in there.ids.values() if "sha256" in i][:6]
        self.tag = st.sampled_from([*images, *full, *tags, *tags])
        self.image = self.tag | st.sampled_from(bare) | self._spelled(there.images)
        self.any = self.container | self.network | self.volume | self.image | self.exec
        self._by_title = self._titles()

    @property
    def exec(self) -> Texts:
        """An exec of somebody's."""
        return st.sampled_from(self._there.execs)

    def _spelled(self, names: Sequence[str], before: str = "") -> Texts:
        """A thing of others by its name, its id, or a part of it."""
        ids = [self._there.ids[n] for n in names]
        bare = st.sampled_from([i.removeprefix("sha256:") for i in ids])
        digits = st.sampled_from((4, 5, 7, 11, 12, 12, 13, 63, 64))
        short = st.builds(lambda one, count: one[:count], bare, digits)
        return (
            st.sampled_from(names)
            | st.sampled_from(names).map(f"{before}{{}}".format)
            | short
            | (short if before else short.map("sha256:{}".format))
        )

    def _titles(self) -> dict[str, Texts]:
        """What is drawn for a positional, by its title in the table."""
        folder, site = self._folder, self._there.site
        paths = ("/", "/v/deep/file", "/fuzz", "/v", "/etc/passwd", "/new")
        inside = st.builds("{}:{}".format, self.container, st.sampled_from(paths))
        outside = st.sampled_from((f"{folder}/env-a", "copied", f"{folder}/open"))
        context = st.sampled_from([f"{folder}/context-{n}" for n in range(CONTEXTS)])
        return {
            "IMAGE": self.image,
            "NAME[:TAG|@DIGEST]": self.image,
            "NAME[:TAG]": self.image,
            "SOURCE_IMAGE[:TAG]": self.image,
            "TARGET_IMAGE": self.tag,
            "REPOSITORY[:TAG]": self.tag,
            "CONTAINER": self.container,
            "NEW_NAME": self.container,
            "NETWORK": self.network,
            "VOLUME": self.volume,
            "NAME|ID": self.any,
            "SRC": inside,
            "DEST": inside | outside,
            "PATH | URL | -": context,
            "file | URL | -": st.sampled_from([f"{folder}/{n}.tar" for n in ARCHIVES]),
            "PRIVATE_PORT": st.sampled_from(("8080", "8080/tcp")),
            "PS_OPTION": st.sampled_from(("-e", "aux")),
            "TERM": st.just(site.word),
            "SERVER": st.just(self._there.engine.info.registry),
        }

    # -- flags ----------------------------------------------------------------------------------

    def _values(self, verb: Verb, flag: Flag) -> Texts:
        """What is drawn for a flag that takes a value."""
        name = f"{verb.name} {flag.long}"
        mine = self._more.get(name, self._more.get(flag.long))
        case = self._cases.get(flag.long) or SILENT.get(flag.long)
        found = [] if mine is None else [mine]
        found += [case.values] if case and (mine is None or flag.long in _BOTH) else []
        return st.one_of(*found, *([] if found else [self.any, _FREE]))

    @cached_property
    def _more(self) -> dict[str, Texts]:
        """Flags whose values may name things of others, or that no other test draws."""
        c, n, v, folder = self.container, self.network, self.volume, self._folder
        joined = c.map("container:{}".format)
        where = st.sampled_from(("/v", "/v1", "/data"))
        state = self._there.engine.info.state_dir
        hosts = st.sampled_from(
            ("/", "/run", "/var/lib", "/proc/1/root", state, f"{state}/docker.sock")
        ) | st.sampled_from(self._there.volumes).map(
            lambda name: str(self._there.engine.api(f"/volumes/{name}")["Mountpoint"])
        )
        source = v | v | hosts
        kinds = st.sampled_from(("volume", "volume", "bind"))
        mount = st.builds("type={},src={},dst={}".format, kinds, source, where)
        return {
            "--name": c,
            "--network": n | joined,
            "--pid": joined,
            "--ipc": joined,
            "--uts": st.just("host"),
            "--link": st.builds("{}:db".format, c),
            "--volumes-from": c.map(str) | c.map("{}:rw".format),
            "--volume": st.builds("{}:{}".format, source, where),
            "--mount": mount,
            "--network-alias": st.sampled_from(("db", "cache", self._there.containers[0])),
            "--alias": st.sampled_from(("db", "cache", self._there.containers[0])),
            "--config-from": n,
            "--tag": self.tag,
            "--cache-from": self.image,
            "--file": st.sampled_from(
                [f"{folder}/context-{i}/Dockerfile" for i in range(CONTEXTS)]
            ),
            "--target": st.sampled_from(("", "one", "two")),
            "--build-arg": st.builds("BASE={}".format, self.image),
            "--input": st.sampled_from([f"{folder}/{name}.tar" for name in ARCHIVES]),
            "--output": st.sampled_from(("out.tar", "type=image", "type=docker")),
            "--cidfile": st.sampled_from(("cid", f"{folder}/env-a")),
            # Below the engine's own, which goes with it.
            "--cgroup-parent": st.just(f"/lifecycle-{self._there.engine.info.id}/fuzz"),
            "--change": st.sampled_from(("ENV A=1", "CMD true", "ONBUILD RUN true", "USER 1")),
            "--signal": st.sampled_from(("KILL", "TERM", "USR1", "9")),
            "--timeout": st.sampled_from(("0", "1")),
            "--tail": st.just("1"),
            "--mac-address": st.just("02:42:ac:11:00:99"),
            "--filter": st.builds("name={}".format, c) | st.builds("label={}".format, _FREE),
            "--format": st.sampled_from(("json", "{{.ID}}", "{{.Id}}")),
            "--opt": st.just("o=bind") | st.just("type=none") | hosts.map("device={}".format),
            "--driver": st.sampled_from(("local", "bridge", "macvlan", "none")),
            "--subnet": st.sampled_from(("172.30.7.0/24", f"{self._there.site.prefixes[0]}0/24")),
            "--gateway": st.just("172.30.7.1"),
            "--ip-range": st.just("172.30.7.0/25"),
            "--username": st.just("somebody"),
            "--password": st.just("password"),
            "--last": st.just("1"),
            "--limit": st.just("1"),
            "--until": st.just("0s"),
            "--since": st.just("1s"),
            "--blkio-weight": st.just("100"),
            "--cpu-rt-runtime": st.just("1000"),
            "--health-start-interval": st.just("9s"),
            "--kernel-memory": st.just("0"),
            "--annotation": st.just("a=b"),
            "--attach": st.sampled_from(("stdout", "stderr")),
            "--storage-opt": st.just("size=1G"),
            "--gpus": st.just("all"),
            "--isolation": st.just("default"),
            "inspect --type": st.sampled_from(("container", "image", "network", "volume")),
        }

    def _flags(
        self, verb: Verb, wanted: Sequence[str]
    ) -> st.SearchStrategy[tuple[list[str], tuple[str, ...]]]:
        """Some flags of a verb, those that are wanted among them: their words, and which."""
        known = {f.long: f for f in verb.flags}
        most = 2 if wanted else 4
        listed = sorted(known.keys() & self._listed(verb)) or sorted(known)
        some = st.lists(st.sampled_from(listed), max_size=most, unique=True)

        @st.composite
        def flags(draw: st.DrawFn) -> tuple[list[str], tuple[str, ...]]:
            words: list[str] = []
            chosen = tuple(dict.fromkeys((*wanted, *(draw(some) if known else []))))
            for long in chosen:
                words += draw(self._flag(verb, known[long]))
            return words, chosen

        return flags()

    def _listed(self, verb: Verb) -> set[str]:
        """The flags that the CLI offers on this engine: with others, a line goes nowhere."""
        if verb.name not in self._offered:
            said = self._there.engine.docker(*verb.name.split(), "--help")
            self._offered[verb.name] = set(re.findall(r"(?<=\s)--[a-z][\w-]+", said))
        return self._offered[verb.name]

    def _flag(self, verb: Verb, flag: Flag) -> Words:
        if flag.kind == "bool":
            plain = st.just([flag.long])
            short = st.just([flag.short or flag.long])
            return plain | short | st.just([f"{flag.long}=false"])
        values = self._values(verb, flag)
        spelled = values.map(lambda v: [f"{flag.long}={v}"])
        spelled |= values.map(lambda v: [flag.long, v])
        if flag.short:
            spelled |= values.map(lambda v: [flag.short, v])
        return spelled

    # -- whole lines ------------------------------------------------------------------------------

    def of(self, verb: Verb, wanted: Sequence[str] = ()) -> st.SearchStrategy[Fuzzed]:
        """Lines of one verb, with some flags for sure."""

        @st.composite
        def line(draw: st.DrawFn) -> Fuzzed:
            name = draw(st.sampled_from((verb.name, verb.name, *verb.aliases)))
            flags, chosen = draw(self._flags(verb, wanted))
            always = [*_ENDLESS.get(verb.name, ())]
            stays = verb.name == "create"
            if verb.name in {"run", "exec"} and draw(st.booleans()):
                always, stays = ["-d"], True
            arguments = draw(self._arguments(verb, stays=stays))
            words = [*name.split(), *flags, *always, *arguments]
            return Fuzzed(tuple(words), draw(st.sampled_from(FORMS)), verb.name, chosen)

        return line()

    def _arguments(self, verb: Verb, *, stays: bool) -> Words:
        @st.composite
        def arguments(draw: st.DrawFn) -> list[str]:
            words: list[str] = []
            if verb.name == "cp" and draw(st.booleans()):
                return [f"{self._folder}/env-a", draw(self._by_title["SRC"])]
            for arg in verb.args:
                if arg.title == "COMMAND":
                    return [*words, *draw(_LONG if stays else _SHORT)]
                count = draw(st.integers(0 if arg.optional else 1, 2 if arg.many else 1))
                for _ in range(count):
                    of_its_kind = draw(st.integers(0, 9)) > 0
                    words.append(draw(self._by_title[arg.title] if of_its_kind else self.any))
            return words

        return arguments()

    def unread(self) -> st.SearchStrategy[Fuzzed]:
        """Lines of commands that lifecycle does not read at all."""
        second = st.sampled_from(("create", "rm", "ls", "update", "inspect", "init", "install"))
        words = st.builds(
            lambda one, two, some: (one, two, *some),
            st.sampled_from(sorted(UNREAD)),
            second,
            st.lists(self.any, max_size=2),
        )
        return st.builds(Fuzzed, words, st.sampled_from(FORMS))


CONTEXTS = 6
ARCHIVES = ("theirs", "new", "both", "junk", "files")
_BOTH = ("--network", "--volume", "--mount", "--pid", "--ipc")
"""Flags whose usual values are drawn as well as those that name things of others."""
_FREE = st.sampled_from(("", "1", "0", "-1", "64m", "true", "a=b", "x", "none", "/tmp", "é"))
_SHORT: Words = st.sampled_from((["sh", "-c", WRITE], ["sh", "-c", WRITE], ["true"], ["nothing"]))
_LONG: Words = st.sampled_from((["sh", "-c", f"{WRITE}; sleep 300"], ["sleep", "300"])) | _SHORT
_CHANGING = frozenset(
    {
        "run",
        "create",
        "exec",
        "rm",
        "rmi",
        "cp",
        "commit",
        "build",
        "tag",
        "load",
        "network connect",
    }
)
"""Verbs of which there are more lines than of others: they have more ways to do harm."""


def shares(count: int) -> dict[str, int]:
    """How many lines there are of each verb, of so many in all."""
    weights = {name: 3 if name in _CHANGING else 1 for name in VERBS}
    whole = sum(weights.values()) + 2
    return {name: max(1, count * weight // whole) for name, weight in weights.items()}


def hands(verb: Verb, count: int) -> list[tuple[str, ...]]:
    """The flags of a verb, dealt into so many hands at most that each flag is in one of them."""
    flags = sorted(f.long for f in verb.flags)
    random.Random(verb.name).shuffle(flags)
    size = max(3, -(-len(flags) // max(1, count)))
    return [tuple(flags[at : at + size]) for at in range(0, len(flags), size)]
