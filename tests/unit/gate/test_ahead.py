"""A gate's process that was started ahead serves the next run, if it still lives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lifecycle.gate import ahead


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    ahead.close()
    yield
    ahead.close()


def test_one_that_was_started_ahead_is_taken_once() -> None:
    ahead.start_ahead()
    ahead.start_ahead()
    first, second = ahead.take(), ahead.take()
    try:
        assert first.popen.pid < second.popen.pid, "the second was started when it was taken"
        assert (first.popen.poll(), second.popen.poll()) == (None, None)
    finally:
        first.close()
        second.close()


def test_one_that_has_ended_meanwhile_is_not_taken() -> None:
    ahead.start_ahead()
    (waiting,) = ahead._started
    waiting.popen.kill()
    waiting.popen.wait(10)
    taken = ahead.take()
    try:
        assert taken is not waiting
        assert taken.popen.poll() is None
    finally:
        taken.close()


def test_one_that_nobody_takes_ends_with_this_process() -> None:
    ahead.start_ahead()
    (waiting,) = ahead._started
    ahead.close()
    assert waiting.popen.poll() is not None
