"""What a build asks of BuildKit, read from the message itself: what it exports, and by which name.

Protocol buffers, read as Go reads them: of one value the last counts, lists are added up, and what
has no known number is skipped. Of a build only what it leaves on the engine, or in a registry, is
read here. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lifecycle.run.requests.bodies import BodyError

_IMAGES = frozenset({"moby", "image"})
"""Exporters that put an image into the engine."""
_FILES = frozenset({"local", "tar", "oci", "docker"})
"""Exporters that send what they make to whoever asked."""
_DIGESTS = ("containerimage.digest", "containerimage.config.digest")
"""Under which names an answer tells the image's id: the one or the other, as images are stored."""
_DANGLING, _DANGLING_IS = "dangling-name-prefix", "moby-dangling"
_MOST_SHIFT = 63
# Fields by their numbers, of moby.buildkit.v1.
_REF, _EXPORTER, _EXPORTER_ATTRS, _CACHE, _EXPORTERS, _BY_SESSION = 1, 3, 4, 8, 13, 14
_CACHE_REF, _CACHE_EXPORTS = 1, 4
_FRONTEND_ATTRS, _FRONTEND_OPTIONS = 7, 3
_OWN_NETWORK = "sandbox"
_ANSWERS, _ANSWER_LIST = 1, 2

Value = int | bytes


@dataclass(frozen=True)
class Places:
    """Where the containers of a build's RUNs are to be: below which group, on which network."""

    control_group: str = ""
    network: str = ""


@dataclass(frozen=True)
class Solve:
    """A build that is asked for.

    ``names`` are the images' as they were written; ``stores`` says whether an image stays on the
    engine at all; ``caches`` are the registry's tags to which its cache goes; ``problem`` is why
    it can't be told what it makes.
    """

    build: str
    names: tuple[str, ...] = ()
    stores: bool = False
    caches: tuple[str, ...] = ()
    problem: str = ""
    places: Places = Places()


def read_solve(message: bytes) -> Solve:
    """Read a request to build. Raises BodyError."""
    fields = list(_fields(message))
    made = [(_text(one, 1), _map(one, 2)) for one in _each(fields, _EXPORTERS)]
    # An engine reads the old fields or the new ones: whichever it is, both are judged.
    old = _text(fields, _EXPORTER)
    if old:
        made.append((old, _map(fields, _EXPORTER_ATTRS)))
    names = [n for kind, attrs in made if kind in _IMAGES for n in attrs.get("name", "").split(",")]
    stores = any(kind in _IMAGES for kind, _ in made)
    return Solve(
        _text(fields, _REF),
        tuple(dict.fromkeys(filter(None, names))),
        stores,
        tuple(_caches(fields)),
        _problem(fields, made),
        _places(_map(fields, _FRONTEND_ATTRS)),
    )


def read_part(message: bytes) -> Places:
    """Read what is asked within a build: a frontend, with options of its own. Raises BodyError."""
    return _places(_map(list(_fields(message)), _FRONTEND_OPTIONS))


def _places(attrs: dict[str, str]) -> Places:
    network = attrs.get("force-network-mode", "")
    # The default one has a name of its own here.
    return Places(attrs.get("cgroup-parent", ""), "" if network == _OWN_NETWORK else network)


def _problem(fields: Collection[tuple[int, Value]], made: list[tuple[str, dict[str, str]]]) -> str:
    if any(number == _BY_SESSION and value for number, value in fields):
        return "what it exports is said elsewhere"
    for kind, attrs in made:
        if kind not in _IMAGES | _FILES:
            return f"what an export of type {kind!r} does is not known"
        if attrs.get("name") == "*":
            return "its name is whatever the build says"
        if attrs.get(_DANGLING, _DANGLING_IS) != _DANGLING_IS:
            return f"{_DANGLING} names it by another's repository"
    return ""


def _caches(fields: Collection[tuple[int, Value]]) -> Iterator[str]:
    """The tags of a registry that a build's cache is written to."""
    for cache in _each(fields, _CACHE):
        yield from filter(None, [_text(cache, _CACHE_REF)])
        for one in _each(cache, _CACHE_EXPORTS):
            yield from filter(None, [_map(one, 2).get("ref", "")])


def read_recorded(message: bytes) -> str:
    """The build whose record is to be changed. Raises BodyError."""
    return _text(list(_fields(message)), _REF)


def read_solved(message: bytes) -> frozenset[str]:
    """The ids that the image of a build may have, by the engine's answer. Raises BodyError."""
    fields = list(_fields(message))
    maps = [_map(fields, _ANSWERS)]
    # Newer answers have one map for each export.
    maps += [_map(one, number) for one in _each(fields, _ANSWER_LIST) for number in (1, 2)]
    return frozenset(one[key] for one in maps for key in _DIGESTS if one.get(key))


# -- protocol buffers -----------------------------------------------------------------------------


def _fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Each field's number and value: a number, or bytes. Raises BodyError."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _number(message, at)
            yield key >> 3, value
            continue
        if kind == 2:  # noqa: PLR2004 - bytes with their length before them
            length, at = _number(message, at)
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
        else:
            raise BodyError(f"a field of kind {kind} in a message of BuildKit's")
        if at + length > len(message):
            raise BodyError("a message of BuildKit's that is broken off")
        yield key >> 3, message[at : at + length]
        at += length


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _MOST_SHIFT + 1, 7):
        if at >= len(message):
            raise BodyError("a message of BuildKit's that is broken off")
        value |= (message[at] & 0x7F) << shift
        at += 1
        if not message[at - 1] & 0x80:
            return value & ((1 << 64) - 1), at
    raise BodyError("a number of BuildKit's that does not end")


def _text(fields: Collection[tuple[int, Value]], number: int) -> str:
    """A text: the last one counts."""
    values = [value for n, value in fields if n == number]
    if not values:
        return ""
    if not all(isinstance(value, bytes) for value in values):
        raise BodyError(f"field {number} of a message of BuildKit's is no text")
    try:
        return bytes(values[-1]).decode()
    except UnicodeDecodeError:
        raise BodyError(f"field {number} of a message of BuildKit's is no text") from None


def _each(fields: Collection[tuple[int, Value]], number: int) -> Iterator[list[tuple[int, Value]]]:
    """The messages in a list; one that is no list is added up by whoever reads it."""
    for n, value in fields:
        if n == number:
            if not isinstance(value, bytes):
                raise BodyError(f"field {number} of a message of BuildKit's is no message")
            yield list(_fields(value))


def _map(fields: Collection[tuple[int, Value]], number: int) -> dict[str, str]:
    return {_text(one, 1): _text(one, 2) for one in _each(fields, number)}
