"""All that an engine holds, byte by byte: what two looks must agree on when nobody was touched."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.engine.neighbourhood import Engine, Neighbourhood

Picture = dict[str, Any]

UNSTABLE = {
    "image": {"Metadata"},  # when a tag was given last, and nothing else: also by a tag of ours
}
"""Fields of an inspect that are left out, with what they say."""


def look(there: Neighbourhood) -> Picture:
    """The picture: by what it is of, what was seen. Things of the run itself stand in it, too."""
    engine = there.engine
    seen: Picture = {}
    for kind, listing in _LISTED.items():
        names = list(dict.fromkeys(engine.docker(*listing).split()))
        shown = json.loads(engine.docker(kind, "inspect", *names)) if names else []
        for one in shown:
            name = str(one.get("Id") or one["Name"])
            for field, value in one.items():
                if field not in UNSTABLE.get(kind, ()):
                    seen[f"{kind} {_known(there, kind, name)}: {field}"] = _plain(value)
            if kind == "volume":
                seen |= _files(f"volume {name}", Path(one["Mountpoint"]))
    seen |= _containers(there, engine)
    seen |= _engine(there, engine)
    return seen


_LISTED = {
    "container": ("ps", "-aq", "--no-trunc"),
    "image": ("images", "-aq", "--no-trunc"),
    "volume": ("volume", "ls", "-q"),
    "network": ("network", "ls", "-q", "--no-trunc"),
}


def _known(there: Neighbourhood, kind: str, identity: str) -> str:
    """The name by which others know a thing; by its own where they don't."""
    named = [n for n, i in there.ids.items() if i == identity]
    return next((n for n in named if n in getattr(there, f"{kind}s")), identity)


def _plain(value: Any) -> Any:
    """A value whose order counts for nothing: the engine keeps some lists as sets."""
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


def _containers(there: Neighbourhood, engine: Engine) -> Picture:
    """The files of each one's own, what it has printed, and its processes."""
    seen: Picture = {}
    running = set(engine.docker("ps", "-q", "--no-trunc").split())
    for name in there.containers:
        identity = there.ids[name]
        if engine.docker("ps", "-aq", "--filter", f"id={identity}") == "":
            continue
        with engine.piped("export", identity) as exported:
            seen |= _archived(f"container {name}", exported.stdout)
        if name not in there.asleep:  # of one that never ran, asking alone makes a log
            seen[f"container {name}: logs"] = engine.docker("logs", identity)
        if identity in running:
            rows = engine.docker("top", identity, "-eo", "pid,args").splitlines()[1:]
            seen[f"container {name}: processes"] = rows
    return seen


def _archived(of: str, stream: Any) -> Picture:
    seen: Picture = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for one in archive:
            file = archive.extractfile(one) if one.isreg() else None
            held = hashlib.sha256(file.read()).hexdigest() if file else one.linkname
            seen[f"{of}: file /{one.name}"] = [one.mode, one.uid, one.gid, one.mtime, held]
    return seen


def _files(of: str, root: Path) -> Picture:
    seen: Picture = {}
    for path in (root, *_below(root)):
        status = path.lstat()
        held = ""
        if stat.S_ISREG(status.st_mode):
            held = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            held = str(path.readlink())
        facts = [status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, held]
        seen[f"{of}: file {path.relative_to(root)}"] = facts
    return seen


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder) / name for name in (*folders, *files))


def _engine(there: Neighbourhood, engine: Engine) -> Picture:
    """What is nobody's or everybody's: the swarm, plugins, the registry, what builds have cached.

    A cache of BuildKit that is new is let pass: whose it is can't be known, and that is said.
    """
    info = engine.api("/info")
    counts = [info[f"Containers{state}"] for state in ("Running", "Paused", "Stopped")]
    seen: Picture = {
        "engine: swarm": info["Swarm"]["LocalNodeState"],
        "engine: containers": counts,
        "engine: plugins": engine.api("/plugins"),
    }
    for tag in there.remote:
        told = engine.api(f"/distribution/{quote(tag)}/json")
        seen[f"registry {tag}"] = told and told["Descriptor"]["digest"]
    for cached in engine.api("/system/df").get("BuildCache") or []:
        if not there.cached or cached["ID"] in there.cached:
            seen[f"build cache {cached['ID']}"] = cached["Size"]
    return seen


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is not as it was, a sentence each."""
    told = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now:
            how = f"was {was!r}, is {now!r}" if key in after else "is gone"
            told.append(f"{key} {how if key in before else f'is new: {now!r}'}"[:600])
    return told


@dataclass(frozen=True)
class Change:
    """A line by which a thing of others is changed, and what the comparison must say of it.

    ``WORD`` stands for the word of the others.
    """

    line: str
    says: str

    def words(self, there: Neighbourhood) -> list[str]:
        """The line's words, with the names in them."""
        return shlex.split(self._filled(self.line, there))

    def told(self, there: Neighbourhood) -> str:
        """What must stand in a difference."""
        return self._filled(self.says, there)

    @staticmethod
    def _filled(text: str, there: Neighbourhood) -> str:
        named = {"REGISTRY": there.engine.info.registry, "ANONYMOUS": there.volumes[5]}
        named["NAMELESS"] = there.images[6]
        for word, value in {**named, "WORD": there.site.word}.items():
            text = text.replace(word, value)
        return text


CHANGES = (
    Change("restart -t 0 WORD-both", "container WORD-both: State"),
    Change("exec -d WORD-peer sleep 1000", "container WORD-peer: processes"),
    Change("exec -d WORD-volume sleep 1000", "container WORD-volume: ExecIDs"),
    Change("exec WORD-terminal sh -c 'echo x > /fuzz'", "container WORD-terminal: file /fuzz"),
    Change(
        "exec WORD-entered sh -c 'echo WORD-q > /v/deep/file; touch -d @0 /v/deep/file'",
        "volume WORD-p: file deep/file",
    ),
    Change("exec WORD-restarts sh -c 'echo x > /proc/1/fd/1'", "container WORD-restarts: logs"),
    Change("rename WORD-linked WORD-other", "container WORD-linked: Name"),
    Change("update --cpu-shares 512 WORD-ports", "container WORD-ports: HostConfig"),
    Change("unpause WORD-paused", "container WORD-paused: State"),
    Change("start WORD-ended", "container WORD-ended: State"),
    Change("rm WORD-created", "container WORD-created: Id is gone"),
    Change("network connect --alias=x WORD-empty WORD-peer", "container WORD-peer: NetworkSetti"),
    Change("network connect WORD-inside WORD-ports", "network WORD-inside: Containers"),
    Change("network disconnect WORD-second WORD-both", "network WORD-second: Containers"),
    Change("tag WORD/built:1 WORD/solo:1", "image WORD/solo:1: RepoTags"),
    Change("tag WORD/app:1 WORD/app:3", "image WORD/app:1: RepoTags"),
    Change("tag WORD/small:1 REGISTRY/WORD/remote:1", "image WORD/small:1: RepoTags"),
    Change("push -q REGISTRY/WORD/remote:1", "registry REGISTRY/WORD/remote:1"),
    Change("volume rm WORD-unused", "volume WORD-unused: Name is gone"),
    Change("volume rm ANONYMOUS", "volume ANONYMOUS: Name is gone"),
    Change("image prune -f", "image NAMELESS: Id is gone"),
    Change("create WORD/small:1", "engine: containers"),
    Change("volume create WORD-new", "volume WORD-new: Name is new"),
    Change("network create WORD-more", "Name is new: 'WORD-more'"),
    Change("commit WORD-peer WORD/new:1", "RepoTags is new: ['WORD/new:1']"),
    Change("swarm init --advertise-addr 127.0.0.1", "engine: swarm"),
)
"""Every kind of change: the fuzz would be worth nothing if one went unseen."""
