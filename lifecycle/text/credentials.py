"""What is secret in an address: a password, or a token in place of a user's name.

People write addresses that no URL reader takes: a password with an `@` or a `/` in it, an address
without a scheme. So each way to read one counts, and one too many words is hidden, not one too few.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import unquote

SHORTEST = 6
"""Characters. A shorter word can't be hidden by itself: it stands in too many innocent ones."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^/@:\s]+)(?::\d+)?(?:/|$)")


def secrets_of(address: str, known: Collection[str] = ()) -> list[str]:
    """The words to hide of an address, as they stand in it and decoded.

    A password is one by itself. One that is too short, and one that is ``known`` (the name of a
    person, which stands in many places), is hidden together with what stands round it.
    """
    rest = _SCHEME.sub("", address.strip(), count=1)
    secrets = [
        word
        for place in _ends(rest)
        for word in _of(rest[:place], rest[place + 1 :].partition("/")[0], known)
    ]
    return list(dict.fromkeys(word for one in secrets for word in (one, unquote(one))))


def _ends(rest: str) -> Iterator[int]:
    """Where the part before the host may end: at the last @, and wherever a host follows one."""
    places = [match.start() for match in re.finditer("@", rest)]
    for place in places:
        if place == places[-1] or _HOST.match(rest, place + 1):
            yield place


def _of(given: str, host: str, known: Collection[str]) -> Iterator[str]:
    """The words to hide of ``user:password``, or of a lone token."""
    user, _, password = given.partition(":")
    secret = unquote(password or user)
    if len(secret) >= SHORTEST and secret not in known:
        yield password or user
    elif password and len(unquote(given)) >= SHORTEST:
        yield given  # also what is sent to a proxy, in base64
    elif secret:
        yield from (f"{given}@{host}", f"//{given}@{host}")
