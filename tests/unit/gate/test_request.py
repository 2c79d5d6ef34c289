"""A request is read once, and what could be read in two ways is refused."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.gate.request import BadRequestError, Request, from_json, head, read, target


def asked(line: str, *headers: tuple[str, str]) -> Request:
    """A request as it comes from a client."""
    reader = h11.Connection(h11.SERVER)
    lines = [f"{line} HTTP/1.1", "Host: docker", *(f"{k}: {v}" for k, v in headers)]
    reader.receive_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
    event = reader.next_event()
    assert isinstance(event, h11.Request)
    return read(event)


@pytest.mark.parametrize(
    ("where", "version", "path"),
    [
        ("/v1.41/info", "/v1.41", "/info"),
        ("/info", "", "/info"),
        ("/v1/info", "/v1", "/info"),
        ("/v1.41/v1.41/info", "/v1.41", "/v1.41/info"),
        ("/vx/info", "", "/vx/info"),
        ("/%76%31.41/info", "/v1.41", "/info"),
        ("/v1.41/images/a%2Fb%3A1/json", "/v1.41", "/images/a/b:1/json"),
        ("/v1.41/containers/%C3%BC/json", "/v1.41", "/containers/ü/json"),
        ("/v1.41", "", "/v1.41"),
        ("/v1.41/", "/v1.41", "/"),
    ],
)
def test_a_path_is_decoded_once_and_its_version_is_apart(
    where: str, version: str, path: str
) -> None:
    request = asked(f"GET {where}")
    assert (request.version, request.path) == (version, path)


@pytest.mark.parametrize(
    "where",
    [
        *("*", "//info", "/v1.41//info", "/a//b", "info", "http://docker/info", "docker:80"),
        *("/../info", "/v1.41/../info", "/containers/../info", "/./info", "/a/.", "/a/..", "/a/./"),
        *("/%2e%2e/info", "/containers/%2e%2e/info", "/%2E/info", "/containers/.%2e/info"),
        *("/containers%2F%2e%2e%2Finfo", "/%2Finfo", "/containers/%2Fx/json", "/a%2F%2Fb"),
        *("/a%00/json", "/a%0A", "/a%0d%0ax", "/a%20b", "/a%7f", "/%09"),
        *("/%252e%252e/info", "/a%25b", "/a%23b", "/a%3Fb", "/a#b", "/%ff/json", "/%c3", "/%zz"),
    ],
)
def test_a_path_that_is_none_of_the_engine_s_is_refused(where: str) -> None:
    with pytest.raises(BadRequestError, match="no path of the engine's API"):
        asked(f"GET {where}")


def test_the_first_value_of_a_parameter_counts() -> None:
    request = asked("POST /containers/create?name=a&name=b&x=1&t=&t=2")
    assert (request.get("name"), request.get("none")) == ("a", "")
    assert request.all("t") == ("", "2")


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("a=1&b=2", (("a", "1"), ("b", "2"))),
        ("a=%26b%3D1", (("a", "&b=1"),)),
        ("a=1;b=2", (("a", "1;b=2"),)),
        ("a+b=c+d", (("a b", "c d"),)),
        ("a&=b&&", (("a", ""), ("", "b"))),
        ("a=%zz", (("a", "%zz"),)),
        ("a=?b", (("a", "?b"),)),
    ],
)
def test_a_query_is_taken_apart_and_put_together_again(
    query: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    request = asked(f"GET /info?{query}")
    assert request.query == pairs
    assert asked(f"GET {request.target}").query == pairs
    assert ";" not in request.target


@pytest.mark.parametrize("query", ["a=%ff", "%c3=1", "&".join("a=1" for _ in range(1001))])
def test_a_query_that_can_t_be_read_is_refused(query: str) -> None:
    with pytest.raises(BadRequestError, match="a query that can't be read"):
        asked(f"GET /info?{query}")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded; charset=utf-8",
        " multipart/form-data; boundary=x",
        "MULTIPART/mixed",
    ],
)
def test_a_form_is_refused_since_its_fields_would_outweigh_the_query(
    method: str, kind: str
) -> None:
    with pytest.raises(BadRequestError, match="a form"):
        asked(f"{method} /containers/create?name=a", ("Content-Type", kind))


@pytest.mark.parametrize(
    "before", ["\u00a0", "\u0085", "\u3000", "\u2009", "\ufeff", "\u200b", "\v", "a\u0130"]
)
def test_a_kind_that_go_could_trim_to_another_is_refused(before: str) -> None:
    kind = f"{before}application/x-www-form-urlencoded".encode().decode("latin-1")
    with pytest.raises((BadRequestError, h11.RemoteProtocolError)):
        asked("POST /images/create?fromImage=a&tag=b", ("Content-Type", kind))


def test_a_body_of_two_kinds_is_refused() -> None:
    kinds = ("Content-Type", "text/plain"), ("content-type", "application/x-www-form-urlencoded")
    with pytest.raises(BadRequestError, match="several kinds"):
        asked("POST /images/create?fromImage=a&tag=b", *kinds)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "application/x-tar; a=b"])
def test_what_clients_send_is_let_through(kind: str) -> None:
    assert asked("POST /images/create?fromImage=a", ("Content-Type", kind)).endpoint is not None


def test_a_method_is_what_it_is_written_as() -> None:
    assert asked("get /info").endpoint is None
    assert asked("GET /info").endpoint is not None


def test_what_crosses_to_the_harness_is_the_same_request() -> None:
    request = asked("POST /v1.41/containers/x/stop?t=1&t=2", ("X-A", "\xfc"))
    assert from_json(request.to_json()) == request
    assert request.names == {"id": "x"}


texts = st.text(st.characters(codec="utf-8"))
names = st.text(st.characters(codec="utf-8", exclude_characters="/%?#\x7f"), min_size=1)


@given(names, st.lists(st.tuples(texts, texts)))
def test_what_is_sent_on_is_read_as_it_was_judged(name: str, query: list[tuple[str, str]]) -> None:
    if name in {".", ".."} or any(c <= " " for c in name):
        return
    sent = target("/v1.41", f"/containers/{name}/stop", query)
    request = asked(f"POST {sent}")
    assert request.names == {"id": name}
    assert list(request.query) == query
    assert request.target == sent


def told(*headers: tuple[str, str], framing: str = "", upgrade: str = "") -> list[str]:
    return head("POST", "/x", headers, framing, upgrade).decode("latin-1").split("\r\n")


def test_a_head_asks_one_thing_of_a_connection() -> None:
    assert told(("Host", "h")) == ["POST /x HTTP/1.1", "Host: h", "Connection: close", "", ""]
    assert "Host: docker" in told()


@pytest.mark.parametrize(
    "name",
    [
        *("Connection", "KEEP-ALIVE", "Proxy-Connection", "TE", "Trailer", "transfer-encoding"),
        *("Upgrade", "Content-Length", "EXPECT", "HTTP2-Settings"),
    ],
)
def test_what_is_of_this_hop_only_is_not_sent_on(name: str) -> None:
    assert told((name, "x"), ("X-Registry-Auth", "y")) == [
        *("POST /x HTTP/1.1", "X-Registry-Auth: y", "Host: docker", "Connection: close", "", "")
    ]


def test_a_head_has_the_framing_and_the_upgrade_that_were_judged() -> None:
    assert "Content-Length: 3" in told(("Content-Length", "9"), framing="Content-Length: 3")
    upgraded = told(("Upgrade", "other"), ("Connection", "close"), upgrade="tcp")
    assert upgraded[1:4] == ["Host: docker", "Connection: Upgrade", "Upgrade: tcp"]
