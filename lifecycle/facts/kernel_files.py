"""The kernel's files and those of accounts, from text to facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """One line of the container's /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def number(text: str) -> int | None:
    """A number of ours; what else a hostile image may print is none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def environ(text: str) -> dict[str, str]:
    """The variables of /proc/PID/environ."""
    pairs = (item.partition("=") for item in text.split("\0") if "=" in item)
    return {key.lstrip("\n"): value for key, _, value in pairs}


def accounts(text: str) -> list[Account]:
    """The lines of /etc/passwd."""
    listed = []
    for row in (line.split(":") for line in text.split("\n")):
        if len(row) == 7:  # noqa: PLR2004 - passwd(5)
            uid, gid = number(row[2]), number(row[3])
            if uid is not None and gid is not None:
                listed.append(Account(row[0], uid, gid, row[5], row[6]))
    return listed


def groups(text: str) -> dict[int, str]:
    """The names of /etc/group, by number."""
    rows = (line.split(":") for line in text.split("\n"))
    known = ((number(row[2]), row[0]) for row in rows if len(row) == 4)  # noqa: PLR2004 - group(5)
    return {gid: name for gid, name in known if gid is not None}


def status(text: str) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    return dict(re.findall(r"^(\w+):\t(.*)$", text, re.MULTILINE))


def words(text: str) -> tuple[str, ...]:
    """The words of /proc/PID/cmdline."""
    return tuple(text.strip("\n").rstrip("\0").split("\0"))


def has_tty(text: str) -> bool:
    """Whether /proc/PID/stat tells of a controlling terminal."""
    fields = text.rpartition(")")[2].split()
    return len(fields) > 4 and fields[4] != "0"  # noqa: PLR2004 - field 7, tty_nr


def listening(files: Mapping[str, str]) -> frozenset[int]:
    """The ports that somebody listens on, of the tables of TCP."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in files.get(table, "").splitlines()[1:]:
            # sl local_address rem_address st: 0A is the state LISTEN.
            match = re.match(r"\s*[0-9]+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A ", line)
            if match:
                ports.add(int(match[1], 16))
    return frozenset(ports)
