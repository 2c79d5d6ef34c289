"""Bodies are read as the engine reads them, and sent on as they were read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lifecycle.run.requests import bodies, mounts
from lifecycle.run.requests.bodies import CONTAINER, BodyError
from tests.unit.run.requests import go

HOSTS = {
    "HostConfig",
    "hostconfig",
    "HOSTCONFIG",
    "Ho\u017ftConfig",
    "Hostconfig ",
    "HostConﬁg",
}
KEYS = [
    *("NetworkMode", "PidMode", "Binds", "Mounts", "VolumesFrom", "Links", "Type", "Source"),
    *("NetworkingConfig", "EndpointsConfig", "NetworkID", "Aliases", "Cgroup", "Image", "Labels"),
    *("IpcMode", "VolumeOptions", "DriverConfig", "Options", "device", "theirs", "bridge", "*"),
]
NAMES = ["theirs", "container:theirs", "theirs:/d", "/tmp:/t", "volume", "bind", "bridge", "", "x"]


def respelled(key: str) -> st.SearchStrategy[str]:
    """A key in other cases, with letters that only look like its own."""
    twins = {"s": "sS\u017f", "k": "kK\u212a", "f": "fFﬁ", "i": "iIıİ"}
    each = [st.sampled_from(twins.get(c.lower(), c.lower() + c.upper())) for c in key]
    return st.one_of(st.just(key), st.tuples(*each).map("".join))


keys = st.one_of(st.sampled_from([*KEYS, *HOSTS]).flatmap(respelled), st.text(max_size=3))
leaves = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(NAMES)),
    st.text(max_size=4),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(st.tuples(keys, inner), max_size=4).map(go.Obj)
    ),
    max_leaves=12,
)


def under(inner: st.SearchStrategy[Any], *names: str) -> st.SearchStrategy[Any]:
    """Objects in which something stands where the engine looks."""
    for name in reversed(names):
        inner = st.lists(st.tuples(respelled(name), inner), min_size=1, max_size=2).map(go.Obj)
    return inner


texts = st.one_of(*[st.sampled_from(NAMES)] * 6, values)
containers = st.one_of(
    *(under(texts, "HostConfig", mode) for mode in ("NetworkMode", "PidMode", "IpcMode", "Cgroup")),
    *(under(st.lists(texts), "HostConfig", key) for key in ("Binds", "VolumesFrom", "Links")),
    under(
        st.lists(
            st.tuples(under(texts, "Source"), under(texts, "Type")).map(
                lambda both: go.Obj([*both[0], *both[1]])
            )
        ),
        "HostConfig",
        "Mounts",
    ),
    under(values, "NetworkingConfig", "EndpointsConfig", "theirs"),
    st.lists(st.tuples(keys, values), max_size=4).map(go.Obj),
)


def text_of(value: Any) -> str:
    """A value as it is written, with keys that stand twice."""
    if isinstance(value, go.Obj):
        return "{" + ", ".join(f"{json.dumps(k)}: {text_of(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return json.dumps(value)


@given(containers.map(text_of).map(str.encode))
@example(b'{"HostConfig": {"PidMode": "x"}, "hostconfig": {"PidMode": "container:theirs"}}')
@example(b'{"HostConfig": {"Binds": ["theirs:/d"]}, "HOSTCONFIG": null}')
@example('{"Ho\u017ftConfig": {"Lin\u212as": ["theirs:db"]}}'.encode())
@example('{"HostConﬁg": {"Binds": ["theirs:/d"]}}'.encode())
@example(b'{"HostConfig": {"NetworkMode": "x\\ud800"}}')
@example(b'{"HostConfig": {"NetworkMode": "x\xff"}}')
@example(b'{"HostConfig": {}} {"HostConfig": {"PidMode": "container:theirs"}}')
def test_whatever_an_engine_would_join_is_refused_or_judged_and_sent_as_it_was(body: bytes) -> None:
    try:
        seen = go.parse(body)
        wanted = set(go.joined(seen))
    except go.NotGoError:
        return  # the engine refuses it
    try:
        value = bodies.read(body, CONTAINER)
        judged = set(bodies.joins(value))
    except BodyError:
        return
    assert wanted <= judged
    sent = go.parse(bodies.written(value))
    assert set(go.joined(sent)) == wanted
    assert unspelled(sent) == unspelled(seen)


def unspelled(value: Any) -> Any:
    """A value whose keys have no case."""
    if isinstance(value, go.Obj):
        return [(go.fold(key), unspelled(inner)) for key, inner in value]
    return [unspelled(one) for one in value] if isinstance(value, list) else repr(value)


@given(st.one_of(st.binary(), st.text().map(str.encode), values.map(text_of).map(str.encode)))
def test_no_body_makes_more_than_a_sentence(body: bytes) -> None:
    for shape in (CONTAINER, bodies.CONNECT, bodies.NETWORK, bodies.VOLUME, bodies.NOTHING):
        try:
            value = bodies.read(body, shape)
            list(bodies.joins(value))
            list(mounts.behind(bodies.options_of(value, "DriverOpts")))
            list(mounts.folders(value))
        except BodyError as error:
            assert str(error)
            continue
        assert json.loads(bodies.written(value), parse_constant=pytest.fail) == value


@pytest.mark.parametrize("depth", [400, 900, 5_000, 100_000])
@pytest.mark.parametrize("bomb", ["[{}]", '{{"a":{}}}'])
def test_a_bomb_of_nesting_is_refused_or_read(depth: int, bomb: str) -> None:
    begin, _, end = bomb.replace("{{", "{").replace("}}", "}").partition("{}")
    body = ('{"a":' + begin * depth + "1" + end * depth + "}").encode()
    try:
        assert bodies.written(bodies.read(body, CONTAINER)) == body.replace(b":", b": ")
    except BodyError as error:
        assert "nested too deep" in str(error)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"x"', "no JSON object"),
        (b"{", "no JSON"),
        (b"{} {}", "no JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"7" * 5000 + b"}", "7777 is larger than a number may be"),
        (b'{"a": -' + b"7" * 400 + b"}", "7777 is larger than a number may be"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "1e999 is larger"),
        (b'{"a": "\\udc00"}', "which is no text"),
        (b'{"\\ud800": 1}', "which is no text"),
        (b'{"a": {"b": ["\\u0000"]}}', "a.b holds .*, which is no text"),
        (b'{"a": "\xff"}', "no JSON"),
        ('{"a": 1}'.encode("utf-16"), "no JSON"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b'{"a": 1, "a": 2}', "a stands twice"),
        (b'{"HostConfig": {}, "hostconfig": {}}', "HostConfig stands twice"),
        (b'{"HostConfig": {"Binds": [], "BINDS": []}}', "HostConfig.Binds stands twice"),
        (b'{"HostConfig": []}', "HostConfig is no object"),
        (b'{"HostConfig": "x"}', "HostConfig is no object"),
        (b'{"HostConfig": {"Binds": "x"}}', "Binds is no list"),
        (b'{"HostConfig": {"Binds": [1]}}', "Binds is no text"),
        (b'{"HostConfig": {"Mounts": {}}}', "Mounts is no list"),
        (b'{"HostConfig": {"Mounts": [[]]}}', "Mounts is no object"),
        (b'{"HostConfig": {"PidMode": {}}}', "PidMode is no text"),
        (b'{"NetworkingConfig": {"EndpointsConfig": {"x": 1}}}', "x is no object"),
        (b'{"NetworkingConfig": {"EndpointsConfig": {"x": {"Links": "a"}}}}', "Links is no list"),
        (b'{"Binds": []}', "binds stands outside HostConfig"),
        (b'{"networkmode": null}', "networkmode stands outside HostConfig"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(body: bytes, why: str) -> None:
    def read_it() -> None:
        list(bodies.joins(bodies.read(body, CONTAINER)))

    with pytest.raises(BodyError, match=why):
        read_it()


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}"])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert bodies.read(body, CONTAINER) == {}


def test_what_does_not_matter_is_sent_as_it_was() -> None:
    body = (
        b'{"Labels": {"a": "1", "A": "2"}, "Env": ["\xc3\xa9=\\u00e9"], "Big": 123456789012345678}'
    )
    value = bodies.read(body, CONTAINER)
    assert value == {"Labels": {"a": "1", "A": "2"}, "Env": ["é=é"], "Big": 123456789012345678}
