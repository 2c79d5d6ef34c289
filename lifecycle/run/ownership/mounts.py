"""What a container would mount of the machine, and whether the engine's own lies behind it.

A path is followed as the engine follows it, link by link; where it can't be (a process's folder in
/proc is another one to each who looks), it is not let through.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lifecycle.run.ownership import bodies
from lifecycle.run.ownership.bodies import Json

MOST_LINKS = 40
_PROCESS = re.compile(r"/proc/(?:[0-9]+|self|thread-self)/")


def folders(body: Json) -> Iterator[str]:
    """The paths of the machine that a container mounts: itself, or by a volume that it makes."""
    yield from (one for one in bodies.sources(body) if one.startswith("/"))
    for options in bodies.volume_options(body):
        yield from behind(options)


def behind(options: Json) -> Iterator[str]:
    """The paths that a volume's options mount: a device, and what an overlay lies on.

    Without a slash at its beginning one is below the engine's working folder, which is /.
    """
    for key, value in options.items():
        text = str(value)
        if key.casefold() == "device":
            yield _from_root(text)
        elif key.casefold() == "o":
            # A backslash only says that the next character is itself.
            for option in text.replace("\\", "").split(","):
                name, _, paths = option.partition("=")
                if "/" in paths or name.endswith("dir"):
                    yield from (_from_root(one) for one in paths.split(":") if one)


def objection(source: str, own: tuple[str, ...], *, real: bool) -> str:
    """Why a path of the machine may not be mounted; empty where it may.

    ``own`` are the engine's places. ``real``: the path is on this machine, so that it can be
    followed.
    """
    # Of two slashes at the beginning normpath leaves both, as POSIX lets a system do.
    path = _followed(source) if real else os.path.normpath(f"/{source.lstrip('/')}")
    if not path or _PROCESS.match(f"{path}/"):
        return (
            f"a mount of {source} goes through a process's folder in /proc, which is another one "
            "to the engine"
        )
    for place in own:
        below = place.startswith(f"{path.rstrip('/')}/")
        if path == place or below or path.startswith(f"{place}/"):
            return (
                f"a mount of {source} holds {place}, which is the engine's own: what goes "
                "through it is not seen"
            )
    if real and _is_disk(path):
        return f"a mount of {source} is a disk, which may hold what is the engine's own"
    return ""


def _from_root(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _followed(source: str) -> str:
    """Where a path leads; empty where it passes a process's folder, or too many links."""
    rest = source.split("/")[::-1]
    at, links = Path("/"), 0
    while rest:
        part = rest.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            at = at.parent
            continue
        at /= part
        if _PROCESS.match(f"{at}/"):
            return ""
        with suppress(OSError):
            link = str(at.readlink())
            links += 1
            if links > MOST_LINKS:
                return ""
            at = Path("/") if link.startswith("/") else at.parent
            rest += link.split("/")[::-1]
    return str(at)


def _is_disk(path: str) -> bool:
    with suppress(OSError):
        return Path(path).is_block_device()
    return False
