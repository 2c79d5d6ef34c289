"""Containers and what is never let through: each request is held against what the run made."""

from __future__ import annotations

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.gate.gate import Answer
from tests.unit.run.requests.fakes import OURS, RUN, THEIRS, Run, created, full, is_refused

SHORT = THEIRS[:4]
TOUCHES = [
    "POST /containers/{}/start",
    "POST /containers/{}/stop?t=1",
    "POST /containers/{}/restart",
    "POST /containers/{}/kill?signal=KILL",
    "POST /containers/{}/pause",
    "POST /containers/{}/unpause",
    "POST /containers/{}/wait?condition=removed",
    "POST /containers/{}/resize?h=24&w=80",
    "POST /containers/{}/update",
    "POST /containers/{}/rename?name=new",
    "POST /containers/{}/attach?stream=1",
    "GET /containers/{}/attach/ws",
    "GET /containers/{}/logs?stdout=1",
    "GET /containers/{}/export",
    "HEAD /containers/{}/archive?path=/etc",
    "GET /containers/{}/archive?path=/etc",
    "PUT /containers/{}/archive?path=/etc",
    "POST /containers/{}/checkpoints",
    "DELETE /containers/{}/checkpoints/one",
    "DELETE /containers/{}?force=1",
    "POST /containers/{}/exec",
    "POST /commit?container={}&repo=me/test-r1f2e3d4c",
]


@pytest.mark.parametrize("line", TOUCHES)
@pytest.mark.parametrize("name", ["theirs", THEIRS, THEIRS[:12], SHORT])
def test_a_container_of_others_is_refused_by_whatever_name(
    shared: Run, line: str, name: str
) -> None:
    call = shared.ask(line.format(name), b"{}")
    assert is_refused(call, "container")
    assert not call.relayed
    assert shared.refusals == [call.refusal]


@pytest.mark.parametrize("line", TOUCHES)
@pytest.mark.parametrize("name", [f"mine-{RUN}", OURS[:12], OURS[:2], OURS])
def test_a_container_of_ours_is_touched_by_its_full_id(shared: Run, line: str, name: str) -> None:
    call = shared.ask(line.format(name), b"{}")
    assert not call.refusal
    assert OURS in call.relayed
    assert call.relayed.partition("?")[0] == f"/v1.41{line.split(' ')[1].partition('?')[0]}".format(
        OURS
    )
    assert shared.refusals == []


@pytest.mark.parametrize("line", TOUCHES)
@pytest.mark.parametrize("leave", ["theirs", THEIRS, SHORT])
def test_a_container_of_others_is_touched_with_leave_and_not_claimed(
    shared: Run, line: str, leave: str
) -> None:
    before = shared.entries  # nothing is begun yet that would know of the leave
    shared.ownership._allowed = frozenset({leave})
    call = shared.ask(line.format(SHORT), b"{}")
    assert THEIRS in call.relayed
    made = {e for e in shared.entries - before if e[0] == "container"}
    assert made == set()


@pytest.mark.parametrize("line", TOUCHES)
def test_a_container_that_is_not_there_is_told_in_the_engine_s_words(
    shared: Run, line: str
) -> None:
    call = shared.ask(line.format("none"), b"{}")
    assert (call.status, call.refusal) == (404, "No such container: none")
    assert shared.refusals == []


@pytest.mark.parametrize(("name", "ours"), [(f"/mine-{RUN}", True), ("/theirs", False)])
def test_a_name_as_the_engine_lists_it_is_asked_for_as_clients_do(
    shared: Run,
    name: str,
    ours: bool,  # noqa: FBT001
) -> None:
    """In a path, the slash would make another path of it."""
    mode = {"Image": "i", "HostConfig": {"PidMode": f"container:{name}"}}
    call = shared.ask("POST /containers/create?name=x", mode)
    assert bool(call.relayed) is ours
    assert not [asked for asked in shared.engine.questions if asked.startswith("/")]


def test_what_a_name_means_to_us_and_to_the_engine_is_one_thing(shared: Run) -> None:
    """A name that looks like our own full id is a container of that name to the engine as well."""
    call = shared.ask(f"POST /containers/{OURS.upper()}/stop")
    assert (call.status, call.relayed) == (404, "")


def test_an_engine_that_can_t_be_asked_whose_it_is_lets_nothing_through(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_name: str) -> None:
        raise EngineError("the engine does not answer")

    monkeypatch.setattr(run.engine, "container", away)
    call = run.ask("POST /containers/x/stop")
    assert (call.status, call.refusal, call.relayed) == (500, "the engine does not answer", "")


# -- names, removal, execs ------------------------------------------------------------


def test_a_renamed_container_is_ours_by_its_new_name(shared: Run) -> None:
    call = shared.ask(f"POST /containers/mine-{RUN}/rename?name=/other-{RUN}")
    assert ("container", f"other-{RUN}") in call.intended
    assert ("container", f"other-{RUN}", OURS) in shared.entries
    assert "container" not in {k for k, n, _ in shared.entries if n == f"mine-{RUN}"}


def test_a_container_that_kept_its_name_is_ours_by_that(shared: Run) -> None:
    before = shared.entries
    shared.ask(f"POST /containers/mine-{RUN}/rename?name=x", b"", lambda: Answer(409, "{}"))
    assert shared.entries == before


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_what_was_removed_is_off_the_ledger(shared: Run, kind: str) -> None:
    call = shared.ask(f"DELETE /{kind}s/mine-{RUN}")
    assert call.released
    assert kind not in {k for k, _, _ in shared.entries}


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_what_could_not_be_removed_stays_on_the_ledger(shared: Run, kind: str) -> None:
    shared.ask(f"DELETE /{kind}s/mine-{RUN}", b"", lambda: Answer(409, "{}"))
    assert kind in {k for k, _, _ in shared.entries}


@pytest.mark.parametrize("kind", ["network", "volume"])
def test_a_network_and_a_volume_of_others_are_not_removed(shared: Run, kind: str) -> None:
    assert is_refused(shared.ask(f"DELETE /{kind}s/theirs"), kind)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("DELETE /networks/none", "network none not found"),
        ("DELETE /volumes/none", "get none: no such volume"),
        ("POST /exec/none/start", "No such exec instance: none"),
        ("POST /networks/none/connect", "network none not found"),
    ],
)
def test_what_is_not_there_is_told_in_the_engine_s_words(shared: Run, line: str, told: str) -> None:
    call = shared.ask(line, b"{}")
    assert (call.status, call.refusal) == (404, told)


def test_a_volume_whose_name_begins_that_of_ours_is_somebody_else_s(run: Run) -> None:
    run.engine.add("volume", "a_long_name")
    run.engine.add("volume", "deadbeefcafe")
    for name in ("a_long_name", "deadbeefcafe"):
        run.make("volume", f"{name}-{RUN}")
        assert is_refused(run.ask(f"DELETE /volumes/{name}"), "volume", name)
        call = run.ask("POST /volumes/create", {"Name": name})
        assert is_refused(call, "volume", name)


@pytest.mark.parametrize("link", ["1", "true", "yes", "True"])
def test_a_link_is_not_removed(shared: Run, link: str) -> None:
    call = shared.ask(f"DELETE /containers/mine-{RUN}?link={link}")
    assert "link" in call.refusal
    assert not call.relayed


def test_an_exec_is_started_by_whoever_made_it(shared: Run) -> None:
    does = created(shared, "exec", "", "e", ContainerID=OURS)
    shared.ask(f"POST /containers/mine-{RUN}/exec", {"Cmd": ["sh"]}, does)
    for what in ("start", "resize?h=1&w=1"):
        assert shared.ask(f"POST /exec/{full('e')}/{what}", b"{}").relayed


@pytest.mark.parametrize("container", [OURS, THEIRS])
def test_an_exec_that_somebody_else_made_is_refused(shared: Run, container: str) -> None:
    identity = shared.engine.add("exec", "", "e", ContainerID=container)
    for what in ("start", "resize?h=1&w=1"):
        call = shared.ask(f"POST /exec/{identity}/{what}", b"{}")
        assert is_refused(call, "exec", identity)
    shared.ownership._allowed = frozenset({identity})
    assert shared.ask(f"POST /exec/{identity}/start", b"{}").relayed


# -- never ------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        *(f"POST /{kind}/prune" for kind in ("containers", "images", "networks", "volumes")),
        "POST /build/prune",
        "POST /swarm/init",
        "POST /services/create",
        "DELETE /nodes/x",
        "POST /secrets/create",
        "GET /swarm/unlockkey",
        "GET /services/x/logs",
        "GET /tasks/x/logs",
        "POST /plugins/pull",
        "POST /plugins/a/b/enable",
        "POST /new/thing",
        "GET /containers/x/y/logs",
        "get /info",
    ],
)
def test_what_is_everybody_s_or_not_known_is_refused_and_lifted_by_its_own_name(
    run: Run, line: str
) -> None:
    call = run.ask(line)
    assert (call.status, call.relayed) == (403, "")
    name = call.refusal.partition("--allow-foreign ")[2].removesuffix(" lifts this)")
    method, _, path = line.partition(" ")
    assert name.startswith(f"api:{method}/{path.split('/')[1]}")
    run.ownership._allowed = frozenset({name})
    assert run.ask(line).relayed == f"/v1.41{path}"


def test_a_build_is_cancelled_by_whoever_began_it(run: Run) -> None:
    assert "not cancelled" in run.ask("POST /build/cancel?id=theirs").refusal
    run.ask("POST /build?buildid=ours&version=2")
    assert run.ask("POST /build/cancel?id=ours").relayed


def test_a_request_that_can_t_be_read_is_told_and_not_answered_twice(run: Run) -> None:
    call = run.call("GET /info")
    call.unreadable = "a head without an end"
    run.judge(call)
    assert (call.status, call.relayed) == (0, "")
    assert run.refusals == ["a request that can't be read: a head without an end"]


LIKE_THEIRS = [THEIRS, THEIRS[:12], THEIRS[:4]]


@pytest.mark.parametrize("name", LIKE_THEIRS)
@pytest.mark.parametrize("kind", ["container", "network"])
def test_nothing_of_ours_is_called_as_the_id_of_another_begins(
    shared: Run, kind: str, name: str
) -> None:
    lines = {
        "container": f"POST /containers/create?name={name}",
        "network": "POST /networks/create",
    }
    call = shared.ask(lines[kind], {"Name": name, "Image": "i"})
    assert f"the id of another {kind} begins so" in call.refusal
    assert {e[:2] for e in shared.entries} & {(kind, name)} == set()


@pytest.mark.parametrize("name", LIKE_THEIRS)
def test_nothing_of_ours_is_renamed_to_the_id_of_another(shared: Run, name: str) -> None:
    call = shared.ask(f"POST /containers/{OURS}/rename?name={name}")
    assert "begins so" in call.refusal


@pytest.mark.parametrize("name", ["cafe", "db", "theirs", "b" * 3])
def test_a_name_that_is_no_id_of_others_is_free(shared: Run, name: str) -> None:
    assert shared.ask(f"POST /containers/create?name={name}", {"Image": "i"}).relayed


@pytest.mark.parametrize(("kind", "line"), [("container", "containers"), ("network", "networks")])
def test_what_is_ours_and_called_as_another_s_id_makes_that_one_no_less_theirs(
    shared: Run, kind: str, line: str
) -> None:
    """The engine takes a full id before a name."""
    shared.ownership.made(kind, THEIRS, full("c"))  # type: ignore[arg-type]
    assert is_refused(shared.ask(f"DELETE /{line}/{THEIRS}"), kind)


@pytest.mark.parametrize("does", ["start", "restart"])
@pytest.mark.parametrize(
    "seen",
    [
        {"HostConfig": {"NetworkMode": "bbb"}},
        {"HostConfig": {"NetworkMode": "theirs"}},
        {"NetworkSettings": {"Networks": {"bbb": {}}}},
    ],
)
def test_a_container_of_ours_is_not_started_into_a_network_that_its_name_means_by_now(
    shared: Run, does: str, seen: dict[str, object]
) -> None:
    shared.engine.change("container", OURS, **seen)
    assert is_refused(shared.ask(f"POST /containers/{OURS}/{does}"), "network")
    assert shared.ask(f"POST /containers/{OURS}/stop").relayed


@pytest.mark.parametrize("mode", ["bridge", "default", "none", f"container:{OURS}", f"mine-{RUN}"])
def test_a_container_of_ours_starts_in_networks_that_are_anybody_s_or_ours(
    shared: Run, mode: str
) -> None:
    more = {"HostConfig": {"NetworkMode": mode}, "NetworkSettings": {"Networks": {"gone": {}}}}
    shared.engine.change("container", OURS, **more)
    assert shared.ask(f"POST /containers/{OURS}/start").relayed


def test_a_network_never_gets_a_name_that_another_one_has(run: Run) -> None:
    """Of two, neither can be used by its name."""
    call = run.ask("POST /networks/create", {"Name": "n", "checkDuplicate": False})
    assert call.json == {"Name": "n", "CheckDuplicate": True}
