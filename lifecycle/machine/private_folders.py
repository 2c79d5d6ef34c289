"""Folders for state and caches, in which nobody else may have a hand.

The standard library only: noxw asks this too, before there is anything else.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path


def why_unsafe(folder: Path, within: Path | None = None) -> str:
    """Who else could change what is in a folder, and what to type; empty when nobody can.

    What is above it counts, since whoever may rename a folder can put another in its place; what
    is not there yet is judged by what is. Nothing at or above ``within`` is asked: that is
    trusted, and so are its owner and its group.
    """
    trusted = {0, os.geteuid()} | ({within.stat().st_uid} if within else set())
    shared = stat.S_IWGRP & within.stat().st_mode if within else 0
    for path in _way(folder, within):
        try:
            link, state = path.lstat(), path.stat()
        except OSError:
            continue
        if link.st_uid not in trusted:  # whoever has a link can turn it, wherever it leads now
            return f"{path} belongs to {named(link.st_uid)}, not to you: {asked(link.st_uid)}"
        if state.st_uid not in trusted:
            return f"{path} belongs to {named(state.st_uid)}, not to you: {asked(state.st_uid)}"
        sticky = state.st_mode & stat.S_ISVTX and path != folder
        if state.st_mode & stat.S_IWOTH and not sticky:
            way = asked(state.st_uid, f"chmod o-w {path}")
            return f"{path} can be written by everybody: {way}"
        if state.st_mode & stat.S_IWGRP and not (sticky or shared or _is_own_group(state)):
            way = asked(state.st_uid, f"chmod g-w {path}")
            return f"{path} can be written by its group: {way}"
    return ""


def _way(folder: Path, within: Path | None) -> list[Path]:
    """The folder and its parents, by its written path and by its resolved path."""
    written = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay: they can be replaced
    ways = [*(written, *written.parents)]
    if within is not None:
        return [path for path in ways if path.is_relative_to(within) and path != within]
    real = written.resolve()
    return [*ways, *(path for path in (real, *real.parents) if path not in ways)]


def _is_own_group(state: os.stat_result) -> bool:
    """Root's choice, or the group that a person has for themselves (umask 002 relies on it)."""
    if state.st_uid in {0, state.st_gid}:
        return True
    try:
        return pwd.getpwuid(state.st_uid).pw_name == grp.getgrgid(state.st_gid).gr_name
    except KeyError:
        return False


def asked(owner: int, own: str = "") -> str:
    """What to type about a file that is one's own; of another's, whom to ask."""
    if own and owner == os.geteuid():
        return own
    return f"ask {named(owner)}, or an admin" if owner else "ask an admin"


def named(uid: int) -> str:
    """The user of this number, as people know them."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
