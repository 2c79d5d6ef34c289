"""Hypothesis strategies for raw requests to the engine's API, in spellings that no CLI sends."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from lifecycle.gate.table import ENDPOINTS, Act, Endpoint
from lifecycle.text.json_object import Json
from tests.engine.fuzz_lines import Lines
from tests.engine.neighbourhood import WRITE, Neighbourhood

CLIENT = """
import base64, os, socket, sys
for line in open(sys.argv[1]):
    channel = socket.socket(socket.AF_UNIX)
    channel.settimeout(1)
    got = b""
    try:
        channel.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
        channel.sendall(base64.b64decode(line))
        while len(got) < 20000 and (piece := channel.recv(20000)):
            got += piece
    except OSError:
        pass
    channel.close()
    print(got[:400].replace(b"\\r\\n", b" ").replace(b"\\n", b" ").decode("latin-1"))
"""
"""A program that sends whatever it is given, and prints the beginning of what comes back."""


@dataclass(frozen=True)
class Raw:
    """The bytes of one connection."""

    sent: bytes

    def __str__(self) -> str:
        """As the client's file holds it."""
        return base64.b64encode(self.sent).decode()


class Requests:
    """Draws requests to every endpoint of the gate's table that name things of others."""

    def __init__(self, there: Neighbourhood, lines: Lines) -> None:
        """What is named is drawn as it is for lines."""
        self._lines, self._there = lines, there
        self._of = {
            "containers": lines.container,
            "commit": lines.container,
            "images": lines.image,
            "distribution": lines.image,
            "networks": lines.network,
            "volumes": lines.volume,
            "exec": lines.exec,
        }

    def of(self, endpoint: Endpoint) -> st.SearchStrategy[Raw]:
        """Requests to one endpoint."""

        @st.composite
        def request(draw: st.DrawFn) -> Raw:
            path = draw(self._path(endpoint))
            asked = draw(self._query(endpoint))
            version = draw(st.sampled_from((*("", "/v1.41", "/v1.24") * 3, "/v1.40", "//v1.41")))
            body = draw(self._body(endpoint))
            return Raw(draw(_framed(endpoint, f"{version}{path}{asked}", body)))

        return request()

    def _name(self, endpoint: Endpoint) -> st.SearchStrategy[str]:
        kind = endpoint.path.split("/")[1]
        return self._of.get(kind, self._lines.any)

    def _path(self, endpoint: Endpoint) -> st.SearchStrategy[str]:
        head, _, rest = endpoint.path.partition("{")
        tail = rest.partition("}")[2].replace("{checkpoint}", "x")
        if not rest:
            return _spelled(st.just(endpoint.path))
        return _spelled(self._name(endpoint).map(lambda name: f"{head}{name}{tail}"))

    def _query(self, endpoint: Endpoint) -> st.SearchStrategy[str]:
        lines = self._lines
        named: dict[str, st.SearchStrategy[str]] = {
            "name": lines.container,
            "container": lines.container,
            "repo": lines.tag,
            "tag": lines.tag | st.sampled_from(("1", "2", "latest", "")),
            "fromImage": lines.image,
            "fromSrc": st.sampled_from(("-", "http://127.0.0.1:1/x")),
            "t": lines.tag,
            "networkmode": lines.container.map("container:{}".format) | lines.network,
            "link": _ON,
            "force": _ON,
            "v": _ON,
            "noprune": _ON,
            "pull": _ON,
            "pause": _ON,
            "version": st.sampled_from(("1", "2")),
            "buildid": lines.exec,
            "id": lines.exec,
            "remote": st.sampled_from(("", "http://127.0.0.1:1/x")),
            "path": st.sampled_from(("/", "/v", "/fuzz")),
            "signal": st.just("KILL"),
            "t ": _ON,
            "stream": _ON,
            "stdin": _ON,
            "stdout": _ON,
            "logs": _ON,
            "changes": st.just("ENV A=1"),
            "filters": lines.any.map(lambda n: json.dumps({"name": [n]})),
            "until": st.just("1"),
        }
        needed = _NEEDED.get(endpoint.act, ())

        @st.composite
        def query(draw: st.DrawFn) -> str:
            keys = [*needed, *draw(st.lists(st.sampled_from(sorted(named)), max_size=3))]
            pairs = [(draw(_cased(key)), draw(named[key])) for key in keys]
            pairs += draw(st.sampled_from((pairs[:1], [], [])))
            if not pairs:
                return ""
            return "?" + draw(st.sampled_from((urlencode(pairs), urlencode(pairs), _loose(pairs))))

        return query()

    def _body(self, endpoint: Endpoint) -> st.SearchStrategy[bytes]:
        if endpoint.body in {"stream", "archive"}:
            return st.sampled_from((b"", b"x" * 600, b"\0" * 1024))
        if endpoint.method not in {"POST", "PUT"}:
            return st.just(b"") | st.just(b"{}")
        return _written(self._json(endpoint))

    def _json(self, endpoint: Endpoint) -> st.SearchStrategy[Json]:
        shapes = {
            Act.CREATE_CONTAINER: self._container(),
            Act.CREATE_EXEC: st.just({"Cmd": ["sh", "-c", WRITE], "AttachStdout": True}),
            Act.TOUCH_EXEC: st.just({"Detach": True}),
            Act.CREATE_NETWORK: self._network(),
            Act.JOIN_NETWORK: self._joining(),
            Act.CREATE_VOLUME: self._volume(),
        }
        anything = st.fixed_dictionaries(
            {}, optional={"Name": self._lines.any, "Memory": st.just(0)}
        )
        return shapes.get(endpoint.act, anything)

    def _container(self) -> st.SearchStrategy[Json]:
        lines = self._lines
        joined = lines.container.map("container:{}".format)
        binds = st.lists(lines.volume.map("{}:/v".format), max_size=2)
        kinds = st.sampled_from(("volume", "VOLUME", "bind"))
        state = self._there.engine.info.state_dir
        mount = st.builds(_mount, kinds, lines.volume | st.just(state))
        host = st.fixed_dictionaries(
            {},
            optional={
                "Binds": binds,
                "Mounts": st.lists(mount, max_size=2),
                "NetworkMode": lines.network | joined,
                "PidMode": joined,
                "IpcMode": joined,
                "VolumesFrom": st.lists(lines.container, max_size=2),
                "Links": st.lists(lines.container.map("{}:db".format), max_size=1),
                "AutoRemove": st.booleans(),
            },
        )
        return st.fixed_dictionaries(
            {"Image": lines.image | st.just(self._there.small)},
            optional={
                "HostConfig": host,
                "Cmd": st.just(["sh", "-c", WRITE]),
                "Volumes": st.just({"/v": {}}),
                "NetworkingConfig": st.builds(
                    lambda name, end: {"EndpointsConfig": {name: end}},
                    lines.network,
                    self._endpoint(),
                ),
                "VolumesFrom": st.lists(lines.container, max_size=1),
                "NetworkMode": joined,
            },
        )

    def _endpoint(self) -> st.SearchStrategy[Json]:
        lines = self._lines
        return st.fixed_dictionaries(
            {},
            optional={
                "Aliases": st.just(["db"]),
                "Links": st.lists(lines.container.map("{}:x".format), max_size=1),
                "NetworkID": lines.network,
                "DNSNames": st.just(["db"]),
                "IPAMConfig": st.just({"IPv4Address": f"{self._there.site.prefixes[0]}9"}),
            },
        )

    def _joining(self) -> st.SearchStrategy[Json]:
        return st.fixed_dictionaries(
            {"Container": self._lines.container},
            optional={"EndpointConfig": self._endpoint(), "Force": st.just(True)},
        )

    def _network(self) -> st.SearchStrategy[Json]:
        optional = {
            "CheckDuplicate": st.booleans(),
            "ConfigFrom": st.builds(lambda name: {"Network": name}, self._lines.network),
            "Labels": st.just({"of": "others"}),
        }
        return st.fixed_dictionaries({"Name": self._lines.network}, optional=optional)

    def _volume(self) -> st.SearchStrategy[Json]:
        state = self._there.engine.info.state_dir
        options = {"type": "none", "o": "bind", "device": state}
        optional = {"Driver": st.just("local"), "DriverOpts": st.just(options)}
        return st.fixed_dictionaries({"Name": self._lines.volume}, optional=optional)


def _mount(kind: str, source: str) -> Json:
    return {"Type": kind, "Source": source, "Target": "/data"}


_ON = st.sampled_from(("1", "true", "0", ""))
_NEEDED: dict[Act, Sequence[str]] = {
    Act.COMMIT: ("container", "repo"),
    Act.PULL: ("fromImage",),
    Act.TAG: ("repo", "tag"),
    Act.BUILD: ("t",),
    Act.RENAME_CONTAINER: ("name",),
    Act.CREATE_CONTAINER: ("name",),
    Act.CANCEL_BUILD: ("id",),
    Act.REMOVE_IMAGE: ("force",),
    Act.REMOVE_CONTAINER: ("force",),
}


def _loose(pairs: Sequence[tuple[str, str]]) -> str:
    """A query in which nothing is escaped that need not be, joined in another way."""
    return ";".join(f"{key}={value}" for key, value in pairs).replace(" ", "+")


def _cased(text: str) -> st.SearchStrategy[str]:
    """A key, now and then in another case."""
    return st.sampled_from((text, text, text, text, text.upper(), text.capitalize()))


def _spelled(paths: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A path as clients write it, and as they might."""

    def percent(path: str) -> str:
        return "".join(f"%{ord(c):02x}" if c.isalnum() and i % 3 == 0 else c
                       for i, c in enumerate(path))  # fmt: skip

    plain = paths.map(lambda path: quote(path, safe="/:@"))
    return st.one_of(
        *(plain,) * 10,
        paths,
        paths.map(lambda path: quote(path, safe="/")),
        paths.map(percent),
        plain.map(lambda path: path.replace("/", "//", 2)),
        plain.map(lambda path: f"{path}/"),
        plain.map(lambda path: f"/containers/..{path}"),
        plain.map(lambda path: f"{path}%3fforce=1"),
        plain.map(lambda path: f"{path}/json"),
        plain.map(lambda path: f"{path}%00"),
        plain.map(lambda path: f"http://docker{path}"),
    )


def _written(values: st.SearchStrategy[Json]) -> st.SearchStrategy[bytes]:
    """A body as JSON, with keys in other cases, twice, or escaped."""

    @st.composite
    def body(draw: st.DrawFn) -> bytes:
        value, how = draw(values), draw(st.integers(0, 9))
        text = json.dumps(value)
        if how == 0:
            text = json.dumps(_recased(value, str.lower))
        elif how == 1:
            text = json.dumps(_recased(value, str.upper))
        elif how == 2:
            text = f"{text[:-1]}, {json.dumps(_recased(value, str.lower))[1:]}"
        elif how == 3:
            text = f"{json.dumps(draw(values))[:-1]}, {text[1:]}"
        elif how == 4:
            text = text.replace("o", "\\u006f").replace("s", "\u017f", 1)
        elif how == 5:
            text = f"{text}{json.dumps(draw(values))}"
        return text.encode()

    return body()


def _recased(value: Any, change: Any) -> Any:
    """The value with its keys in another case."""
    if isinstance(value, dict):
        return {change(key): _recased(one, change) for key, one in value.items()}
    return [_recased(one, change) for one in value] if isinstance(value, list) else value


def _framed(endpoint: Endpoint, where: str, body: bytes) -> st.SearchStrategy[bytes]:
    """The bytes of a request, in one of several framings, right and wrong ones."""
    safe = where.encode("utf-8", "surrogatepass").replace(b" ", b"%20")
    kind = b"Content-Type: application/json\r\n"
    method = endpoint.method.encode()
    line = b"%b %b HTTP/1.1\r\nHost: docker\r\n" % (method, safe)
    length = b"Content-Length: %d\r\n" % len(body)
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: %b\r\n" % (endpoint.upgrade or "tcp").encode()
    whole = line + kind + length + b"\r\n" + body
    smuggled = b"DELETE /containers/json?force=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    return st.sampled_from(
        (
            *(whole,) * 9,
            line + kind + upgrade + length + b"\r\n" + body,
            line + kind + chunked + b"\r\n" + chunks,
            line + kind + chunked + length + b"\r\n" + chunks,
            line + length + b"\r\n" + body,
            line + b"X-HTTP-Method-Override: DELETE\r\n" + kind + length + b"\r\n" + body,
            whole + smuggled,
            whole.replace(b"HTTP/1.1", b"HTTP/1.0"),
            line + b"Expect: 100-continue\r\n" + kind + length + b"\r\n" + body,
        )
    )


def every_endpoint() -> tuple[Endpoint, ...]:
    """The gate's table; the first are those that change something."""
    return tuple(sorted(ENDPOINTS, key=lambda e: e.act in {Act.READ, Act.REFUSED}))
