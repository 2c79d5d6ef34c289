"""Two requests about one name are judged one after the other."""

from __future__ import annotations

import threading
from contextlib import suppress

from lifecycle.run.ownership.turns import Turns

LIMIT = 20.0


def test_one_name_is_one_request_s_at_a_time() -> None:
    turns, begun, may_end, order = Turns(), threading.Event(), threading.Event(), []

    def first() -> None:
        with turns.of([("container", "x"), ("volume", "v")]):
            begun.set()
            assert may_end.wait(LIMIT)
            order.append("first")

    def second() -> None:
        with turns.of([("volume", "v")]):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert begun.wait(LIMIT)
    threads[1].start()
    with turns.of([("container", "v"), ("volume", "x")]):
        order.append("another's name")
    may_end.set()
    for thread in threads:
        thread.join(LIMIT)
    assert order == ["another's name", "first", "second"]


def test_a_name_is_free_again_after_a_fault() -> None:
    turns = Turns()
    with suppress(ZeroDivisionError), turns.of([("container", "x")]):
        divmod(1, 0)
    with turns.of([("container", "x")]):
        pass
