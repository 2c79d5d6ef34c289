"""All that an engine holds, byte by byte: what two looks must agree on when nobody was touched."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
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
            held = os.readlink(path)
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
            how = "is new" if key not in before else "is gone" if key not in after else ""
            told.append(f"{key} {how or f'was {was!r}, is {now!r}'}"[:600])
    return told
