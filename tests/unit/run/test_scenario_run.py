"""One run from its first step to its end: in order, cleaned up once, whatever happens."""

from __future__ import annotations

import os
from typing import Any

import pytest

from lifecycle.diagnosis.finding import Finding
from lifecycle.engine.daemon import EngineSilent
from lifecycle.run.outcome import CLEANUP
from lifecycle.run.scenario_run import LiveRun
from lifecycle.run.steps.runner import Runner
from tests.fakes.cli import Said
from tests.fakes.world import BASE, SECRET, FakeWorld, broken

TWO = """
scenario: two
vars: {tag: me/x}
steps:
  - docker   tag debian:bookworm   ${{ tag }}
  - name: The second
    command: docker ps
finally:
  - docker images
"""
FINDING = Finding("engine-away", "the engine went away", (), ())


def outcomes(live: LiveRun) -> list[tuple[str, str]]:
    """The status and the reason of every step."""
    results = [live.step(n) for n in range(len(live.steps))]
    return [(r.status, r.reason) for r in results]


def cannot_connect(world: FakeWorld, patch: pytest.MonkeyPatch, error: Exception) -> None:
    def connect(*_: object) -> Any:
        assert world.daemon, "there is one, which nobody reaches"
        raise error

    patch.setattr("lifecycle.run.session.open.connect", connect)


def test_every_step_is_done_in_order_and_each_has_its_line_and_its_words(world: FakeWorld) -> None:
    live = world.run(TWO)
    first, second, last = (live.step(n) for n in range(3))
    assert [r.status for r in (first, second, last)] == ["passed"] * 3
    assert [r.line for r in (first, second, last)] == [5, 6, 9]
    assert first.command == "docker tag debian:bookworm me/x"
    assert second.name == "The second"
    assert [words[0] for words in world.cli.lines] == ["tag", "ps", "images"]


def test_a_title_has_its_variables_filled_in_once_they_are_known(world: FakeWorld) -> None:
    live = world.run(TWO)
    assert live.title(0) == "docker tag debian:bookworm ${{ tag }}"
    live.step(0)
    assert live.title(0) == "docker tag debian:bookworm me/x"
    assert live.title(1) == "The second"


def test_nothing_is_opened_before_the_first_step(world: FakeWorld) -> None:
    live = world.run(TWO)
    assert (live.facts, live.over) == ({}, True)
    live.step(0)
    assert not live.over


def test_a_step_whose_predecessors_ran_elsewhere_is_an_error(world: FakeWorld) -> None:
    result = world.run(TWO).step(1)
    assert (result.status, result.line) == ("error", 6)
    assert result.error == "the steps before it did not run in this process"
    assert result.command == "docker ps"
    assert world.cli.lines == []


def test_a_step_is_not_done_twice(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    assert live.step(0).status == "error"
    assert live.step(1).status == "passed"


def test_finally_may_come_before_steps_that_were_never_done(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    live.stop("the run was interrupted")
    assert live.step(2).status == "passed"


def test_of_two_finallys_the_second_may_come_alone_and_the_first_no_more(world: FakeWorld) -> None:
    live = world.run(TWO + "  - docker volume ls\n")
    assert live.step(3).status == "passed"
    assert live.step(2).status == "error"


def test_after_a_step_that_failed_only_finally_is_done(world: FakeWorld) -> None:
    world.cli.fails["tag"] = Said("", 3)
    first, second, last = outcomes(world.run(TWO))
    assert first == ("failed", "exit code: expected 0, found 3")
    assert second == ("not-run", "not run: step 1 (docker tag debian:bookworm me/x) failed")
    assert last == ("passed", "")


def test_the_first_failure_is_the_reason_also_when_finally_fails(world: FakeWorld) -> None:
    world.cli.fails |= {"tag": Said("", 3), "images": Said("", 4)}
    live = world.run(TWO + "  - docker ps\n")
    assert [s for s, _ in outcomes(live)] == ["failed", "not-run", "failed", "passed"]
    assert live._stopped == "step 1 (docker tag debian:bookworm me/x) failed"


def test_whoever_stops_a_run_first_says_why(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.stop("one")
    live.stop("two")
    assert live.step(0).not_run == "not run: one"


def test_a_run_that_was_stopped_before_it_began_opens_nothing(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.stop("the run was interrupted")
    assert [s for s, _ in outcomes(live)] == ["not-run"] * 3
    assert live.over


def test_an_interrupted_step_is_broken_and_ends_the_run(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    result = live.interrupted(1)
    (check,) = result.checks
    assert (result.name, result.line, result.ran) == ("The second", 6, True)
    assert (check.about, check.expected, check.status) == ("it gets done", "done", "broken")
    assert check.source == "signal"
    told = "a person or the system ended it (Ctrl-C, SIGTERM, or its terminal was closed)"
    assert check.actual == told
    assert live._stopped == "the run was interrupted"


def test_a_fault_of_our_own_is_told_as_ours_and_the_run_still_cleans_up(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.run(TWO)
    live.step(0)
    done = Runner.step

    def break_once(self: Runner, planned: Any) -> Any:
        if planned.index == 1:
            raise ValueError("a fault")
        return done(self, planned)

    monkeypatch.setattr(Runner, "step", break_once)
    result = live.step(1)
    assert (result.status, result.name, result.line) == ("error", "The second", 6)
    said = "a fault of the harness itself, please report it: ValueError('a fault')"
    assert result.error == said
    assert "Traceback" in result.screen
    assert "break_once" in result.screen
    assert live.step(2).status == "passed"
    assert live.finish().status == "passed"
    assert world.daemon.image(world.real("me/x")) is None


# -- the end ---------------------------------------------------------------------------------


def test_the_clean_up_removes_what_was_made_and_is_done_once(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    first = live.finish()
    assert (first.name, first.status, first.line, live.over) == (CLEANUP, "passed", 0, True)
    assert [(c.about, c.actual) for c in first.checks] == [("image me/x:latest", "removed")]
    assert world.daemon.image(world.real("me/x")) is None
    again = live.finish()
    assert (again.name, again.ran, again.skipped, again.checks) == (CLEANUP, True, None, [])


def test_where_nothing_was_opened_the_clean_up_says_so(world: FakeWorld) -> None:
    result = world.run(TWO).finish()
    assert (result.status, result.name) == ("skipped", CLEANUP)
    assert result.skipped is not None
    assert (result.skipped.reason, result.skipped.lacks) == ("nothing was made", "nothing")


def test_closing_cleans_up_when_nobody_has(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    live.close()
    assert live.over
    assert world.daemon.image(world.real("me/x")) is None
    assert list(world.folder.glob("lifecycle-*")) == []


def test_closing_gives_everything_back_also_when_the_clean_up_breaks(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = world.run(TWO)
    live.step(0)
    monkeypatch.setattr(
        "lifecycle.run.scenario_run.clean_up", lambda _: (_ for _ in ()).throw(KeyError("x"))
    )
    with pytest.raises(KeyError):
        live.close()
    assert list(world.folder.glob("lifecycle-*")) == []


def test_a_failure_keeps_what_was_made_where_the_person_wants_it(world: FakeWorld) -> None:
    world.cli.fails["ps"] = Said("", 1)
    live = world.run(TWO, keep_on_failure=True)
    outcomes(live)
    result = live.finish()
    assert result.skipped is not None
    assert result.skipped.reason == "kept on failure (--keep on-failure)"
    why = "kept on failure (--keep on-failure)"
    assert f"image {world.real('me/x')}:latest: {why}" in live.remains.kept_on_purpose
    docker, folder = live.remains.to_remove
    assert docker == f"docker rmi {world.real('me/x')}:latest"
    assert folder == f"rm -rf {world.folder}/lifecycle-{live.id}"
    assert world.daemon.image(world.real("me/x")) is not None
    live.close()
    assert list(world.folder.glob(f"lifecycle-{live.id}")) != []


def test_without_a_failure_nothing_is_kept(world: FakeWorld) -> None:
    live = world.run(TWO, keep_on_failure=True)
    outcomes(live)
    assert live.finish().status == "passed"
    assert world.daemon.image(world.real("me/x")) is None


def test_a_clean_up_that_failed_is_told_of_the_engine_s_absence(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    world.daemon.refuses[f"{world.real('me/x')}:latest"] = "conflict: no"
    world.finds = lambda _: [FINDING]
    world.daemon.away = lambda: EngineSilent("it takes connections")  # type: ignore[method-assign]
    world.symptoms.clear()
    world.daemon.patience._answers = lambda: True
    result = live.finish()
    assert result.status == "failed"
    assert result.findings == [FINDING]
    assert [s.observed for s in world.symptoms] == [("it takes connections",)]


def test_a_clean_up_that_failed_on_an_engine_that_was_there_has_no_finding(
    world: FakeWorld,
) -> None:
    live = world.run(TWO)
    live.step(0)
    world.daemon.refuses[f"{world.real('me/x')}:latest"] = "conflict: no"
    world.finds = lambda _: [FINDING]
    result = live.finish()
    assert broken(result)[0] == ("image me/x:latest", "removed", "conflict: no")
    assert result.findings == []


def test_what_is_left_at_once_is_told_with_the_way_to_remove_it(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    live.abandon()
    told = f"left at once: what run {live.id} made, lifecycle sweep or a run removes"
    assert world.said == [told]
    assert f"image {world.real('me/x')}:latest" in live.remains.left_behind
    assert live.over
    live.close()
    assert world.daemon.image(world.real("me/x")) is not None


def test_who_leaves_before_anything_was_made_is_told_nothing(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.abandon()
    assert world.said == []


# -- what the report says --------------------------------------------------------------------


def test_the_facts_are_the_engine_s_this_machine_s_and_the_subject_s(world: FakeWorld) -> None:
    live = world.run(TWO)
    live.step(0)
    subject = world.session.world.subject
    assert live.facts["engine"] == {
        "address": "unix:///run/docker.sock",
        "version": "28.0.0",
        "id": "ENGINE",
        "storage": "overlay2",
        "cgroup": "2",
        "shares_machine": False,
        "equals_root": True,
    }
    assert live.facts["host"] == {
        "name": os.uname().nodename,
        "kernel": os.uname().release,
        "gpus": [],
        "gpus_seen_by": "GPU steps were turned off (--gpu off)",
    }
    assert live.facts["subject"] == {
        "name": subject.name,
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "groups": list(subject.group_names),
        "home": subject.home,
        "synthetic": False,
    }


def test_an_engine_that_says_little_of_itself_has_empty_facts(world: FakeWorld) -> None:
    world.daemon.info = {"ID": "E", "SecurityOptions": ["name=rootless"]}
    live = world.run(TWO)
    live.step(0)
    engine = live.facts["engine"]
    assert [engine[k] for k in ("version", "storage", "cgroup", "equals_root")] == [
        *("", "", ""),
        False,
    ]


def test_no_text_holds_a_secret_once_it_was_asked_for(world: FakeWorld) -> None:
    live = world.run("  - {write: a, mode: '0600', content: '${{ secret.PASSWORD }}'}\n")
    live.step(0)
    assert live.redact(f"{BASE} {SECRET}") == f"{BASE} [redacted]"
    assert live.redact(f"x {SECRET[::-1]}") == f"x {SECRET[::-1]}"


def test_a_secret_is_in_no_command_s_environment(world: FakeWorld) -> None:
    world.run("  - docker ps\n").step(0)
    (environ,) = world.cli.environs
    assert SECRET not in environ.values()


def test_the_environment_is_this_process_s_own_unless_another_is_given(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_SECRET_OTHER", "hush-hush")
    live = world.run(TWO)
    own = LiveRun(live.scenario, live._options, lambda _: None)
    assert own._secrets["OTHER"] == "hush-hush"
    assert live._secrets["OTHER"] != "hush-hush"
    assert live._secrets["PASSWORD"] == SECRET
