"""What a request would make is written down before, and joins nothing of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.gate.gate import Answer
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ledger import LedgerError
from tests.fakes.documents import mount
from tests.unit.run.requests.fakes import OURS, RUN, SOCKET, THEIRS, Run, created, full, is_refused

SHORT = THEIRS[:4]
JOINS: list[Any] = [
    {"HostConfig": {"NetworkMode": "container:{}"}},
    {"HostConfig": {"PidMode": "container:{}"}},
    {"HostConfig": {"IpcMode": "container:{}"}},
    {"HostConfig": {"Cgroup": "container:{}"}},
    {"HostConfig": {"VolumesFrom": ["{}:ro"]}},
    {"HostConfig": {"Links": ["{}:db"]}},
    {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"Links": ["{}:db"]}}}},
    {"hostconfig": {"volumesfrom": ["{}"]}},
]


def filled(body: Any, name: str) -> Any:
    return json.loads(json.dumps(body).replace("{}", name))


def test_a_container_is_on_the_ledger_before_it_is_made_and_by_its_id_after(run: Run) -> None:
    does = created(run, "container", f"box-{RUN}", "c")
    call = run.ask(f"POST /containers/create?name=box-{RUN}", {"Image": "x"}, does)
    assert ("container", f"box-{RUN}") in call.intended
    assert run.entries == {("container", f"box-{RUN}", full("c"))}
    assert call.released
    assert run.ownership.created[f"box-{RUN}"]["Id"] == full("c")


def test_a_container_without_a_name_gets_one_that_is_on_the_ledger_before(run: Run) -> None:
    first, second = (run.ask("POST /containers/create", {"Image": "x"}) for _ in range(2))
    names = [c.relayed.partition("name=")[2] for c in (first, second)]
    assert all(name.startswith("unnamed-") and name.endswith(RUN) for name in names)
    assert all(("container", n) in c.intended for n, c in zip(names, (first, second), strict=True))


@pytest.mark.parametrize("answer", [Answer(409, '{"message": "in use"}'), Answer(400, "")])
@pytest.mark.parametrize("line", ["/containers/create?name=x", "/networks/create"])
def test_what_the_engine_did_not_make_is_off_the_ledger(
    run: Run, line: str, answer: Answer
) -> None:
    run.ask(f"POST {line}", {"Name": "x"}, lambda: answer)
    assert run.entries == set()


@pytest.mark.parametrize("kind", ["container", "network"])
def test_what_the_engine_may_have_made_stays_on_the_ledger(run: Run, kind: str) -> None:
    """It went away before it said whether it did."""
    run.ask(f"POST /{kind}s/create?name=x", {"Name": "x"}, lambda: Answer(0, ""))
    assert run.entries == {(kind, "x", "")}


@pytest.mark.parametrize("kind", ["container", "network"])
def test_a_name_that_is_ours_stays_ours_when_it_can_t_be_made_again(shared: Run, kind: str) -> None:
    name = f"mine-{RUN}"
    call = shared.ask(
        f"POST /{kind}s/create?name={name}", {"Name": name}, lambda: Answer(409, "{}")
    )
    assert call.relayed
    assert (kind, name, OURS) in shared.entries


def test_a_name_of_somebody_else_is_not_claimed(shared: Run) -> None:
    before = shared.entries
    shared.ask("POST /containers/create?name=theirs", {"Image": "x"}, lambda: Answer(409, "{}"))
    assert shared.entries == before


def test_nothing_is_made_that_can_t_be_written_down(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: str) -> None:
        raise LedgerError("the ledger can't be written: No space left on device")

    monkeypatch.setattr(run.ownership, "intend", full_disk)
    for line in ("/containers/create?name=x", "/networks/create", "/volumes/create"):
        call = run.ask(f"POST {line}", {"Name": "x"})
        assert (call.status, call.relayed) == (500, "")
        assert "can't be written" in call.refusal


def test_volumes_that_docker_would_make_are_on_the_ledger_before(run: Run) -> None:
    def does() -> Answer:
        run.engine.add("volume", full("f"))
        mounts = [mount(f"{n}:/{n}") for n in ("data", "mounted", full("f"))]
        mounted = {"Type": "volume", "Source": "mounted", "Target": "/m"}
        body = {"Binds": ["data:/d"], "Mounts": [mounted]}
        answer: Answer = created(run, "container", "box", "c", HostConfig=body, Mounts=mounts)()
        return answer

    host = {
        "Binds": ["data:/d:ro", "/tmp:/t", "/anonymous"],
        "Mounts": [{"Type": "volume", "Source": "mounted"}],
    }
    call = run.ask("POST /containers/create?name=box", {"HostConfig": host}, does)
    assert {("volume", "data"), ("volume", "mounted")} < call.intended
    assert {n for k, n, _ in run.entries if k == "volume"} == {"data", "mounted", full("f")}


def test_volumes_that_a_container_which_failed_did_not_make_are_off_the_ledger(run: Run) -> None:
    host = {"HostConfig": {"Binds": [f"data-{RUN}:/d"]}}
    run.ask("POST /containers/create?name=box", host, lambda: Answer(404, "{}"))
    assert run.entries == set()


def test_a_volume_of_a_literal_name_that_was_made_for_it_stays_ours(run: Run) -> None:
    host = {"HostConfig": {"Binds": ["data:/d"]}}
    run.ask("POST /containers/create?name=box", host, lambda: Answer(404, "{}"))
    assert run.entries == {("volume", "data", identity_of(run.engine.things["volume"]["data"]))}


# -- joining ------------------------------------------------------------


@pytest.mark.parametrize("body", JOINS)
@pytest.mark.parametrize("name", ["theirs", SHORT])
def test_nothing_of_another_s_container_is_shared(shared: Run, body: Any, name: str) -> None:
    call = shared.ask("POST /containers/create?name=x", filled(body, name))
    assert is_refused(call, "container")
    assert not call.relayed


@pytest.mark.parametrize("body", JOINS)
def test_what_is_ours_is_shared(shared: Run, body: Any) -> None:
    assert shared.ask("POST /containers/create?name=x", filled(body, f"mine-{RUN}")).relayed


@pytest.mark.parametrize(
    "body",
    [
        {"HostConfig": {"NetworkMode": "theirs"}},
        {"HostConfig": {"NetworkMode": SHORT}},
        {"NetworkingConfig": {"EndpointsConfig": {"theirs": {}}}},
        {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"NetworkID": "theirs"}}}},
        {"networkingconfig": {"ENDPOINTSCONFIG": {"theirs": None}}},
    ],
)
def test_another_s_network_is_not_joined(shared: Run, body: Any) -> None:
    assert is_refused(shared.ask("POST /containers/create?name=x", body), "network")


@pytest.mark.parametrize(
    "host",
    [
        {"Binds": ["theirs:/d"]},
        {"Mounts": [{"Type": "volume", "Source": "theirs", "Target": "/d"}]},
        {"mounts": [{"type": "volume", "SOURCE": "theirs", "Target": "/d"}]},
    ],
)
def test_another_s_volume_is_not_mounted(shared: Run, host: Any) -> None:
    call = shared.ask("POST /containers/create?name=x", {"HostConfig": host})
    assert is_refused(call, "volume")


def test_on_another_s_network_that_may_be_joined_no_name_of_ours_is_known(shared: Run) -> None:
    shared.ownership._allowed = frozenset({"theirs"})
    endpoint = {"Aliases": ["db"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}}
    body = {"NetworkingConfig": {"EndpointsConfig": {"theirs": endpoint}}}
    call = shared.ask("POST /containers/create?name=x", body)
    sent = call.json["NetworkingConfig"]["EndpointsConfig"]["theirs"]
    assert sent == {**endpoint, "Aliases": []}
    joined = {"Container": f"mine-{RUN}", "endpointconfig": {"aliases": ["db"]}}
    call = shared.ask("POST /networks/theirs/connect", joined)
    assert call.json == {"Container": OURS, "EndpointConfig": {"Aliases": []}}


def test_on_a_network_of_ours_the_names_stay(shared: Run) -> None:
    body = {"Container": f"mine-{RUN}", "EndpointConfig": {"Aliases": ["db"]}}
    call = shared.ask(f"POST /networks/mine-{RUN}/connect", body)
    assert call.json == {**body, "Container": OURS}
    assert call.relayed == f"/v1.41/networks/{OURS}/connect"


@pytest.mark.parametrize("verb", ["connect", "disconnect"])
@pytest.mark.parametrize(
    ("network", "container", "kind"),
    [("theirs", f"mine-{RUN}", "network"), (f"mine-{RUN}", "theirs", "container")],
)
def test_neither_another_s_network_nor_another_s_container_is_joined(
    shared: Run, verb: str, network: str, container: str, kind: str
) -> None:
    call = shared.ask(f"POST /networks/{network}/{verb}", {"Container": container})
    assert is_refused(call, kind)


def test_a_link_to_another_s_container_is_not_made_by_joining_a_network(shared: Run) -> None:
    body = {"Container": f"mine-{RUN}", "EndpointConfig": {"Links": ["theirs:db"]}}
    assert is_refused(shared.ask(f"POST /networks/mine-{RUN}/connect", body), "container")


@pytest.mark.parametrize(
    "body",
    [
        {"Image": "x", "Binds": ["theirs:/d"]},
        {"Image": "x", "volumesfrom": ["theirs"]},
        {"HostConfig": {}, "NetworkMode": "container:theirs"},
    ],
)
def test_what_an_old_engine_reads_outside_of_its_place_is_refused(shared: Run, body: Any) -> None:
    call = shared.ask("POST /containers/create?name=x", body)
    assert (call.status, call.relayed) == (400, "")
    assert shared.refusals


@pytest.mark.parametrize(
    "body",
    [
        {"HostConfig": {"Binds": [f"{SOCKET}:/s"]}},
        {"HostConfig": {"Binds": ["/run:/r"]}},
        {"HostConfig": {"Binds": ["/:/host"]}},
        {"HostConfig": {"Binds": ["/run/../run/docker.sock:/s"]}},
        {"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/run"}]}},
        {
            "HostConfig": {
                "Mounts": [
                    {
                        "Type": "volume",
                        "VolumeOptions": {"DriverConfig": {"Options": {"device": "/run"}}},
                    }
                ]
            }
        },
    ],
)
def test_no_container_holds_the_engine_s_own_socket(run: Run, body: Any) -> None:
    call = run.ask("POST /containers/create?name=x", body)
    assert SOCKET in call.refusal
    assert "as-written" in call.refusal
    run.as_written = True
    assert run.ask("POST /containers/create?name=x", body).relayed


# -- networks and volumes ------------------------------------------------------------


def test_a_network_is_on_the_ledger_before_it_is_made_and_by_its_id_after(run: Run) -> None:
    does = created(run, "network", "net", "c")
    call = run.ask("POST /networks/create", {"name": "net"}, does)
    assert call.intended == {("network", "net")}
    assert run.entries == {("network", "net", full("c"))}


def test_a_volume_is_on_the_ledger_before_it_is_made_and_gets_a_name(run: Run) -> None:
    call = run.ask("POST /volumes/create", {"Name": "data"})
    assert call.intended == {("volume", "data")}
    made = identity_of(run.engine.things["volume"]["data"])
    assert run.entries == {("volume", "data", made)}
    call = run.ask("POST /volumes/create", b"")
    assert ("volume", call.json["Name"]) in call.intended
    assert len(call.json["Name"]) == 64


def test_a_volume_that_is_there_is_not_claimed(shared: Run) -> None:
    before = shared.entries
    shared.ownership._allowed = frozenset({"theirs"})
    assert shared.ask("POST /volumes/create", {"Name": "theirs"}).relayed
    assert shared.entries == before


@pytest.mark.parametrize(
    "options",
    [
        {"type": "none", "o": "bind", "device": SOCKET},
        {"type": "none", "o": "bind", "device": "/run"},
        {"type": "none", "o": "bind", "device": "run"},
        {"type": "none", "o": "bind", "device": "run/docker.sock"},
        {"type": "none", "o": "bind", "Device": "/"},
        {"type": "overlay", "device": "overlay", "o": "lowerdir=/tmp:/run,upperdir=/u"},
    ],
)
def test_no_volume_holds_the_engine_s_own_socket(run: Run, options: dict[str, str]) -> None:
    for key in ("DriverOpts", "driveropts"):
        call = run.ask("POST /volumes/create", {"Name": "x", key: options})
        assert SOCKET in call.refusal
        assert not call.relayed


@pytest.mark.parametrize(
    "options",
    [
        {"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/"},
        {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        {"type": "none", "o": "bind", "device": "/srv/data"},
    ],
)
def test_a_volume_of_another_place_is_made(run: Run, options: dict[str, str]) -> None:
    assert run.ask("POST /volumes/create", {"Name": "x", "DriverOpts": options}).relayed
