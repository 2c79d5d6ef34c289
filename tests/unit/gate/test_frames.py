"""Frames on a socket, and sockets over one."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator

import pytest

from lifecycle.gate import frames

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        for end in (one, other):
            end.settimeout(30)
        yield one, other


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 100, os.urandom(1 << 20)])
def test_a_frame_comes_whole(pair: Pair, data: bytes) -> None:
    sending = threading.Thread(target=frames.send, args=(pair[0], data))
    sending.start()
    assert frames.receive(pair[1]) == data
    sending.join(30)


def test_frames_come_one_by_one(pair: Pair) -> None:
    for said in ({"a": "\udc80ü"}, [1], None):
        frames.send_json(pair[0], said)
    assert [frames.receive_json(pair[1]) for _ in range(3)] == [{"a": "\udc80ü"}, [1], None]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\0",
        b"\0\0\0\x09short",
        b"\xff\xff\xff\xff" + b"x" * 100,
        b"\x01\0\0\x01" + b"x" * 100,
    ],
)
def test_what_breaks_off_or_is_too_long_ends_the_conversation(pair: Pair, sent: bytes) -> None:
    pair[0].sendall(sent)
    pair[0].close()
    with pytest.raises(frames.ClosedError):
        frames.receive(pair[1])


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_ends_the_conversation(pair: Pair, sent: bytes) -> None:
    frames.send(pair[0], sent)
    with pytest.raises(frames.ClosedError):
        frames.receive_json(pair[1])


def test_to_send_to_whoever_has_gone_is_told(pair: Pair) -> None:
    pair[1].close()
    for act in (lambda: frames.send(pair[0], b"x"), lambda: frames.hand_over(pair[0])):
        with pytest.raises(frames.ClosedError):
            act()


def test_a_conversation_is_opened_over_a_channel_and_its_end_is_seen(pair: Pair) -> None:
    opened = [frames.hand_over(pair[0]) for _ in range(3)]
    for number, one in enumerate(opened):
        frames.send_json(one, number)
    taken = [frames.take_over(pair[1]) for _ in range(3)]
    assert [frames.receive_json(one) for one in taken if one] == [0, 1, 2]
    for end in (*opened, *filter(None, taken)):
        end.close()
    pair[0].close()
    assert frames.take_over(pair[1]) is None


def test_a_conversation_for_which_no_descriptor_is_free_ends_and_the_next_one_comes(
    pair: Pair,
) -> None:
    lost = frames.hand_over(pair[0])
    taken: list[socket.socket | None] = []
    with lost:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lost.settimeout(30)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # no number below is free
        taking = threading.Thread(target=lambda: taken.append(frames.take_over(pair[1])))
        try:
            taking.start()
            assert lost.recv(1) == b"", "its other end is closed"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with frames.hand_over(pair[0]) as second:
            frames.send_json(second, "second")
            taking.join(30)
            assert taken[0] is not None
            with taken[0]:
                assert frames.receive_json(taken[0]) == "second"
