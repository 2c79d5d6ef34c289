"""The table of endpoints knows the engine's whole API, and nothing that is not of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from lifecycle.engine.daemon import Daemon
from lifecycle.gate.table import ENDPOINTS, Act, Endpoint, find
from lifecycle.run.requests.judge_request import COULD_CHANGE, Judge
from tests.unit.run.requests.fakes import Run

PUBLISHED = [
    line.split(" ")
    for line in Path(__file__).with_name("engine_api.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
NOT_PUBLISHED = {
    "GET/networks/",
    "POST/grpc",
    "POST/build/cancel",
    "GET/containers/{id}/checkpoints",
    "POST/containers/{id}/checkpoints",
    "DELETE/containers/{id}/checkpoints/{checkpoint}",
}
"""What engines have besides: their sources say so (daemon/server/router of moby)."""


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def test_the_published_api_is_not_empty() -> None:
    assert len(PUBLISHED) > 100


@pytest.mark.parametrize(("method", "path"), PUBLISHED, ids=" ".join)
def test_every_published_endpoint_is_in_the_table_by_its_own_row(method: str, path: str) -> None:
    found = find(method, filled(path))
    assert found is not None
    assert (found[0].method, filled(found[0].path)) == (method, filled(path))
    assert set(found[1].values()) <= {"x"}


def test_the_table_has_no_endpoint_that_no_engine_has() -> None:
    published = {f"{method}{filled(path)}" for method, path in PUBLISHED}
    more = {str(e) for e in ENDPOINTS if f"{e.method}{filled(e.path)}" not in published}
    assert more == NOT_PUBLISHED


def test_no_endpoint_stands_twice() -> None:
    names = [f"{e.method}{filled(e.path)}" for e in ENDPOINTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_what_is_only_read_is_asked_by_get_or_head(endpoint: Endpoint) -> None:
    if endpoint.act is Act.READ and endpoint.path != "/auth":
        assert endpoint.method in {"GET", "HEAD"}
        assert (endpoint.body, endpoint.upgrade) == ("none", "")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_what_is_not_only_read_is_judged_or_never_let_through(endpoint: Endpoint, run: Run) -> None:
    judge = Judge(run.ownership, cast("Daemon", run.engine), own=(), as_written=False)
    judged = endpoint.act in judge._acts
    assert judged is (endpoint.act not in {Act.READ, Act.REFUSED})
    assert bool(endpoint.why) is (endpoint.act is Act.REFUSED)


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("PUT", "/volumes/x", "changes a volume of the swarm"),
        ("POST", "/volumes/prune", "a prune removes"),
        ("POST", "/services/create", "a swarm is everybody's"),
        ("POST", "/plugins/pull", "a plugin changes the engine"),
    ],
)
def test_the_reason_of_what_is_never_let_through_is_its_own(
    method: str, path: str, why: str
) -> None:
    found = find(method, path)
    assert found is not None
    assert why in found[0].why


@pytest.mark.parametrize("act", Act)
def test_every_act_has_an_endpoint(act: Act) -> None:
    assert any(e.act is act for e in ENDPOINTS)


def test_of_every_act_it_is_said_what_it_could_change_of_others() -> None:
    assert set(COULD_CHANGE) == set(Act)


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.path == "/auth" or e.upgrade])
def test_an_endpoint_that_upgrades_is_judged(endpoint: Endpoint) -> None:
    assert endpoint.act is not Act.READ or not endpoint.upgrade


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/made/up"),
        ("GET", "/containers/x/made-up"),
        ("POST", "/containers/x"),
        ("PUT", "/containers/x/start"),
        ("PATCH", "/containers/x"),
        ("get", "/info"),
        ("GET", "/info/"),
        ("GET", "/INFO"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/containers//json"),
        ("GET", "/containers/x/json/"),
        ("POST", "/containers/x/start/"),
        ("OPTIONS", "/info"),
        ("POST", "/plugins/x/made-up"),
        ("GET", "/debug/pprof/"),
        ("GET", "/metrics"),
    ],
)
def test_what_no_engine_is_known_to_have_is_not_found(method: str, path: str) -> None:
    assert find(method, path) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/services/x/logs"),
        ("GET", "/tasks/x/logs"),
        ("GET", "/containers/x/logs"),
        ("GET", "/containers/x/archive"),
        ("GET", "/containers/x/export"),
        ("GET", "/containers/x/attach/ws"),
        ("GET", "/swarm/unlockkey"),
    ],
)
def test_what_is_asked_by_get_and_is_more_than_reading_is_not_taken_for_it(
    method: str, path: str
) -> None:
    found = find(method, path)
    assert found is not None
    assert found[0].act is not Act.READ


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/images/reg.local:5000/a/b:1/json", "reg.local:5000/a/b:1"),
        ("DELETE", "/images/a/b", "a/b"),
        ("POST", "/images/a/b/tag", "a/b"),
        ("POST", "/images/a/tag/push", "a/tag"),
        ("GET", "/distribution/a/b/json", "a/b"),
        ("GET", "/plugins/a/b/json", "a/b"),
    ],
)
def test_the_name_of_an_image_may_hold_slashes(method: str, path: str, name: str) -> None:
    found = find(method, path)
    assert found is not None
    assert found[1] == {"name": name}


@pytest.mark.parametrize("kind", ["containers", "networks", "volumes", "exec", "services"])
def test_no_other_name_may(kind: str) -> None:
    for method, rest in (("GET", "/logs"), ("GET", "/x/y"), ("POST", "/start"), ("DELETE", "")):
        found = find(method, f"/{kind}/a/b{rest}")
        assert found is None or found[0].act is Act.READ


@pytest.mark.parametrize("path", ["/containers/team/app:1/json", "/networks/a/b", "/volumes/a/b"])
def test_what_docker_inspect_asks_of_an_image_s_name_is_read(path: str) -> None:
    found = find("GET", path)
    assert found is not None
    assert found[0].act is Act.READ
    assert find("DELETE", path) is None
