"""Tags that are given once what they are to mean is made, so that they move nobody's.

A build, an import or a commit may take minutes, and the engine gives its tag at the end, whoever
has given it meanwhile. So it is asked for without the tag, which is judged anew at the end and
given then by a request of our own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.gate.request import Request
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests.image_names import named
from lifecycle.run.requests.refusal import Refused


class LateTags:
    """Gives tags for one run."""

    def __init__(self, ownership: Ownership, daemon: Daemon) -> None:
        """Nothing is asked yet."""
        self._o, self._daemon = ownership, daemon

    def of(self, tags: Iterable[str]) -> list[str]:
        """Those that somebody else could give meanwhile: the run's id nobody knows."""
        return [tag for tag in tags if self._o.run not in tag]

    def give(self, tags: Collection[str], identity: str) -> str:
        """Give them to an image of ours; what the client is told of those that it can't get."""
        told = []
        for tag in tags:
            try:
                self._give(tag, identity)
            except Refused as refused:
                self._o.refused(str(refused))
                told.append(str(refused))
            except EngineError as error:
                told.append(str(error))
        return "; ".join(told)

    def _give(self, tag: str, identity: str) -> None:
        if not identity:
            raise Refused(f"image {tag}: the engine does not tell what it is to mean")
        there = self._daemon.image(tag)
        if there is not None and there["Id"] != identity and not self._o.owns_tag(tag, there):
            raise Refused(
                f"image {tag} was made by somebody else meanwhile, so it stays theirs and what "
                f"this run made has no name (if it is yours, --allow-foreign {tag} lifts this)"
            )
        if there is None or there["Id"] != identity:
            self._daemon.tag_image(identity, tag)


def without(request: Request, tags: Collection[str]) -> list[tuple[str, str]]:
    """A build's parameters without these tags. Raises Refused."""
    return [(k, v) for k, v in request.query if k != "t" or named(v) not in tags]


def lines(tags: Iterable[str]) -> bytes:
    """What the engine prints of tags that it gave."""
    return b"".join(_line({"stream": f"Successfully tagged {tag}\n"}) for tag in tags)


def failure(sentence: str) -> bytes:
    """A message of a stream that ends it for its client; nothing of nothing."""
    return _line({"errorDetail": {"message": sentence}, "error": sentence}) if sentence else b""


def refusal(sentence: str) -> bytes:
    """A whole answer of that sentence; nothing of nothing."""
    if not sentence:
        return b""
    body = json.dumps({"message": sentence}).encode()
    head = (
        f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


def _line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\r\n"
