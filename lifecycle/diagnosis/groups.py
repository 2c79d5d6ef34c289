"""Who is in which group, by all of the machine's sources."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Group:
    """A group, wherever it is defined."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


class Names(Protocol):
    """Who is in which group, by all of the machine's sources (files, LDAP, NIS)."""

    def group_named(self, name: str) -> Group | None:
        """The group of this name."""

    def group_numbered(self, gid: int) -> Group | None:
        """The group of this number."""

    def groups_of(self, user: str) -> tuple[int, ...]:
        """What a new login of this user would be in."""

    def user_named(self, uid: int) -> str:
        """The user of this number, or the number itself."""


class SystemNames:
    """The machine's own answer, through NSS."""

    def group_named(self, name: str) -> Group | None:
        """See :class:`Names`."""
        try:
            return _group(grp.getgrnam(name))
        except KeyError:
            return None

    def group_numbered(self, gid: int) -> Group | None:
        """See :class:`Names`."""
        try:
            return _group(grp.getgrgid(gid))
        except (KeyError, OverflowError):
            return None

    def groups_of(self, user: str) -> tuple[int, ...]:
        """See :class:`Names`."""
        try:
            return tuple(sorted(os.getgrouplist(user, pwd.getpwnam(user).pw_gid)))
        except KeyError:
            return ()

    def user_named(self, uid: int) -> str:
        """See :class:`Names`."""
        try:
            return pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            return str(uid)


def _group(entry: grp.struct_group) -> Group:
    return Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem))
