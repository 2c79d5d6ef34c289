"""A run and a sweep on an engine that answers anything at all end without a fault of ours."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.run.ownership.ledger import Ledger
from lifecycle.run.ownership.sweep import sweep
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.session.options import Options
from lifecycle.scenario.load import loads
from tests.fake_engine import GOOD, ID, FakeEngine, fake_engine, mutations

STEPS = """
scenario: on a bad engine
steps: [docker ps]
finally:
  - command: docker run -d --name=web -v data:/data -e A=b img
    expect: {port: {80: {answers: true}}}
  - {check: {container: {state: running}, image: {name: img, user: a}}, on: web}
"""
ANY_CONTAINER = re.compile(r"containers/[^/]+/json$")
MOST = 12
"""Mutations of each answer that a run is tried with: it takes some tens of milliseconds."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as made:

        def serve(link: socket.socket, path: str) -> None:
            if path == "events":
                link.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                with suppress(OSError):
                    link.recv(1)
            elif ANY_CONTAINER.match(path):
                made.reply(link, "containers/web/json")
            elif path.startswith("volumes/"):
                made.reply(link, "volumes/data")
            elif path.startswith("images/") and path.endswith("/json") and path != "images/json":
                made.reply(link, "images/img/json")
            else:
                made.reply(link, path)

        made.serve = serve
        yield made


@pytest.fixture
def environ(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Of a person whose docker says that all went well."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # Where anybody may go: root runs this as somebody else.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        cli = Path(folder) / "docker"
        cli.write_text("#!/bin/sh\nexit 0\n")
        cli.chmod(0o755)
        path = f"{folder}:/usr/bin:/bin"
        yield {"DOCKER_HOST": engine.address, "PATH": path, "HOME": str(tmp_path)}


def chosen(path: str) -> list[tuple[str, Any]]:
    made = list(mutations(GOOD[path]))
    return made if len(made) <= MOST else random.Random(path).sample(made, MOST)


RUN = ["info", "version", "containers/json", "containers/web/json", "images/json"]
RUN += ["images/img/json", "volumes", "volumes/data", "networks"]


def test_an_engine_that_answers_well_is_run_on(engine: FakeEngine, environ: dict[str, str]) -> None:
    statuses = [status for status, _ in run(environ)]
    assert "error" not in statuses
    assert "not-run" not in statuses, engine.asked
    assert statuses[0] == "passed"


def run(environ: dict[str, str]) -> list[tuple[str, str]]:
    """A run to its end: the status and the error of each step."""
    options = Options(user="nobody" if os.geteuid() == 0 else "")
    live = LiveRun(loads(STEPS, "a.yaml"), options, lambda _: None, environ)
    try:
        results = [live.step(n) for n in range(3)]
        results.append(live.finish())
    finally:
        live.close()
    return [(r.status, r.error + r.screen) for r in results]


@pytest.mark.parametrize("path", RUN)
def test_a_run_on_one_that_does_not_has_no_fault_of_the_harness(
    engine: FakeEngine, environ: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.run.observing.step_facts.EVENT_LIMIT", 0.01)
    for name, answer in chosen(path):
        engine.answers = copy.deepcopy(GOOD)
        engine.answers[path] = answer
        for status, said in run(environ):
            assert status != "error", (name, said)


@pytest.mark.parametrize("path", RUN)
def test_a_sweep_there_says_what_it_could_not_remove(
    engine: FakeEngine, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.run.ownership.sweep._settle", lambda _: None)
    for number, (name, answer) in enumerate(chosen(path)):
        engine.answers = copy.deepcopy(GOOD)
        engine.answers[path] = answer
        folder = tmp_path / f"ledgers{number}"
        ledger = Ledger(folder, "r0000000a", "E", engine.address)
        for kind, thing in (("container", "web"), ("image", "img"), ("volume", "data")):
            ledger.intend(kind, thing)  # type: ignore[arg-type]
            ledger.made(kind, thing, ID)  # type: ignore[arg-type]
        os.close(ledger._file)
        first, *rest = ledger.path.read_text().splitlines()
        header = json.dumps({**json.loads(first), "pid": 2**30})
        ledger.path.write_text("\n".join([header, *rest]) + "\n")
        daemon = Daemon(engine.address, {})
        outcomes = sweep(folder, lambda _, d=daemon: d, dry_run=False, locks=tmp_path / "locks")  # type: ignore[misc]
        assert len(outcomes) == 1, name
        assert "\n" not in outcomes[0].left_alone, name
        daemon.close()
