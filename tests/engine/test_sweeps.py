"""Which dead runs a sweep finishes is in their ledgers: this machine's, of whatever boot."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from lifecycle.machine.procfs import start_time
from lifecycle.machine.this_machine import machine
from tests.engine.harness import Place, wait_until

pytestmark = pytest.mark.engine

LONG = "docker run --name=MINE-long -v MINE-v:/v ${{ lab.base_image }} timeout 300 sleep 300"


def killed(place: Place, **header: Any) -> None:
    """A run that died while a container of it ran, and whose ledger says otherwise who it was."""
    file = str(place.write("a.yaml", f"scenario: killed\nsteps:\n- {LONG}\n"))
    with place.started(*place.run_words(file)) as process:
        wait_until(lambda: place.is_up("MINE-long"))
        process.kill()
        process.wait(10)
    (ledger,) = place.ledgers()
    first, *rest = ledger.read_text().splitlines()
    ledger.write_text("\n".join([json.dumps({**json.loads(first), **header}), *rest]) + "\n")


def test_what_an_earlier_boot_left_is_removed_whoever_has_its_number_now(place: Place) -> None:
    us = {"pid": os.getpid(), "started": start_time(os.getpid())}
    killed(place, boot="00000000-0000-0000-0000-000000000000", **us)
    assert place.lifecycle("sweep").exit_code == 0
    assert place.left() == []
    assert place.ledgers() == []


def test_what_another_machine_left_is_listed_and_left_alone(place: Place) -> None:
    killed(place, machine="another")
    swept = place.lifecycle("sweep")
    (ledger,) = place.ledgers()
    assert swept.out == f"run {ledger.stem}: left alone, it belongs to another machine\n"
    assert swept.exit_code == 0
    assert place.is_up("MINE-long")
    ledger.write_text(ledger.read_text().replace('"another"', json.dumps(machine()["machine"]), 1))
    assert place.lifecycle("sweep").exit_code == 0
    assert place.left() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a namespace of its own")
@pytest.mark.parametrize("elsewhere", ["sweep", "run"])
def test_from_another_pid_namespace_a_living_run_and_its_commands_are_left_alone(
    place: Place, elsewhere: str
) -> None:
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    file = str(place.write("a.yaml", f"scenario: living\nsteps:\n- {LONG}\n"))
    here, there = (apart, ()) if elsewhere == "run" else ((), apart)
    with place.started(*here, *place.run_words(file)) as living:
        wait_until(lambda: place.is_up("MINE-long"))
        (ledger,) = place.ledgers()
        with place.started(*there, sys.executable, "-m", "lifecycle.cli", "sweep") as sweep:
            swept = place.ended(sweep)
        assert f"run {ledger.stem}: left alone, it is still running" in swept.out
        assert place.is_up("MINE-long")
        assert living.poll() is None
        living.kill()
        living.wait(10)
    place.lifecycle("sweep")
    assert place.left() == []
