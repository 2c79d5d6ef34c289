"""What is typed into a terminal that is open, and what it brings about."""

from __future__ import annotations

import pytest

from lifecycle.run.steps import type_step
from tests.fakes.world import BASE, FakeWorld, broken, kept, open_terminal

SHELL = f"  - docker run -ti --name=box {BASE}\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_step, "TYPED_LIMIT", 3.0)


def test_a_line_is_typed_and_what_it_shows_is_waited_for(world: FakeWorld) -> None:
    text = SHELL + "  - {type: 'echo $((40+2))', expect: {screen: '42'}}\n"
    result = world.steps(text)[1]
    assert result.status == "passed", broken(result)
    assert (result.ran, result.command) == (True, "type: echo $((40+2))")
    assert "42" in result.screen


def test_the_echo_of_what_was_typed_does_not_count(world: FakeWorld) -> None:
    text = SHELL + "  - {type: 'true nope', within: 300ms, expect: {screen: nope}}\n"
    ((about, _, _),) = broken(world.steps(text)[1])
    assert about == "screen"


def test_a_terminal_that_has_ended_is_not_open(world: FakeWorld) -> None:
    text = SHELL + "  - {type: exit, in: box}\n  - {type: ls, in: box}\n"
    live = world.run(text)
    live.step(0)
    live.step(1)
    result = live.step(2)
    assert broken(result) == [("terminal box", "open", "terminal box is not open")]
    assert not result.ran


def test_leaving_the_shell_ends_the_terminal_and_its_container(world: FakeWorld) -> None:
    result = world.steps(SHELL + "  - {type: exit, in: box}\n")[1]
    assert result.status == "passed", broken(result)
    assert kept(result) == {"exit code", "container box when its first process ends"}
    assert not world.session.terminals.latest
    assert world.container("box")["State"]["Status"] == "exited"


@pytest.mark.parametrize("typed", ["{type: logout x}", "{press: [ctrl-d]}", "{type: exit 0}"])
def test_other_words_and_keys_leave_a_shell_too(world: FakeWorld, typed: str) -> None:
    world.cli.shell = ("sh", "-c", "echo ready; read a; exit 0")
    result = world.steps(SHELL + f"  - {typed}\n")[1]
    assert "exit code" in kept(result)


def test_a_shell_that_ends_badly_is_broken(world: FakeWorld) -> None:
    result = world.steps(SHELL + "  - {type: exit 3}\n")[1]
    assert ("exit code", 0, 3) in broken(result)
    (check,) = [c for c in result.checks if c.about == "exit code"]
    assert check.source == "the terminal's own"


def test_an_author_may_expect_how_it_ends(world: FakeWorld) -> None:
    result = world.steps(SHELL + "  - {type: exit 3, expect: {exit: 3}}\n")[1]
    assert result.status == "passed", broken(result)
    assert [c.about for c in result.checks].count("exit code") == 1


def test_a_shell_that_stays_is_told(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "echo ready; cat; sleep 60")
    result = world.steps(SHELL + "  - {type: exit, within: 300ms}\n")[1]
    assert ("the terminal ends", "ended", "it did not end within 0.3 s") in broken(result)
    assert world.session.terminals.get("box")


def test_in_a_shell_within_a_shell_the_author_says_what_shows(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "echo ready; read a; echo outer; cat")
    result = world.steps(SHELL + "  - {type: exit, expect: {screen: outer}}\n")[1]
    assert result.status == "passed", broken(result)
    assert world.session.terminals.get("box")


def test_with_rm_the_container_is_gone(world: FakeWorld) -> None:
    text = f"  - docker run --rm -ti --name=box {BASE}\n  - {{type: exit}}\n"
    result = world.steps(text)[1]
    assert result.status == "passed", broken(result)
    (check,) = [c for c in result.checks if "first process" in c.about]
    assert (check.expected, check.source) == ("gone", "inspect")


def test_a_container_that_should_have_ended_and_did_not_is_broken(world: FakeWorld) -> None:
    live = world.run(SHELL + "  - {type: exit}\n")
    live.step(0)
    world.daemon.end = lambda *_, **__: None  # type: ignore[method-assign]
    about = "container box when its first process ends"
    assert (about, "exited", "running") in broken(live.step(1))


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_what_is_to_come_back_comes_back(world: FakeWorld, policy: str) -> None:
    text = f"  - docker run --restart={policy} -ti --name=box {BASE}\n  - {{type: exit}}\n"
    live = world.run(text)
    live.step(0)
    ends = world.daemon.end

    def end_and_start(name: str, code: int = 0) -> None:
        ends(name, code)
        world.daemon.start(name)

    world.daemon.end = end_and_start  # type: ignore[method-assign,assignment]
    result = live.step(1)
    assert "container box when its first process ends" in kept(result), broken(result)
    (check,) = [c for c in result.checks if "first process" in c.about]
    assert (check.expected, check.source) == ("started again", "events")


def test_what_does_not_come_back_is_broken(world: FakeWorld) -> None:
    text = f"  - docker run --restart=always -ti --name=box {BASE}\n  - {{type: exit}}\n"
    result = world.steps(text)[1]
    about = "container box when its first process ends"
    assert (about, "started again", "not started again") in broken(result)


@pytest.mark.parametrize(("code", "expected"), [(0, "exited"), (3, "started again")])
def test_on_failure_comes_back_after_a_failure_only(
    world: FakeWorld, code: int, expected: str
) -> None:
    text = f"  - docker run --restart=on-failure -ti --name=box {BASE}\n"
    result = world.steps(text + f"  - {{type: exit {code}}}\n")[1]
    (check,) = [c for c in result.checks if "first process" in c.about]
    assert check.expected == expected


def test_how_often_it_comes_back_is_not_known(world: FakeWorld) -> None:
    text = f"  - docker run --restart=on-failure:3 -ti --name=box {BASE}\n  - {{type: exit 3}}\n"
    result = world.steps(text)[1]
    (check,) = [c for c in result.checks if "first process" in c.about]
    assert (check.status, check.expected) == ("unverified", "started again")
    assert check.source == "it depends on how often it has failed"


def test_keys_that_detach_leave_the_container_running(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "stty raw; echo ready; head -c 2 >/dev/null")
    live = world.run(SHELL + "  - {press: [ctrl-p, ctrl-q]}\n")
    live.step(0)
    world.daemon.end = lambda *_, **__: None  # type: ignore[method-assign]
    result = live.step(1)
    assert [(c.about, c.status, c.expected) for c in result.checks] == [
        ("container box after detaching", "kept", "running")
    ]
    assert not world.session.terminals.latest


def test_a_container_that_is_gone_after_detaching_is_told(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "stty raw; echo ready; head -c 2 >/dev/null")
    live = world.run(
        f"  - docker run --rm -ti --name=box {BASE}\n  - {{press: [ctrl-p, ctrl-q]}}\n"
    )
    live.step(0)
    result = live.step(1)
    assert ("container box after detaching", "running", "gone") in broken(result)


def test_what_it_brings_about_is_asked_until_it_holds(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", "echo ready; read a; exit 0")
    text = SHELL + "  - {type: x, expect: {container: {state: exited}}}\n"
    result = world.steps(text)[1]
    assert "container box: state" in kept(result), broken(result)


def test_another_container_may_be_what_it_is_about(world: FakeWorld) -> None:
    text = f"  - docker run -d --name=other {BASE} sleep 9\n" + SHELL
    text += "  - {type: 'true', on: other, within: 300ms, expect: {container: {state: exited}}}\n"
    assert ("container other: state", "exited", "running") in broken(world.steps(text)[2])


def test_the_terminal_opened_last_is_meant_where_none_is_named(world: FakeWorld) -> None:
    world.cli.shell = ("sh", "-c", 'echo ready; read a; echo "<$a>"; cat')
    text = SHELL + f"  - docker run -ti --name=two {BASE}\n"
    text += "  - {type: hello, expect: {screen: '<hello>'}}\n"
    live = world.run(text)
    for n in range(3):
        live.step(n)
    assert "<hello>" in open_terminal(world, "two").terminal.text()
    assert "<hello>" not in open_terminal(world, "box").terminal.text()
