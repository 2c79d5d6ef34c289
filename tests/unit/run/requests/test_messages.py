"""A stream of messages is read as it comes, and what is too long is no message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.run.requests.messages import Messages
from tests.fakes.gate import stream

SAID: list[Any] = [{"stream": "a\n"}, {"status": "ü"}, {"aux": {"ID": "x"}}]


def heard(answer: bytes, size: int = 1 << 16) -> tuple[list[Any], Messages]:
    messages = Messages()
    found = [
        said for at in range(0, len(answer), size) for said in messages.feed(answer[at : at + size])
    ]
    return found, messages


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_all_messages_are_read_in_whatever_pieces(size: int) -> None:
    found, messages = heard(stream(*SAID), size)
    assert found == SAID
    assert (messages.ended, messages.failed, messages.succeeded) == (True, False, True)


@pytest.mark.parametrize(
    ("answer", "ended", "failed"),
    [
        (stream({"error": "no"}), True, True),
        (stream({"errorDetail": {"message": "no"}}), True, True),
        (stream({"message": "no"}, status="500 Internal"), True, True),
        (stream(*SAID, whole=False), False, False),
        (b"", False, True),
        (b"no answer\r\n\r\n", False, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}\n", False, False),
    ],
)
def test_it_succeeded_when_all_came_and_no_error(
    answer: bytes,
    ended: bool,  # noqa: FBT001
    failed: bool,  # noqa: FBT001
) -> None:
    _, messages = heard(answer)
    assert (messages.ended, messages.failed) == (ended, failed)
    assert not messages.succeeded


@pytest.mark.parametrize("size", [999, 1 << 16])
def test_a_message_that_is_too_long_is_dropped_whole(size: int) -> None:
    """Its end alone could be read as another message."""
    fake = json.dumps({"aux": {"ID": "fake"}})
    long: Any = {"stream": "x" * 200_000 + fake}
    found, messages = heard(stream(SAID[0], long, SAID[1]), size)
    assert [said for said in found if said != long] == [SAID[0], SAID[1]]
    assert {"aux": {"ID": "fake"}} not in found
    assert len(messages._rest) <= 1 << 16


@pytest.mark.parametrize("line", [b"[1]\n", b"1\n", b"{\n", b"\xff\n", b"[" * 50_000 + b"\n"])
def test_what_is_no_object_is_passed_over(line: bytes) -> None:
    chunk = b"%x\r\n%b\r\n" % (len(line), line)
    head, _, rest = stream(*SAID).partition(b"\r\n\r\n")
    found, _ = heard(head + b"\r\n\r\n" + chunk + rest)
    assert found == SAID
