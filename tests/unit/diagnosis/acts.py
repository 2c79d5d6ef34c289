"""What a pasted line would do: the acts that end, destroy, give away or change something."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

_ENDS = {"rm", "rmi", "stop", "kill", "restart", "prune", "remove", "down", "rename", "update"}
_STARTS = {"start", "unpause", "pause", "attach", "exec", "cp", "commit"}
_GROUPS = {"container", "image", "volume", "network", "system", "builder", "buildx", "compose"}
_FILES = {"rm", "rmdir", "mv", "chown", "chmod", "chgrp", "truncate", "dd", "umount", "setfacl"}
_ACCOUNTS = {"usermod", "userdel", "groupdel", "groupmod", "gpasswd"}
_PROCESSES = {"kill", "pkill", "killall"}
_MAKES = {"mkdir"}
_MACHINE = {
    "reboot",
    "shutdown",
    "systemctl",
    "mkfs",
    "mount",
    "ip",
    "snap",
    "apt-get",
    "aa-remove-unknown",
    "setsebool",
    "sysctl",
    "groupadd",
    "nvidia-ctk",
    "update-ca-certificates",
    "timedatectl",
    "cp",
}
_LOOKS = {"systemctl status", "apt-get update", "snap list", "ip route", "ip link", "timedatectl"}
_TAKE_A_VALUE = {"-u", "-w", "-e", "-f", "-t", "-aG", "-G", "-m"}
_OPERATOR = re.compile(r"[();<>|&]+")
PROSE = re.compile(
    r"docker (?:\w+ )?(?:rm|rmi|stop|kill|restart|prune)\b|"
    r"\b(?:rmdir|chown|chmod|usermod|userdel|gpasswd|truncate|mkfs|umount|pkill|prune)\b|"
    r"\bsudo rm\b|\brm -|\bsed -i\b|\bmkdir\b"
)
"""Such a verb in a sentence, where it says no more to paste, and is pasted all the same."""
ORDERS = re.compile(
    r"(?i)\b(?:remove|delete|stop|kill|restart|end) (?:it|the|that|them|old)\b|"
    r"(?:삭제|중지|종료)(?:합니다|한 뒤|하고)"
)
"""A sentence that tells a person to end or delete a thing."""


@dataclass(frozen=True)
class Act:
    """A verb, and the things that it acts on; ``kind`` is how grave it is."""

    kind: str
    verb: str
    targets: tuple[str, ...]


def acts(command: str) -> Iterator[Act]:
    """The acts of a line, of each of the commands that it joins, and within an exec."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for operator, words in groupby(lexer, key=lambda word: bool(_OPERATOR.fullmatch(word))):
        if not operator:
            yield from _acts(list(words))


def _acts(words: list[str]) -> Iterator[Act]:
    while words and (words[0] in {"sudo", "env", "-n"} or re.match(r"\w+=", words[0])):
        words = words[1:]
    if not words:
        return
    verb, rest = words[0].rpartition("/")[2], words[1:]
    if verb == "docker":
        yield from _docker(rest)
    elif verb in _FILES or (verb == "sed" and any(word.startswith("-i") for word in rest)):
        yield Act("destroys", verb, _things(rest)[-1:] if verb == "sed" else _files(verb, rest))
    elif verb in _ACCOUNTS:
        yield Act("account", verb, tuple(w for w in rest if not w.startswith("-")))
    elif verb in _PROCESSES:
        yield Act("destroys", verb, _things(rest))
    elif verb in _MAKES:
        yield Act("makes", verb, _things(rest))
    elif verb.partition(".")[0] in _MACHINE and " ".join(words[:2]) not in _LOOKS:
        yield Act("machine", " ".join(words[:2]), _things(rest))


def _files(verb: str, rest: list[str]) -> tuple[str, ...]:
    things = _things(rest)
    return things[1:] if verb in {"chown", "chmod", "chgrp"} else things


def _docker(words: list[str]) -> Iterator[Act]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in {"-H", "--host", "--context", "-c", "-l"} else words[1:]
    if words and words[0] in _GROUPS:
        words = words[1:]
    if not words:
        return
    verb, rest = words[0], words[1:]
    if verb in _ENDS:
        yield Act("destroys", f"docker {verb}", _things(rest))
    elif verb in _STARTS:
        things = _things(rest)
        yield Act("enters", f"docker {verb}", things[:1])
        if verb == "exec":
            for inner in _acts(list(rest[rest.index(things[0]) + 1 :])):
                yield Act(inner.kind, inner.verb, (*inner.targets, f"in {things[0]}"))


def _things(words: Sequence[str]) -> tuple[str, ...]:
    """The words that are no flags, and no values of flags."""
    things = []
    skip = False
    for word in words:
        if not (skip or word.startswith("-")):
            things.append(word)
        skip = word in _TAKE_A_VALUE and not skip
    return tuple(things)
