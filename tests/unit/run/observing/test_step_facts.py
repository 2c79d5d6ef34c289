"""What the engine, the inside and the host say after a step: each asked once, by its own name."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest

from lifecycle.checks.check import Check
from lifecycle.engine.daemon import EngineError, ExecOutcome
from lifecycle.facts.inside import Probe, merged
from lifecycle.facts.model import Answer
from lifecycle.machine.deadline import TimeIsUpError
from lifecycle.run.observing import step_facts
from lifecycle.run.observing.until import until_kept, wait_until
from tests.fakes.cli import Said
from tests.fakes.world import BASE, FakeWorld, broken
from tests.unit.run.observing.conftest import Observed

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
INSIDE = """@@id
uid=1500(kim) gid=1500(kim)
@@cwd
/srv
@@writes
ok
@@files-end
==> /proc/self/status <==
Uid:\t1500\t1500\t1500\t1500
Gid:\t1500\t1500\t1500\t1500
==> /proc/self/environ <==
A=b\0HOME=/home/kim
==> /proc/self/mountinfo <==
1 0 0:1 / / rw - overlay overlay rw
2 1 8:1 /v /w rw - ext4 /dev/sda rw
==> /etc/passwd <==
kim:x:1500:1500::/home/kim:/bin/sh
==> /dev/null <==
"""


def looks(world: FakeWorld) -> list[tuple[str, ...]]:
    """As whom each look was taken into which container, by its written name."""
    name = {world.container("box")["Id"]: "box"}
    return [(name[one[0]], one[1]) for one in world.daemon.asked]


# -- the command itself ----------------------------------------------------------------------


def test_what_the_command_came_to_is_among_the_facts(observed: Observed) -> None:
    observed.world.cli.fails["ps"] = Said("hello\n", 3)
    facts = observed.of(BOX + "  - docker ps\n")
    assert (facts.exit_code, facts.output, facts.screen) == (3, "hello\n", "hello\n")
    assert facts.seconds is not None
    assert facts.world is observed.world.session.world
    assert facts.written("container", observed.world.real("box")) == "box"
    assert facts.environ is observed.world.session.env


# -- containers ------------------------------------------------------------------------------


def test_a_container_is_known_as_it_is_as_it_was_made_and_that_it_started(
    observed: Observed,
) -> None:
    facts = observed.of(BOX)
    box = facts.containers["box"]
    assert facts.containers[""] is box, "a line without a name means the one that it makes"
    assert (box.name, box.before, box.started) == ("box", None, True)
    assert box.now is not None
    assert box.created is not None
    assert box.now["State"]["Status"] == "running"
    assert box.created["State"]["Status"] == "created"
    assert box.image_ids == {f"{BASE}": box.now["Image"]}


def test_what_was_there_before_the_step_is_known(observed: Observed) -> None:
    box = observed.of(BOX + "  - docker stop box\n").containers["box"]
    assert box.before is not None
    assert box.now is not None
    assert (box.before["State"]["Running"], box.now["State"]["Running"]) == (True, False)
    assert not box.started


def test_what_a_line_destroys_is_gone_afterwards(observed: Observed) -> None:
    box = observed.of(BOX + "  - docker rm -f box\n").containers["box"]
    assert box.now is None
    assert box.before is not None
    assert "" not in observed.facts[-1].containers


def test_an_image_that_a_container_should_be_of_may_be_gone(observed: Observed) -> None:
    observed.world.cli.does = lambda _: observed.world.daemon.remove_image(BASE)
    observed.world.cli.fails["run"] = Said()
    assert observed.of(BOX).containers["box"].image_ids == {BASE: ""}


def test_signals_are_what_the_engine_reported(observed: Observed) -> None:
    box = observed.of(BOX + "  - docker kill -s 12 box\n").containers["box"]
    assert box.signals == (signal.SIGUSR2,)
    assert observed.facts[0].containers["box"].signals is None, "nobody asked"


def test_a_signal_to_what_does_not_run_is_not_waited_for(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_facts, "EVENT_LIMIT", 30.0)
    observed.world.cli.fails["kill"] = Said("", 1, "it is not running")
    begun = time.monotonic()
    box = observed.of(BOX + "  - docker stop box\n  - docker kill -s 12 box\n").containers["box"]
    assert box.signals == ()
    assert time.monotonic() - begun < 20


def test_a_container_with_rm_that_ended_is_waited_for_until_it_is_gone(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_facts, "EVENT_LIMIT", 10.0)
    live = observed.world.run(f"  - docker run -d --rm --name=box {BASE} x\n  - docker stop box\n")
    live.step(0)
    daemon, real = observed.world.daemon, observed.world.real("box")
    seen = {**observed.world.container("box")}
    seen["State"] = {**seen["State"], "Status": "exited", "Running": False}
    ask = daemon.container
    daemon.container = lambda name: seen if name == real else ask(name)  # type: ignore[method-assign]
    live.step(1)
    assert observed.facts[-1].containers["box"].now is None


def test_one_that_stays_though_it_has_rm_is_told(observed: Observed) -> None:
    live = observed.world.run(f"  - docker run -d --rm --name=box {BASE} x\n")
    live.step(0)
    observed.world.daemon.change(
        "container", observed.world.real("box"), State={"Status": "exited", "Running": False}
    )
    session = observed.world.session
    before = step_facts.Before(session.events.mark(), {}, None, None, awaits_start=False)
    now = step_facts._now(session, observed.world.real("box"), before)
    assert now is not None
    assert now["State"]["Status"] == "exited"


@pytest.mark.parametrize(("there", "found"), [(True, True), (False, False)])
def test_paths_are_looked_for_in_the_container_that_they_are_of(
    observed: Observed,
    there: bool,  # noqa: FBT001
    found: bool,  # noqa: FBT001
) -> None:
    world = observed.world
    world.cli.fails["cp"] = Said()
    live = world.run(BOX + "  - docker cp /etc/hostname box:/tmp/x\n")
    live.step(0)
    if there:
        world.daemon.files[world.container("box")["Id"]]["/tmp/x"] = b"x"
    live.step(1)
    assert list(observed.facts[-1].containers["box"].paths.values()) == [found]


def test_a_path_that_can_t_be_asked_for_is_not_there(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = observed.world
    world.cli.fails["cp"] = Said()
    live = world.run(BOX + "  - docker cp /etc/hostname box:/tmp/x\n")
    live.step(0)

    def refuse(*_: Any) -> None:
        raise EngineError("no")

    monkeypatch.setattr(world.daemon, "stat", refuse)
    live.step(1)
    assert list(observed.facts[-1].containers["box"].paths.values()) == [False]


# -- other things ----------------------------------------------------------------------------


def test_images_are_known_by_the_names_that_the_author_wrote(observed: Observed) -> None:
    facts = observed.of(f"  - docker tag {BASE} me/x:1\n")
    assert set(facts.images) == {BASE, "me/x:1"}
    one, two = facts.images.values()
    assert one is not None
    assert two is not None
    assert one["Id"] == two["Id"]


def test_an_image_that_is_expected_by_name_is_asked_for(observed: Observed) -> None:
    text = f"  - {{check: {{image: {{name: '{BASE}', user: kim}}}}}}\n"
    assert broken(observed.world.step(text)) == [(f"image {BASE}: user", "kim", "")]


def test_volumes_and_networks_are_asked_for_by_their_real_names(observed: Observed) -> None:
    volume = observed.of("  - docker volume create data\n").volumes["data"]
    assert volume is not None
    assert volume["Name"] == observed.world.real("data")
    network = observed.of("  - docker network create lan\n").networks["lan"]
    assert network is not None
    assert network["Name"] == observed.world.real("lan")
    assert observed.of("  - docker ps\n").volumes == {}


def test_anonymous_volumes_of_what_was_removed_are_asked_for(observed: Observed) -> None:
    world = observed.world
    live = world.run(BOX + "  - docker rm -f -v box\n")
    live.step(0)
    anonymous = "e" * 64
    world.daemon.make_volume(anonymous)
    mount = {"Type": "volume", "Name": anonymous, "Source": "/s", "Destination": "/d", "RW": True}
    world.daemon.change("container", world.real("box"), Mounts=[mount])
    live.step(1)
    assert anonymous in observed.facts[-1].volumes


def test_without_v_they_are_not(observed: Observed) -> None:
    assert observed.of(BOX + "  - docker rm -f box\n").volumes == {}


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_is_promised_is_looked_for_in_the_work_folder(
    observed: Observed,
    there: bool,  # noqa: FBT001
) -> None:
    world = observed.world
    world.cli.fails["save"] = Said()

    def save(_: list[str]) -> None:
        if there:
            (world.session.folder / "a.tar").touch()

    world.cli.does = save
    assert observed.of(f"  - docker save -o a.tar {BASE}\n").files == {"a.tar": there}


def test_a_file_that_can_t_be_looked_for_is_not_there(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr(step_facts, "state_of", refuse)
    observed.world.cli.fails["save"] = Said()
    assert observed.of(f"  - docker save -o a.tar {BASE}\n").files == {"a.tar": False}


def test_what_was_pushed_is_what_the_registry_says(observed: Observed) -> None:
    world = observed.world
    world.cli.fails["push"] = Said()
    live = world.run(f"  - docker tag {BASE} reg:5000/x:1\n  - docker push reg:5000/x:1\n")
    live.step(0)
    real = world.session.real("image", "reg:5000/x:1")
    world.daemon.registry[real] = "sha256:77"
    live.step(1)
    assert observed.facts[-1].pushed == {"reg:5000/x:1": "sha256:77"}


def test_a_registry_that_does_not_answer_has_nothing(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> str:
        raise EngineError("no")

    monkeypatch.setattr(observed.world.daemon, "registry_digest", refuse)
    observed.world.cli.fails["push"] = Said()
    text = f"  - docker tag {BASE} reg:5000/x:1\n  - docker push reg:5000/x:1\n"
    assert observed.of(text).pushed == {"reg:5000/x:1": ""}


# -- execs and ports -------------------------------------------------------------------------


def test_the_exec_of_a_step_is_counted_and_known(observed: Observed) -> None:
    facts = observed.of(BOX + "  - docker exec -u root box sleep 1\n")
    assert facts.new_execs == 1
    assert facts.exec is not None
    assert facts.exec.inspect["ProcessConfig"]["arguments"] == ["1"]
    assert facts.exec.container_pid == observed.world.container("box")["State"]["Pid"]
    assert facts.exec.unseen == "the engine is not on this machine"


def test_our_own_execs_are_not_counted(observed: Observed) -> None:
    world = observed.world
    world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    line = "command: docker exec box true, expect: {inside: {uid: 1500}}"
    assert observed.of(BOX + f"  - {{{line}}}\n").new_execs == 1
    assert len(world.daemon.things["exec"]) == 2


def test_an_exec_that_was_never_made_is_none(observed: Observed) -> None:
    observed.world.cli.fails["exec"] = Said("", 1)
    facts = observed.of(BOX + "  - docker exec box true\n")
    assert (facts.new_execs, facts.exec) == (0, None)


def test_an_exec_whose_container_is_gone_is_counted_only(observed: Observed) -> None:
    world = observed.world

    def end(words: list[str]) -> None:
        if words[0] == "exec":
            world.daemon.make_exec(world.real("box"), ["x"])
            world.daemon.remove_container(world.real("box"))
            assert world.session.events.wait(lambda e: e.action == "destroy", since=0, timeout=5)

    world.cli.does = end
    facts = observed.of(BOX + "  - docker exec box true\n")
    assert (facts.new_execs, facts.exec) == (1, None)


def test_published_ports_are_tried_from_outside(observed: Observed) -> None:
    tried: list[str] = []

    def answer(_: Any, __: Any, port: str, ___: Any) -> Answer:
        tried.append(port)
        return Answer(answered=True, how="it did")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_facts, "try_port", answer)
        text = f"command: docker run -d -p 48080:80 --name=box {BASE} x"
        text = f"  - {{{text}, expect: {{port: {{443: {{answers: true}}}}}}}}\n"
        facts = observed.of(text)
    assert set(facts.containers["box"].answers) == {"80/tcp", "443/tcp"}
    assert sorted(tried) == ["443/tcp", "80/tcp"]


def test_a_port_for_which_no_time_is_left_was_not_tried(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: Any) -> Answer:
        raise TimeIsUpError("over")

    monkeypatch.setattr(step_facts, "try_port", late)
    facts = observed.of(f"  - docker run -d -p 48080:80 --name=box {BASE} x\n")
    (answer,) = facts.containers["box"].answers.values()
    assert (answer.answered, answer.how) == (None, "over")


# -- passwords -------------------------------------------------------------------------------


def test_a_changed_password_is_seen_by_its_hash_before_and_after(observed: Observed) -> None:
    world = observed.world
    world.cli.programs["passwd"] = change_password(world)
    line = "command: docker exec box passwd kim, expect: {password_changed: kim}"
    live = world.run(BOX + f"  - {{{line}}}\n")
    live.step(0)
    shadow(world, "old")
    live.step(1)
    password = observed.facts[-1].password
    assert password is not None
    assert (password.before, password.after) == ("$6$old", "$6$new")


def shadow(world: FakeWorld, word: str) -> None:
    files = world.daemon.files[world.container("box")["Id"]]
    files["/etc/shadow"] = f"root:*:1:0:99999:7:::\nkim:$6${word}:1:0:99999:7:::\n".encode()


def change_password(world: FakeWorld) -> Any:
    def program(_: Sequence[str]) -> Said:
        shadow(world, "new")
        return Said()

    return program


def test_nobody_s_password_is_read_where_none_is_expected_to_change(observed: Observed) -> None:
    read: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_facts, "shadow_hash", lambda *_: read.append("x"))
        facts = observed.of(BOX + "  - docker exec box true\n")
    assert (facts.password, read) == (None, [])


# -- waiting ---------------------------------------------------------------------------------


def check(status: Any) -> Check:
    return Check("x", 1, 2, status, "here")


def test_what_holds_at_once_is_asked_once() -> None:
    told = iter([[check("kept")]])
    assert until_kept(lambda: next(told), 60)[0].status == "kept"


def test_it_is_asked_until_every_check_is_kept() -> None:
    told = iter([["broken", "kept"], ["unverified", "kept"], ["kept", "kept"]])
    checks = until_kept(lambda: [check(s) for s in next(told)], 60)
    assert [c.status for c in checks] == ["kept", "kept"]


def test_the_last_answer_is_given_when_the_time_is_over() -> None:
    assert until_kept(lambda: [check("broken")], 0)[0].status == "broken"
    assert not wait_until(lambda: False, 0.01)


def test_one_look_covers_what_two_ask_for() -> None:
    a = Probe("t", ("/a",), ("/k",), ("/f",), texts=("/t",), proc=("/p",), namespaces=("ipc",))
    b = Probe("", (), (), ("/g",), texts=("/u",), gpus=True, processes=True, proc=("/q",))
    both = merged(a, b)
    assert (both.token, both.write_in, both.keep_in) == ("t", ("/a",), ("/k",))
    assert (both.files, both.texts, both.proc) == (("/f", "/g"), ("/t", "/u"), ("/p", "/q"))
    assert (both.gpus, both.processes, both.namespaces) == (True, True, ("ipc",))
    assert merged(b, a).gpus
    assert not merged(a, a).gpus
    assert not merged(a, a).processes
    assert merged(b, a).processes


def test_a_watch_of_a_bind_is_told_to_the_ledger(observed: Observed) -> None:
    world = observed.world
    world.share_the_machine()
    source = world.folder / "nas"
    source.mkdir()
    world.daemon.inside = lambda *_: ExecOutcome(0, INSIDE)
    result = world.step(f"  - docker run -d --name=box -v {source}:/w {BASE} sleep 9\n")
    (ledger,) = (world.folder / "state").rglob("*.jsonl")
    noted = [line for line in ledger.read_text().splitlines() if str(source) in line]
    assert any('"intent"' in line for line in noted)
    assert any('"gone"' in line for line in noted)
    assert list(source.iterdir()) == []
    assert result.ran
