"""Copying a Docker configuration, by whoever runs this: the standard library only."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifecycle.machine.regular_files import beginning

MOST_OF_CONFIG = 1 << 20
MOST_BYTES, MOST_FILES = 8 << 20, 1000
"""Of all that is copied beside config.json."""
BUILDX = "buildx"
_CONFIG, _PLUGINS = "config.json", "cli-plugins"
_TREES = ("contexts", "trust")
_NOT_OF_BUILDX = frozenset({"refs", "activity"})
"""What buildx notes of builds that are over; it may be large."""
_KEYS = ("ca.pem", "cert.pem", "key.pem")
_HELPER = "docker-credential-"
_MOST_HELPERS = 100

_SHIM = """\
#!/bin/sh
# Of one run: what it stores and erases stays here, and the person's own helper is only asked.
own={own}
kept={kept}
pair_of='s/^\\{{"ServerURL":("[^"\\]*"),"Username":("([^"\\]|\\\\.)*").*/\\1:\\2/p'
umask 077
at() {{ printf '%s/%s' "$kept" "$(printf %s "$1" | sha256sum | cut -d' ' -f1)"; }}
case "$1" in
store)
    said=$(cat)
    server=$(printf %s "$said" | sed -n 's/^{{"ServerURL":"\\([^"\\]*\\)".*/\\1/p')
    [ -n "$server" ] || {{ echo "this run cannot tell of which registry that is"; exit 1; }}
    printf '%s\\n' "$said" >"$kept/.new.$$" && mv -f "$kept/.new.$$" "$(at "$server")" ;;
erase)
    # An empty file: the person's own is not asked for it again.
    server=$(cat) && : >"$(at "$server")" ;;
get)
    server=$(cat)
    file=$(at "$server")
    if [ -s "$file" ]; then exec cat "$file"; fi
    if [ -e "$file" ]; then echo "credentials not found in native keychain"; exit 1; fi
    printf %s "$server" | "$own" get ;;
list)
    theirs=$("$own" list </dev/null) || {{ printf '%s\\n' "$theirs"; exit 1; }}
    all=$(printf %s "$theirs" | tr -d '\\n' | sed 's/[[:space:]]*}}[[:space:]]*$//')
    case "$all" in '{{'*) ;; *) all='{{' ;; esac
    for file in "$kept"/*; do
        [ -s "$file" ] || continue
        pair=$(sed -n -E "$pair_of" "$file")
        [ -n "$pair" ] || continue
        [ "$all" = '{{' ] || all="$all,"
        all="$all$pair"
    done
    printf '%s}}\\n' "$all" ;;
version)
    exec "$own" version ;;
*)
    echo "in a run a credential helper knows store, erase, get, list and version"; exit 1 ;;
esac
"""


def copy(source: str, target: str, buildx: str) -> None:
    """Copy what the CLI reads and writes; plugins, which it only runs, are linked."""
    _copy_config(Path(source, _CONFIG), Path(target, _CONFIG))
    rest = [(Path(source, name), Path(target, name)) for name in _KEYS]
    for tree in _TREES:
        rest += _files(Path(source, tree), Path(target, tree))
    rest += _files(Path(buildx), Path(target, BUILDX), _NOT_OF_BUILDX)
    _copy_all(rest)
    plugins = Path(source, _PLUGINS)
    if os.path.isdir(plugins):  # noqa: PTH112 - false, too, where it is hidden
        Path(target, _PLUGINS).symlink_to(plugins.absolute())


def _copy_config(source: Path, target: Path) -> None:
    try:
        text = beginning(source, MOST_OF_CONFIG + 1)
    except FileNotFoundError:
        return
    except OSError:
        # The CLI warns of one that it may not read, and so it does of this one.
        _write(target, b"", 0)
        return
    if len(text) > MOST_OF_CONFIG:
        raise OSError(0, f"{source.name} is longer than 1 MiB")
    _write(target, _without_context(text))


def _without_context(text: bytes) -> bytes:
    """DOCKER_HOST decides where the engine is. What is no JSON is the CLI's to complain of."""
    try:
        config: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(config, dict) or "currentContext" not in config:
        return text
    kept = {key: value for key, value in config.items() if key != "currentContext"}
    return json.dumps(kept, indent="\t").encode()


def _files(
    source: Path, target: Path, without: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, Path]]:
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in without]
        for name in names:
            file = Path(folder, name)
            yield file, target / file.relative_to(source)


def _copy_all(files: Iterable[tuple[Path, Path]]) -> None:
    room, left = MOST_BYTES, MOST_FILES
    for file, target in files:
        try:
            text = beginning(file, room + 1)
        except OSError:
            continue  # not there, or none that the CLI could read
        room, left = room - len(text), left - 1
        if room < 0 or left < 0:
            most = f"{MOST_FILES} files or {MOST_BYTES >> 20} MiB"
            raise OSError(0, f"contexts, trust and buildx have more than {most}")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(target, text)


def _write(path: Path, text: bytes, mode: int = 0o600) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)


def put_before(path: str, folder: str) -> bool:
    """Write a helper of the run's for each that is on a PATH; whether there is any.

    The CLI uses one that no configuration names, when it finds it: so it is all of them.
    """
    helpers: dict[str, str] = {}
    for place in path.split(":"):
        with suppress(OSError):
            for name in sorted(os.listdir(place or ".")):  # noqa: PTH208 - names
                file = os.path.abspath(os.path.join(place, name))  # noqa: PTH100, PTH118
                if name.startswith(_HELPER) and os.access(file, os.X_OK):
                    helpers.setdefault(name, file)
    if len(helpers) > _MOST_HELPERS:
        raise OSError(0, f"there are more than {_MOST_HELPERS} credential helpers on the PATH")
    for name, file in helpers.items():
        kept = Path(folder, f".{name}")
        kept.mkdir(mode=0o700)
        text = _SHIM.format(own=shlex.quote(file), kept=shlex.quote(str(kept)))
        _write(Path(folder, name), text.encode(), 0o700)
    return bool(helpers)
