"""What a line that is not plain docker will do about the engine, as far as its words tell.

Every command of a run reaches the engine by a way of the run's own, the gate, which refuses by
id what is not the run's. So a docker that hides behind another word is held to that as any other
is, and only its promises are not read. What the gate can't see is a line that gets round it, and
that is what is looked for here: best effort, in words and in lines for a shell, with no look at
files. Pure.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lifecycle.command.host.script import Words, program, runs, script, takes_script, tokens
from lifecycle.command.host.tables import (
    AROUND,
    DEFAULT_SOCKET,
    DOCKERS,
    ENGINE_FOLDERS,
    MENTIONS,
    PLAIN,
    SHELLS,
    UNMISTAKABLE,
    WRAPPERS,
)
from lifecycle.command.line import CommandError, DockerLine
from lifecycle.command.parse import parse
from lifecycle.command.values.basic import ImpossibleError
from lifecycle.command.values.mounts import is_path, mount
from lifecycle.scenario.split_line import PROMPT

Kind = Literal["plain", "behind", "unknown", "around", "mistaken"]

AS_WRITTEN = "`engine: as-written` in the scenario"
_THROUGH = (
    "what it asks of the engine goes through the gate, which refuses what this run did not make; "
    "nothing is promised from its words"
)
_ROUND = "so it gets round the gate, the run's own way to the engine"
_PERMITTED = f"{AS_WRITTEN} permits it, and what it does to the engine is not held back"
_WITHOUT = "a line without it"
_KEPT = "a line that keeps the environment"
_BY_CLI = "--context of lifecycle, or DOCKER_HOST when lifecycle is started"
_ENGINE_FLAGS = ("--host", "--context", "--config", "--tls")
_VALUES = frozenset({"-f", "-p", "-l", "--file", "--project-name", "--env-file", "--profile"})
_CHOOSES = frozenset({("context", "use"), ("buildx", "create"), ("buildx", "use")})
_GIVES = "gives the engine's own socket or data to a container"
_MOUNTED = re.compile(r"(?:^|[=,]|^-v)([./][^:,=]*)(?=[:,])")
_PROC = re.compile(r"^/proc/[^/]+/(?:task/[^/]+/)?(root|cwd|fd)(?=/|$)")
_SOCAT = re.compile(r"unix|abstract|gopen", re.IGNORECASE)
_NETCATS = ("nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", "telnet")
_ENGINE_PORTS = frozenset({"2375", "2376"})
_NEAR = 1
_UP_TO = re.compile(r"(?:\b\w+:(?=/))?[\w./~+-]*$")
_SIGNS = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True)
class HostLine:
    """What a line is, by its words alone.

    ``about`` is the word that says so, ``sentence`` what the line will do about the engine,
    ``instead`` what to write where it may not run, and ``corrected`` the whole line so written.
    ``word`` is the index of the word.
    """

    kind: Kind
    about: str
    sentence: str
    instead: str = ""
    corrected: str = ""
    word: int = 0

    @property
    def note(self) -> str:
        """What to tell before anything runs; empty where there is nothing to tell."""
        if self.kind == "plain":
            return ""
        return f"{self.sentence}; {_PERMITTED}" if self.kind == "around" else self.sentence


@dataclass(frozen=True)
class _Way:
    """A word by which a line gets round the gate."""

    about: str
    why: str
    instead: str = _WITHOUT


def classify(
    words: Sequence[str], *, stdin: str = "", sockets: Iterable[str] = (DEFAULT_SOCKET,)
) -> HostLine:
    """What a line is that does not begin with docker; ``stdin`` is what it is given to read."""
    line = tuple(words)
    wrong = _mistaken(line)
    if wrong:
        return wrong
    programs, whole = runs(line)
    if stdin and not all(_is_plain(one) for one in programs):
        more, read = script(stdin)
        for one in more:
            inner, all_read = runs(one)
            programs, whole = programs + inner, whole and all_read
        whole = whole and read
    places = tuple(sockets)
    texts = (*line, stdin)
    round_it = next(_ways(texts, programs, places, whole=whole), None)
    if round_it:
        return _around(round_it, line)
    return _through(line, programs, whole=whole)


def _around(way: _Way, line: Words) -> HostLine:
    sentence = f"`{way.about}` {way.why}, {_ROUND}"
    at = next((i for i, w in enumerate(line) if way.about in w), 0)
    return HostLine("around", way.about, sentence, way.instead, word=at)


def _through(line: Words, programs: Sequence[Words], *, whole: bool) -> HostLine:
    first = line[0] if line else ""
    strange = [one for one in programs if not _is_plain(one)]
    if whole and not strange:
        return HostLine("plain", first, "")
    if DOCKERS & {t.lower() for t in tokens(line)}:
        if program(first) in DOCKERS:
            return HostLine("behind", first, f"`{first}` is not read as docker is: {_THROUGH}")
        return HostLine("behind", first, f"docker stands behind `{first}`: {_THROUGH}")
    about = program(strange[0][0]) if strange else first
    return HostLine("unknown", about, f"`{about}` is not docker: {_THROUGH}")


def _is_plain(one: Words) -> bool:
    """Whether a program neither runs another one that is not seen, nor asks an engine."""
    name = program(one[0])
    if name in SHELLS:
        return takes_script(one)
    return name in PLAIN or name in WRAPPERS or name in {"eval", "find"}


# -- round the gate --------------------------------------------------------------------------


def _ways(
    line: Words, programs: Sequence[Words], sockets: Sequence[str], *, whole: bool
) -> Iterator[_Way]:
    yield from _mentions({w: None for one in (line, *programs) for w in one}, sockets)
    for one in programs:
        yield from _of_program(one, sockets)
    if whole and all(_is_plain(one) for one in programs):
        return
    names = UNMISTAKABLE if whole else AROUND
    yield from (_Way(t, AROUND[t]) for t in tokens(line) if t in names)


def mentioned(text: str, sockets: Iterable[str] = (DEFAULT_SOCKET,)) -> HostLine | None:
    """What a text that is no line for a shell names of the engine by another way; or None."""
    way = next(_mentions((text,), tuple(sockets)), None)
    return _around(way, (text,)) if way else None


def _mentions(texts: Iterable[str], sockets: Sequence[str]) -> Iterator[_Way]:
    named = {re.escape(s): "is the engine's own socket" for s in sockets if s}
    patterns = (*((re.compile(p), why) for p, why in named.items()), *MENTIONS)
    for text in texts:
        for pattern, why in patterns:
            match = pattern.search(text)
            if match:
                yield _Way(_whole_word(text, match.start(), match.end()), why)


def _whole_word(text: str, start: int, end: int) -> str:
    """The match with the rest of its word on both sides, as long as a sentence bears."""
    before = _UP_TO.findall(text[max(0, start - 60) : start])[0]
    after = re.split(r"[^\w./~+-]", text[end : end + 60])[0]
    return f"{before}{text[start:end]}{after}"


def _of_program(one: Words, sockets: Sequence[str]) -> Iterator[_Way]:
    name = program(one[0])
    if name in AROUND:
        yield _Way(name, AROUND[name])
    elif name in _RULES:
        yield from _RULES[name](one, sockets)


def _of_env(one: Words, _sockets: Sequence[str]) -> Iterator[_Way]:
    if _empties(one):
        yield _Way("env", "starts what follows without DOCKER_HOST", _KEPT)


def _of_exec(one: Words, _sockets: Sequence[str]) -> Iterator[_Way]:
    if any(re.fullmatch(r"-[lc]*c[lc]*", w) for w in one[1:]):
        yield _Way("exec", "starts what follows without DOCKER_HOST", _KEPT)


def _of_curl(one: Words, _sockets: Sequence[str]) -> Iterator[_Way]:
    if any(w.startswith(("--unix", "--abstract-unix")) for w in one):
        yield _Way("--unix-socket", "asks a socket itself", "docker, or a port by http://")


def _of_socat(one: Words, _sockets: Sequence[str]) -> Iterator[_Way]:
    if any(_SOCAT.search(w) for w in one[1:]):
        yield _Way("socat", "asks a socket itself", "socat of TCP addresses")


def _of_netcat(one: Words, _sockets: Sequence[str]) -> Iterator[_Way]:
    name = program(one[0])
    if any(re.fullmatch(r"-[a-zA-Z]*U[a-zA-Z]*|--unixsock", w) for w in one[1:]):
        yield _Way(name, "asks a socket itself", f"{name} HOST PORT")
    elif _ENGINE_PORTS & set(one[1:]):
        yield _Way(name, "asks an engine's own port", "another port")


def _of_link(one: Words, sockets: Sequence[str]) -> Iterator[_Way]:
    """A link to a folder, or a mount of it, hides which folder it is."""
    folders = (w for w in one[1:] if w.startswith("/") and reaches_engine(w, sockets))
    yield from (_Way(w, "is or holds the engine's own socket or data") for w in folders)


def _empties(one: Words) -> bool:
    """Whether an ``env`` drops the variables that it was started with."""
    skip = False
    for word in one[1:]:
        if skip:
            skip = False
        elif word in {"-", "--ignore-environment"}:
            return True
        elif word in {"--unset", "--chdir"}:
            skip = True
        elif not word.startswith("-"):
            return False
        elif not word.startswith("--"):
            letters = re.split("[uCS]", word[1:], maxsplit=1)
            if "i" in letters[0]:
                return True
            skip = letters[1:] == [""]
    return False


def _of_docker(one: Words, sockets: Sequence[str]) -> Iterator[_Way]:
    """A docker that hides: another engine, or the engine's socket in a container."""
    at = 1
    while at < len(one) and one[at].startswith("-"):
        word = one[at]
        name = word.partition("=")[0]
        if name.startswith(_ENGINE_FLAGS) or word.startswith(("-H", "-c")):
            yield _Way(name, "chooses another engine", _BY_CLI)
        at += 2 if word in _VALUES else 1
    if tuple(one[at : at + 2]) in _CHOOSES:
        yield _Way(" ".join(one[at : at + 2]), "chooses another engine", _BY_CLI)
    try:
        yield from _mounted(parse(("docker", *one[1:])), "", sockets)
    except CommandError:  # another CLI's words: anything that looks like a mount counts
        sources = (m[1] for w in one[1:] for m in _MOUNTED.finditer(w))
        yield from (_Way(s, _GIVES) for s in sources if reaches_engine(s, sockets))


_RULES: dict[str, Callable[[Words, Sequence[str]], Iterator[_Way]]] = {
    "env": _of_env,
    "exec": _of_exec,
    "curl": _of_curl,
    "socat": _of_socat,
    **dict.fromkeys(_NETCATS, _of_netcat),
    **dict.fromkeys(("bindfs", "ln", "mount"), _of_link),
    **dict.fromkeys(DOCKERS, _of_docker),
}
"""What single programs must not be told."""


# -- docker lines ----------------------------------------------------------------------------


def around(
    line: DockerLine, *, cwd: str = "", sockets: Iterable[str] = (DEFAULT_SOCKET,)
) -> HostLine | None:
    """How a docker line gets a container, or a build, round the gate; None when it does not."""
    way = next(_mounted(line, cwd, tuple(sockets)), None)
    return _around(way, line.words) if way else None


def _mounted(line: DockerLine, cwd: str, sockets: Sequence[str]) -> Iterator[_Way]:
    if line.on("--use-api-socket"):
        yield _Way("--use-api-socket", "gives the engine's own socket to the container")
    for builder in line.values("--builder"):
        if builder != "default":
            yield _Way("--builder", "chooses a builder that may be another engine's")
    inside = (*line.values("--entrypoint"), *line.args[1:])
    if line.on("--privileged") and any(program(one[0]) == "nsenter" for one in runs(inside)[0]):
        yield _Way("nsenter", "enters the machine itself from a privileged container")
    for source in _sources(line):
        if reaches_engine(source, sockets, cwd):
            yield _Way(source, _GIVES, "a mount of another folder")


def _sources(line: DockerLine) -> Iterator[str]:
    """Folders of the host that a line gives to a container."""
    for text in line.values("--volume"):
        source = text.partition(":")[0]
        if is_path(source) and ":" in text:
            yield source
    for text in line.values("--mount"):
        try:
            asked = mount(text)
        except ImpossibleError:
            continue
        if asked.mount.type in {"bind", "npipe"}:
            yield asked.mount.source
        yield from (str(o.value) for o in asked.options if o.option == "opt device")
    if line.verb == "volume create":
        yield from (text.partition("=")[2] for text in line.values("--opt"))


def reaches_engine(path: str, sockets: Iterable[str] = (DEFAULT_SOCKET,), cwd: str = "") -> bool:
    """Whether a folder or file of the host is, holds or leads to an engine's socket or data.

    No link is followed: a caller that may ask the file system resolves them first.
    """
    full = _plain_path(posixpath.join(cwd or "/", path) if path.startswith(".") else path)
    if not full.startswith("/"):
        return False
    through = _PROC.match(full)
    while through:
        if through[1] != "root":
            return True
        full = _plain_path(full[through.end() :] or "/")
        through = _PROC.match(full)
    if posixpath.basename(full).endswith(("docker.sock", "containerd.sock")):
        return True
    wanted = [_plain_path(s) for s in sockets]
    inside = full == "/" or any(_below(w, full) for w in (*wanted, *ENGINE_FOLDERS))
    return inside or full == "/var" or any(_below(full, f) for f in (*wanted, *ENGINE_FOLDERS))


def _plain_path(path: str) -> str:
    """A path from the root without its detours; /var/run is /run."""
    full = posixpath.normpath(path)
    full = "/" + full.lstrip("/") if full.startswith("/") else full
    return full.removeprefix("/var") if full == "/var/run" or full.startswith("/var/run/") else full


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


# -- mistakes --------------------------------------------------------------------------------


def _mistaken(line: Words) -> HostLine | None:
    if not line:
        return None
    prompt = PROMPT.match(" ".join(line))
    if prompt:
        sign = prompt["prompt"].strip()
        kept = shlex.join(line[len(sign.split()) :]) or prompt["line"]
        sentence = f"`{sign}` is a shell's prompt, copied with the line"
        return HostLine("mistaken", sign, sentence, "the command alone", kept)
    first = line[0]
    if first.startswith(("docker ", "docker\t")):
        sentence = "the whole line is one word"
        return HostLine("mistaken", first, sentence, "no quotes round it", first)
    if _misspells(first):
        kept = shlex.join(("docker", *line[1:]))
        return HostLine("mistaken", first, f"`{first}` is no command", "docker", kept)
    return None


def _misspells(word: str) -> bool:
    """Whether a word is docker with another case, a sign more, or one slip of a finger."""
    if word == "docker" or word in AROUND or "/" in word:
        return False
    letters = _SIGNS.sub("", word).casefold()
    return letters == "docker" or _slip(letters)


def _slip(word: str) -> bool:
    """One letter left out, doubled, put in, changed after the first, or two exchanged."""
    right = "docker"
    swapped = {right[:i] + right[i + 1] + right[i] + right[i + 2 :] for i in range(len(right) - 1)}
    short = {right[:i] + right[i + 1 :] for i in range(len(right))}
    if word in swapped or word in short:
        return True
    if len(word) == len(right) + 1:
        return any(word[:i] + word[i + 1 :] == right for i in range(len(word)))
    differs = sum(a != b for a, b in zip(word, right, strict=False))
    return len(word) == len(right) and word[0] == "d" and differs == _NEAR
