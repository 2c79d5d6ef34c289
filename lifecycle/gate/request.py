"""One request to the engine, read by h11, and written anew: only what was judged is sent on.

The engine reads a request in Go: its path is decoded once, the first of several values of a
parameter counts, and a body that is a form outweighs the query. So a request is taken apart,
what is ambiguous is refused, and the rest is put together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import h11  # noqa: TC002 - light, and read by people

from lifecycle.gate.table import Endpoint, find

MOST_HEAD = 1 << 16
"""Bytes of a head. Docker's own limit is 1 MiB; a registry's credentials are a few KiB."""
_VERSION = re.compile(r"/v[0-9][0-9.]*(?=/)")
_PATH = re.compile(r"(?:/[^/\x00-\x20\x7f%?#]+)+/?")
_OF_THE_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "content-length", "expect", "http2-settings"}
)
_HTTP = (b"1.0", b"1.1")
_FORMS = ("application/x-www-form-urlencoded", "multipart/")
_WITH_FORMS = frozenset({"POST", "PUT", "PATCH"})


class BadRequestError(Exception):
    """What was sent is no request that the engine could be asked; the message says why."""


@dataclass(frozen=True)
class Request:
    """A request without its body.

    ``path`` has no version; ``names`` are the parts of it that the table calls by a name;
    ``endpoint`` is None for one that the table does not know.
    """

    method: str
    version: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    endpoint: Endpoint | None
    names: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str:
        """The value of a parameter that counts; empty where there is none."""
        return next((value for k, value in self.query if k == key), "")

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of a parameter."""
        return tuple(value for k, value in self.query if k == key)

    def header(self, name: str) -> str:
        """A header; empty where there is none."""
        return next((value for k, value in self.headers if k.lower() == name), "")

    @property
    def target(self) -> str:
        """The path and the query, as they are sent on."""
        return target(self.version, self.path, self.query)

    def target_of(self, identity: str) -> str:
        """The same, with a thing's full id in place of the name that was asked for."""
        path = (self.endpoint.path if self.endpoint else "").format_map(
            {**self.names, "id": identity}
        )
        return target(self.version, path, self.query)

    def to_json(self) -> dict[str, Any]:
        """What crosses from the gate's process to the harness."""
        return {
            "method": self.method,
            "version": self.version,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
        }


def from_json(values: Mapping[str, Any]) -> Request:
    """The reverse of :meth:`Request.to_json`."""
    pairs = {k: tuple((str(a), str(b)) for a, b in values[k]) for k in ("query", "headers")}
    match = find(values["method"], values["path"])
    return Request(
        values["method"],
        values["version"],
        values["path"],
        pairs["query"],
        pairs["headers"],
        match[0] if match else None,
        match[1] if match else {},
    )


def target(version: str, path: str, query: Iterable[tuple[str, str]]) -> str:
    """A path and a query as the engine reads them back."""
    asked = urlencode(list(query))
    return f"{version}{quote(path, safe='/:@')}{f'?{asked}' if asked else ''}"


def read(event: h11.Request) -> Request:
    """Take a head apart; raises BadRequestError for what could be read in two ways."""
    if event.http_version not in _HTTP:
        raise BadRequestError(f"HTTP {event.http_version.decode('ascii', 'replace')}")
    text = event.target.decode("ascii", "replace")
    written, _, asked = text.partition("?")
    path = _decoded(written)
    if _PATH.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        raise BadRequestError(f"{_shown(text)} is no path of the engine's API")
    version = _VERSION.match(path)
    rest = path[version.end() :] if version else path
    method = event.method.decode("ascii")
    headers = tuple(
        (k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers.raw_items()
    )
    match = find(method, rest)
    request = Request(
        method=method,
        version=version[0] if version else "",
        path=rest,
        query=tuple(_query(asked)),
        headers=headers,
        endpoint=match[0] if match else None,
        names=match[1] if match else {},
    )
    if method in _WITH_FORMS:
        _refuse_a_form([value for name, value in headers if name.lower() == "content-type"])
    return request


def _refuse_a_form(kinds: list[str]) -> None:
    """Go trims every space of Unicode from a body's kind, and reads the first of several."""
    if len(kinds) > 1:
        raise BadRequestError("a body of several kinds")
    kind = "".join(kinds).strip()
    if not (kind.isascii() and kind.isprintable()):
        raise BadRequestError(f"a body of the kind {_shown(kind)}, which is no media type")
    if kind.lower().startswith(_FORMS):
        raise BadRequestError("a body that is a form, whose fields would outweigh the query")


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return ""


def _query(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except (ValueError, UnicodeDecodeError) as error:
        raise BadRequestError(f"a query that can't be read: {error}") from None


def head(
    method: str, where: str, headers: Iterable[tuple[str, str]], framing: str, upgrade: str
) -> bytes:
    """The head to send on, for one request and no more on this connection.

    ``framing`` is the header that says where the body ends, or empty; ``upgrade`` the protocol
    that the connection is to change to.
    """
    kept = [(k, v) for k, v in headers if k.lower() not in _OF_THE_HOP]
    if not any(k.lower() == "host" for k, _ in kept):
        kept.append(("Host", "docker"))
    kept += [("Connection", "Upgrade"), ("Upgrade", upgrade)] if upgrade else []
    kept += [] if upgrade else [("Connection", "close")]
    lines = [f"{method} {where} HTTP/1.1", *(f"{k}: {v}" for k, v in kept)]
    lines += [framing] if framing else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _shown(text: str) -> str:
    return repr(text[:200])
