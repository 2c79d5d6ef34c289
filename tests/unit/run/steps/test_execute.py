"""A command to its end, or on a terminal that stays open: what comes of it, and what is left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lifecycle.engine.daemon import EngineError
from lifecycle.machine import process
from lifecycle.run.steps import execute
from lifecycle.run.steps import open_terminal as opening
from lifecycle.terminal.terminal import Terminal
from tests.fakes.cli import Said
from tests.fakes.world import BASE, SECRET, FakeWorld, broken, open_terminal

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
SHELL = f"  - docker run -ti --name=box {BASE}\n"
PWD = "  - {command: pwd, expect: {took: {at_most: 30s}}}\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "FIRST_OUTPUT", 5.0)
    monkeypatch.setattr(execute, "FIRST_OUTPUT", 5.0)
    monkeypatch.setattr(opening, "EXEC_LIMIT", 5.0)


# -- to its end --------------------------------------------------------------------------------


def test_it_runs_in_the_person_s_folder(world: FakeWorld) -> None:
    result = world.step("  - pwd\n")
    assert result.screen == f"{world.session.folder}\n"


def test_its_words_come_as_they_were_written(world: FakeWorld) -> None:
    world.step("  - docker ps --filter 'name=a b' --no-trunc\n")
    assert world.cli.lines == [["ps", "--filter", "name=a b", "--no-trunc"]]


def test_it_reads_what_the_step_gives_it_and_else_nothing(world: FakeWorld) -> None:
    given, nothing = world.steps("  - {command: cat, stdin: a b}\n  - cat\n")
    assert (given.screen, nothing.screen) == ("a b", "")


def test_what_it_prints_is_read_from_both_its_streams(world: FakeWorld) -> None:
    world.cli.fails["ps"] = Said("out\n", 2, "err\n")
    result = world.step("  - docker ps\n")
    assert sorted(result.screen.split()) == ["err", "out"]
    assert broken(result) == [("exit code", 0, 2)]


def test_its_process_is_on_the_ledger_before_it_makes_anything(world: FakeWorld) -> None:
    seen: list[bool] = []

    def look(_: list[str]) -> None:
        (ledger,) = (world.folder / "state").rglob("*.jsonl")
        seen.append('"is": "cli"' in ledger.read_text())

    world.cli.does = look
    world.step(BOX)
    assert seen == [True]


def test_its_time_is_judged(world: FakeWorld) -> None:
    result = world.step("  - {command: sleep 0.3, expect: {took: {at_most: 100ms}}}\n")
    ((about, _, actual),) = broken(result)
    assert (about, float(str(actual).split()[0]) >= 0.3) == ("it took", True)


def test_what_takes_too_long_is_ended_and_its_exit_code_is_not_asked_for(world: FakeWorld) -> None:
    begun = time.monotonic()
    result = world.step("  - {command: sleep 60, timeout: 300ms}\n")
    assert time.monotonic() - begun < 20
    assert broken(result)[0] == ("it gets done", "done", "it did not end within 0.3 s")


def test_an_exec_that_takes_too_long_is_said_to_go_on_where_it_can_t_be_ended(
    world: FakeWorld,
) -> None:
    world.cli.programs["sleep"] = lambda _: wait(world)
    live = world.run(BOX + "  - {command: docker exec box sleep 60, timeout: 500ms}\n")
    live.step(0)
    result = live.step(1)
    why = "the engine is on another machine, where its processes can't be ended"
    told = f"it did not end within 0.5 s; inside the container it goes on: {why}"
    assert broken(result)[0] == ("it gets done", "done", told)


def wait(world: FakeWorld) -> Said:
    """Whoever asks is kept waiting for longer than the step may take."""
    world.session.events.wait(lambda e: e.action == "never", since=0, timeout=3)
    return Said()


def test_an_exec_that_is_over_inside_was_ended(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = noted(monkeypatch)
    world.cli.programs["sleep"] = lambda _: wait(world)
    live = world.run(BOX + "  - {command: docker exec box sleep 60, timeout: 500ms}\n")
    live.step(0)
    result = live.step(1)
    told = "it did not end within 0.5 s; it was ended inside"
    assert broken(result)[0] == ("it gets done", "done", told)
    assert ended == [one for one in world.daemon.things["exec"] if one not in own(world)]


def noted(patch: pytest.MonkeyPatch) -> list[str]:
    """The execs that are ended from now on, none of which goes on."""
    ended: list[str] = []

    def end(_: Any, exec_id: str) -> str:
        ended.append(exec_id)
        return ""

    patch.setattr(execute, "end_exec", end)
    return ended


def own(world: FakeWorld) -> set[str]:
    """Execs of the harness itself."""
    return world.daemon.own_execs


def test_an_exec_of_which_the_engine_tells_nothing_is_said_to_go_on(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: Any) -> str:
        raise EngineError("no word")

    monkeypatch.setattr(execute, "end_exec", end)
    world.cli.programs["sleep"] = lambda _: wait(world)
    live = world.run(BOX + "  - {command: docker exec box sleep 60, timeout: 500ms}\n")
    live.step(0)
    ((_, _, told), *_) = broken(live.step(1))
    assert str(told).endswith("; inside the container it goes on: no word")


def test_who_interrupts_a_step_ends_its_exec_too(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.run(BOX + "  - docker exec box sleep 60\n")
    live.step(0)

    def interrupt(*_: Any, **__: Any) -> None:
        world.daemon.start_exec(world.daemon.make_exec(world.real("box"), ["sleep", "60"]))
        heard = world.session.events.wait(
            lambda e: e.action == "exec_start" and e.attributes["execID"] not in own(world),
            since=0,
            timeout=5,
        )
        assert heard
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "run", interrupt)
    ended = noted(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        live.step(1)
    assert len(ended) == 1


def test_what_is_no_exec_is_ended_by_nobody_inside(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "end_exec", lambda *_: "never")

    def hang(_: list[str]) -> None:
        wait(world)

    world.cli.does = hang
    result = world.step("  - {command: docker ps, timeout: 300ms}\n")
    assert broken(result)[0][2] == "it did not end within 0.3 s"


def test_another_container_s_exec_is_not_this_step_s(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = noted(monkeypatch)
    other = world.daemon.create(BASE, "other")
    world.daemon.start(other)
    live = world.run(BOX + "  - {command: docker exec box sleep 60, timeout: 500ms}\n")
    live.step(0)

    def meanwhile(words: list[str]) -> None:
        if words[0] == "exec":
            world.daemon.start_exec(world.daemon.make_exec(other, ["x"]))
            wait(world)

    world.cli.does = meanwhile
    live.step(1)
    assert ended == []


# -- on a terminal ---------------------------------------------------------------------------------


def test_a_line_that_opens_a_terminal_leaves_it_open(world: FakeWorld) -> None:
    result = world.step(SHELL)
    assert result.status == "passed", broken(result)
    opened = open_terminal(world, "box")
    assert (opened.container, opened.exec_id, opened.usual_keys) == ("box", "", "")
    assert opened.attached
    assert opened.terminal.exit_code is None
    assert "inside#" in result.screen
    assert not any(c.about == "exit code" for c in result.checks)


def test_an_exec_on_a_terminal_is_known_by_its_id(world: FakeWorld) -> None:
    result = world.steps(BOX + "  - docker exec -ti box bash\n")[1]
    assert result.status == "passed", broken(result)
    opened = open_terminal(world, "box")
    theirs = set(world.daemon.things["exec"]) - own(world)
    assert {opened.exec_id} == theirs
    assert not opened.attached


def test_a_terminal_has_the_size_that_its_step_says(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "stty size; exec cat")
    result = world.step(f"  - {{command: docker run -ti --name=box {BASE}, window: 91x17}}\n")
    assert "17 91" in result.screen


def test_without_one_it_has_the_usual_size(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "stty size; exec cat")
    assert "40 120" in world.step(SHELL).screen


def test_one_that_ends_at_once_has_its_exit_code_and_is_not_kept(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "exit 3")
    result = world.step(SHELL)
    assert ("exit code", 0, 3) in broken(result)
    assert not world.session.terminals.latest


def test_one_that_never_comes_up_is_told(world: FakeWorld) -> None:
    def wait_long(words: list[str]) -> None:
        if words[0] == "run":
            wait(world)

    world.cli.does = wait_long
    result = world.step(f"  - {{command: docker run -ti --name=box {BASE}, timeout: 400ms}}\n")
    assert ("it gets done", "done", "it was not up within 0.4 s") in broken(result)
    assert world.session.terminals.get("box")


def test_one_that_fails_before_it_is_up_is_ended(world: FakeWorld) -> None:
    world.cli.fails["run"] = Said("", 125, "docker: no\n")
    result = world.step(SHELL)
    assert ("exit code", 0, 125) in broken(result)
    assert not world.session.terminals.latest


def test_a_dialogue_is_driven_to_the_end(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "printf 'name: '; read a; echo \"<$a>\"")
    text = f"""
  - command: docker run -ti --name=box {BASE}
    dialogue: [{{expect: "name:", send: kim}}]
"""
    result = world.step(text)
    assert result.status == "passed", broken(result)
    assert "<kim>" in result.screen
    assert "exit code" in {c.about for c in result.checks}
    assert not world.session.terminals.latest


def test_a_prompt_that_never_comes_is_told(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "echo hello; read a")
    text = f"""
  - command: docker run -ti --name=box {BASE}
    dialogue: [{{expect: "name:", send: kim}}]
    timeout: 600ms
"""
    result = world.step(text)
    ((about, _, told), *_) = broken(result)
    assert about == "it gets done"
    assert "'name:' did not come" in str(told)


def test_one_that_goes_on_after_its_dialogue_is_told(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "printf 'name: '; read a; sleep 30")
    text = f"""
  - command: docker run -ti --name=box {BASE}
    dialogue: [{{expect: "name:", send: kim}}]
    timeout: 800ms
"""
    result = world.step(text)
    assert broken(result)[0][2] == "it did not end within 0.8 s"


def test_a_dialogue_of_an_exec_that_is_cut_short_is_ended_inside_as_well(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "read a")
    text = (
        BOX
        + """
  - command: docker exec -ti box passwd
    dialogue: [{expect: "name:", send: kim}]
    timeout: 600ms
"""
    )
    result = world.steps(text)[1]
    assert "; inside the container it goes on: the engine is on another" in str(broken(result)[0])


def test_a_secret_that_is_typed_is_the_container_s_latest_password(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "stty -echo; printf 'password: '; read a; echo ok")
    text = f"""
  - command: docker run -ti --name=box {BASE}
    dialogue: [{{expect: "password:", send: "${{{{ secret.PASSWORD }}}}"}}]
"""
    result = world.step(text)
    assert result.status == "passed", broken(result)
    assert world.session.terminals.last_secret("box") == SECRET


def test_what_is_no_secret_is_no_password(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "printf 'name: '; read a")
    text = f"""
  - command: docker run -ti --name=box {BASE}
    dialogue: [{{expect: "name:", send: kim}}]
"""
    world.step(text)
    assert world.session.terminals.last_secret("box") == ""


def test_the_person_s_own_detach_keys_are_known(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n" + SHELL)
    live.step(0)
    config = Path(world.session.env["DOCKER_CONFIG"]) / "config.json"
    config.write_text('{"detachKeys": "ctrl-x"}')
    live.step(1)
    assert open_terminal(world, "box").usual_keys == "ctrl-x"


def test_a_fault_of_ours_closes_the_terminal(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Terminal] = []

    def fail(_: Any, __: Any, terminal: Terminal, ___: Any) -> Any:
        made.append(terminal)
        raise ValueError("a fault")

    monkeypatch.setattr(execute, "wait_open", fail)
    assert world.step(SHELL).status == "error"
    assert made[0].ended


def test_a_terminal_of_this_machine_is_open_at_once(world: FakeWorld) -> None:
    result = world.step("  - {command: cat, opens: here}\n")
    assert (result.status, result.checks) == ("passed", [])
    opened = open_terminal(world, "here")
    assert (opened.container, opened.exec_id) == ("", "")
