"""Bodies of requests that would be read in two ways."""

from __future__ import annotations

import json

import pytest

from lifecycle.run.requests import bodies
from lifecycle.run.requests.bodies import BodyError


@pytest.mark.parametrize(
    "body",
    [
        rb'{"Image": "\ud800"}',
        rb'{"\udfff": 1}',
        rb'{"HostConfig": {"Binds": ["/a\u0000b:/x"]}}',
        rb'{"Labels": {"a": "\u0000"}}',
    ],
)
def test_a_body_that_holds_what_is_no_text_is_refused_in_words_that_can_be_printed(
    body: bytes,
) -> None:
    with pytest.raises(BodyError, match="which is no text") as raised:
        bodies.read(body, bodies.CONTAINER)
    assert str(raised.value).encode()


def test_text_in_any_language_is_text() -> None:
    body = '{"Labels": {"이름": "값 \\ud83d\\ude00"}}'.encode()
    assert bodies.read(body, bodies.CONTAINER) == {"Labels": {"이름": "값 \U0001f600"}}


@pytest.mark.parametrize("value", ["\ud800" + "x" * 100_000, "\0"])
def test_the_words_are_short_and_can_be_written_down(value: str) -> None:
    with pytest.raises(BodyError) as raised:
        bodies.read(json.dumps({"Image": value}).encode(), bodies.CONTAINER)
    assert len(str(raised.value).encode()) < 200
