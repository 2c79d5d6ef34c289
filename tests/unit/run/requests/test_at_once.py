"""Several requests for one name at once: who loses drops nothing of who wins."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from lifecycle.gate.gate import Answer
from tests.unit.run.requests.fakes import OURS, RUN, Run, created, full

LIMIT = 20.0
LOST = Answer(409, json.dumps({"message": "Conflict"}))


def at_once(run: Run, loses: str, wins: str, does: Callable[[], Answer], kind: str) -> None:
    """The loser is at the engine first, which gives the name to the other and answers it first."""
    body = {"Name": kind}
    other = threading.Thread(target=run.ask, args=(wins, body, does))

    def lost() -> Answer:
        other.start()
        other.join(0.3)  # as one that has its turn later it can't end before us
        return LOST

    run.ask(loses, body, lost)
    other.join(LIMIT)
    assert not other.is_alive()


@pytest.mark.parametrize("kind", ["container", "network"])
def test_who_loses_a_name_does_not_drop_what_has_it(run: Run, kind: str) -> None:
    line = f"POST /{kind}s/create?name={kind}"
    at_once(run, line, line, created(run, kind, kind, "c"), kind)
    assert (kind, kind, full("c")) in run.entries


def test_nor_does_a_rename_that_loses(shared: Run) -> None:
    at_once(
        shared,
        f"POST /containers/{OURS}/rename?name=new",
        "POST /containers/create?name=new",
        created(shared, "container", "new", "c"),
        "container",
    )
    wanted = {("container", "new", full("c")), ("container", f"mine-{RUN}", OURS)}
    assert wanted <= shared.entries


def test_nor_does_a_removal_drop_what_was_made_anew(shared: Run) -> None:
    name = f"mine-{RUN}"
    other = threading.Thread(
        target=shared.ask,
        args=(f"POST /containers/create?name={name}", {}, created(shared, "container", name, "c")),
    )

    def gone() -> Answer:
        shared.engine.remove("container", OURS)
        other.start()
        other.join(0.3)
        return Answer(204, "")

    shared.ask(f"DELETE /containers/{name}", b"", gone)
    other.join(LIMIT)
    assert ("container", name, full("c")) in shared.entries


def test_a_rename_to_its_own_name_keeps_it(shared: Run) -> None:
    shared.ask(f"POST /containers/{OURS}/rename?name=mine-{RUN}")
    assert ("container", f"mine-{RUN}", OURS) in shared.entries
