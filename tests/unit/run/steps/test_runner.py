"""One step in, one result out: decided, acted, observed and judged on an engine in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lifecycle.command.promise import Promise
from lifecycle.command.values.mounts import MountAccess
from lifecycle.diagnosis.finding import Finding, Remedy
from lifecycle.engine.daemon import ExecOutcome
from lifecycle.engine.events import Absence
from lifecycle.facts.model import ContainerFacts
from lifecycle.run.steps import runner as running
from tests.fakes.cli import Said
from tests.fakes.world import BASE, SECRET, FakeWorld, broken, kept, reasons

BOX = f"  - docker run -d --name=box {BASE} sleep 9\n"
GPU_BOX = f"  - docker run -d --gpus all --name=box {BASE} sleep 9\n"
OPTIONAL = "scenario: s\ngpu: optional\nsteps:\n"
THEIRS = "touches only what this run made"


# -- what came of it -------------------------------------------------------------------------


def test_a_command_passes_with_its_exit_code_and_its_promises(world: FakeWorld) -> None:
    world.cli.programs["true"] = lambda _: Said("hello\n")
    result = world.steps(BOX + "  - docker exec box true\n")[1]
    assert (result.status, result.ran, result.person) == ("passed", True, "")
    assert result.command == "docker exec box true"
    assert result.screen == "hello\n"
    assert 0 < result.seconds < 30
    assert "exit code" in kept(result)


def test_names_are_shown_as_written_and_the_real_line_beside(world: FakeWorld) -> None:
    world.cli.programs["true"] = lambda _: Said(f"I am {world.real('box')}\n")
    run, result = world.steps(BOX + "  - docker exec box true\n")
    assert result.actual_command == f"docker exec {world.real('box')} true"
    assert result.screen == "I am box\n"
    assert run.actual_command.startswith(f"docker run -d --name={world.real('box')} ")
    assert {c.about.split(":")[1].strip() for c in run.checks if c.about.startswith("run:")} == {
        "box"
    }


def test_a_line_that_runs_as_it_is_written_has_no_other(world: FakeWorld) -> None:
    assert world.step("  - docker ps\n").actual_command == ""


def test_a_line_that_is_no_docker_runs_as_it_is(world: FakeWorld) -> None:
    result = world.step("  - echo hello\n")
    assert (result.status, result.screen, result.actual_command) == ("passed", "hello\n", "")


def test_secrets_are_in_no_text_of_a_result(world: FakeWorld) -> None:
    world.cli.programs["cat"] = lambda _: Said(f"it is {SECRET}\n", 1)
    steps = "  - {write: a, mode: '0600', content: '${{ secret.PASSWORD }}'}\n"
    steps += BOX + "  - {command: docker exec box cat, expect: {output: nothing}}\n"
    results = world.steps(steps)
    assert SECRET not in str([r.to_json() for r in results])
    assert results[2].screen == "it is [redacted]\n"
    assert ("output", "nothing", "it is [redacted]") in broken(results[2])


def test_another_exit_code_is_broken_and_diagnosed(world: FakeWorld) -> None:
    world.cli.programs["false"] = lambda _: Said("out\n", 3)
    result = world.steps(BOX + "  - docker exec box false\n")[1]
    assert broken(result) == [("exit code", 0, 3)]
    (check,) = [c for c in result.checks if c.about == "exit code"]
    assert check.source == "the command's own"
    (symptom,) = world.symptoms
    assert symptom.words == ("docker", "exec", "box", "false")
    assert (symptom.exit_code, symptom.output, symptom.printed) == (3, "out\n", True)
    assert symptom.observed == ()


def test_nothing_is_diagnosed_of_a_step_that_passed(world: FakeWorld) -> None:
    world.step(BOX)
    assert world.symptoms == []


def test_a_promise_of_a_command_that_failed_is_not_judged(world: FakeWorld) -> None:
    world.cli.fails["run"] = Said("", 125, "docker: no\n")
    result = world.step(BOX)
    assert broken(result) == [("exit code", 0, 125)]
    assert set(reasons(result).values()) == {"the command failed"}
    assert len(reasons(result)) > 3


def test_a_broken_promise_is_diagnosed_though_the_command_went_well(world: FakeWorld) -> None:
    world.cli.fails["run"] = Said()
    result = world.step(BOX)
    assert "run: box: is there" in {about for about, _, _ in broken(result)}
    assert [s.exit_code for s in world.symptoms] == [0]


def test_an_author_may_expect_another_exit_code(world: FakeWorld) -> None:
    world.cli.programs["false"] = lambda _: Said("", 3)
    steps = BOX + "  - {command: docker exec box false, expect: {exit: 3}}\n"
    result = world.steps(steps)[1]
    assert (result.status, [c.about for c in result.checks].count("exit code")) == ("passed", 1)


def test_a_command_that_is_to_fail_passes_when_it_does_so(world: FakeWorld) -> None:
    steps = "  - {command: docker run nope, fails: {exit: 125}}\n"
    result = world.step(steps)
    assert result.status == "passed", broken(result)
    assert not any(c.about.startswith("run:") for c in result.checks)


def test_a_command_that_is_to_fail_and_does_not_is_broken(world: FakeWorld) -> None:
    result = world.step(f"  - {{command: docker run {BASE} true, fails: {{output: x}}}}\n")
    assert result.status == "failed"


def test_findings_are_told_once_and_with_written_names(world: FakeWorld) -> None:
    world.cli.programs["false"] = lambda _: Said("", 1)

    def find(_: Any) -> list[Finding]:
        name = world.real("box")
        remedy = Remedy("user", f"look at {name}", (f"docker logs {name}",))
        return [Finding("a", f"{name} is old", (f"{name} said",), (remedy,))]

    world.finds = find
    result = world.steps(BOX + "  - docker exec box false\n")[1]
    (finding,) = result.findings
    assert finding.cause == "box is old"
    assert finding.evidence == ("box said",)
    assert finding.remedies == (Remedy("user", "look at box", ("docker logs box",)),)


def test_different_findings_are_all_told_and_none_twice(world: FakeWorld) -> None:
    live = world.run("  - docker ps\n  - docker ps\n")
    live.step(0)
    world.cli.fails["ps"] = Said("", 1)
    world.session.events._absences = [Absence(1.0, 2.0)]
    world.finds = lambda s: [Finding(i, i, (), ()) for i in ("bc" if s.observed else "ab")]
    assert [f.id for f in live.step(1).findings] == ["a", "b", "c"]


def test_what_a_finding_quotes_may_end_within_a_secret(world: FakeWorld) -> None:
    world.cli.fails["ps"] = Said("", 1)
    cut = f"it is {SECRET[:-2]}"
    world.finds = lambda _: [Finding("a", "b", (cut,), ())]
    steps = "  - {write: a, mode: '0600', content: '${{ secret.PASSWORD }}'}\n  - docker ps\n"
    (finding,) = world.steps(steps)[1].findings
    assert finding.evidence == ("it is [redacted]",)


# -- what keeps a command from being run -----------------------------------------------------


def test_a_missing_bind_source_is_looked_for_and_nothing_is_run(world: FakeWorld) -> None:
    world.share_the_machine()
    gone = world.folder / "gone"
    result = world.step(f"  - docker run -d --name=box -v {gone}:/x {BASE}\n")
    assert broken(result) == [(f"-v {gone}: the folder is there", str(gone), "missing")]
    assert [c.source for c in result.checks] == ["stat on this machine"]
    assert (world.cli.lines, result.ran, result.status) == ([], False, "failed")
    (symptom,) = world.symptoms
    assert symptom.finding == "bind-source-missing"
    assert symptom.caught == {"source": str(gone)}
    assert symptom.words[:3] == ("docker", "run", "-d")


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_source_that_is_no_folder_of_this_machine_is_docker_s_business(
    world: FakeWorld,
    elsewhere: bool,  # noqa: FBT001
) -> None:
    """A volume's name is no path, and an engine elsewhere has other folders."""
    if not elsewhere:
        world.share_the_machine()
    source = "/nope/gone" if elsewhere else "data"
    result = world.step(f"  - docker run -d --name=box -v {source}:/x {BASE}\n")
    assert not any("the folder is there" in c.about for c in result.checks)
    assert len(world.cli.lines) == 1


def test_only_what_makes_a_container_has_its_sources_looked_for(world: FakeWorld) -> None:
    world.share_the_machine()
    source = world.folder / "nas"
    source.mkdir()
    steps = f"  - docker run -d --name=box -v {source}:/x {BASE} sleep 9\n  - docker stop box\n"
    live = world.run(steps + "  - docker start box\n")
    live.step(0)
    assert len(world.cli.lines) == 1
    live.step(1)
    source.rmdir()
    live.step(2)
    assert len(world.cli.lines) == 3


def test_each_missing_source_is_told_once_and_in_order(world: FakeWorld) -> None:
    world.share_the_machine()
    here = world.folder
    flags = f"-v {here}/b:/b -v {here}/a:/a -v {here}/b:/c -v {here}:/d"
    result = world.step(f"  - docker run -d --name=box {flags} {BASE}\n")
    assert [expected for _, expected, _ in broken(result)] == [f"{here}/a", f"{here}/b"]
    assert world.symptoms[0].caught == {"source": f"{here}/a"}


def test_a_source_that_can_t_be_looked_at_is_told_and_not_called_missing(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.share_the_machine()

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(running, "state_of", refuse)
    result = world.step(f"  - docker run -d --name=box -v {world.folder}:/x {BASE}\n")
    ((_, _, actual),) = broken(result)
    assert "input/output error" in str(actual)
    assert (world.symptoms, world.cli.lines) == ([], [])


def test_an_image_that_was_there_is_not_removed(world: FakeWorld) -> None:
    result = world.step(f"  - docker rmi {BASE}\n")
    assert result.status == "skipped"
    assert result.skipped is not None
    assert result.skipped.reason == f"image {BASE} was there before this run, so it is not removed"
    assert (result.skipped.lacks, world.cli.lines, result.ran) == ("ours", [], False)


def test_a_condition_that_does_not_hold_skips_the_step(world: FakeWorld) -> None:
    result = world.step('  - {command: docker ps, when: "${{ lab.gpus == 7 }}"}\n')
    assert result.skipped is not None
    assert result.skipped.lacks == "condition"
    assert world.cli.lines == []


# -- what is promised again, and what stands in ----------------------------------------------


def test_a_later_start_is_held_to_what_the_line_that_made_it_promised(world: FakeWorld) -> None:
    steps = f"  - docker run -d --name=box -e A=b {BASE} sleep 9\n  - docker stop box\n"
    live = world.run(steps + "  - docker start box\n")
    live.step(0)
    live.step(1)
    world.daemon.change("container", world.real("box"), Config={"Env": ["A=c"]})
    result = live.step(2)
    assert ("-e: box: env A", "b", "c") in broken(result)


def test_a_start_of_what_another_made_promises_only_its_own(world: FakeWorld) -> None:
    world.daemon.create(BASE, "theirs")
    result = world.step("  - docker start theirs\n", allow_foreign=frozenset({"theirs"}))
    assert broken(result) == []
    assert not any(c.about.startswith("-e") for c in result.checks)


def test_a_folder_that_stands_in_for_the_nas_is_said_to_be_unverified(world: FakeWorld) -> None:
    text = f"  - docker run -d --name=box -v ${{{{ lab.nas_home }}}}:/w {BASE} sleep 9\n"
    text += "  - docker exec box true\n"
    run, later = world.steps(text)
    why = "lab.nas_home is not set, so a temporary folder stood in for it"
    assert reasons(run)["NAS"] == why
    (check,) = [c for c in run.checks if c.about == "NAS"]
    assert check.expected == "the lab's NAS"
    assert "NAS" not in reasons(later)


def test_a_lab_that_names_its_nas_has_no_such_word(world: FakeWorld) -> None:
    world.lab.write_text(f'base_image = "{BASE}"\nnas_home = "/nas/kim"\n')
    run = world.step(f"  - docker run -d --name=box -v ${{{{ lab.nas_home }}}}:/w {BASE} sleep 9\n")
    assert "NAS" not in reasons(run)
    other = world.step(f"  - docker run -d --name=b2 {BASE} sleep 9\n")
    assert "NAS" not in reasons(other)


def test_a_run_without_the_nas_is_not_told_of_it(world: FakeWorld) -> None:
    assert "NAS" not in reasons(world.step(BOX))


def test_what_was_loaded_is_known_from_what_docker_says(world: FakeWorld) -> None:
    world.cli.fails["load"] = Said("Loaded image: me/y:1\n")
    (world.folder / "a.tar").touch()
    result = world.step(f"  - docker load -i {world.folder}/a.tar\n")
    assert ("load: me/y:1: is there", True, False) in broken(result)
    world.daemon.make_image("me/z:1")
    world.cli.fails["load"] = Said("Loaded image: me/z:1\n")
    assert "load: me/z:1: is there" in kept(world.step("  - docker load -i a.tar\n"))


def test_a_load_that_failed_has_loaded_nothing(world: FakeWorld) -> None:
    world.cli.fails["load"] = Said("Loaded image: me/y:1\n", 1)
    result = world.step("  - docker load -i a.tar\n")
    assert not any("me/y" in c.about for c in result.checks)


# -- checks ----------------------------------------------------------------------------------


def test_a_check_step_looks_and_does_nothing(world: FakeWorld) -> None:
    text = BOX + "  - {check: {container: {state: running}}, on: box}\n"
    result = world.steps(text)[1]
    assert (result.status, result.ran) == ("passed", False)
    assert [(c.about, c.expected, c.actual) for c in result.checks] == [
        ("container box: state", "running", "running")
    ]
    assert len(world.cli.lines) == 1


def test_a_check_is_asked_until_it_holds_within_its_time(world: FakeWorld) -> None:
    text = BOX + "  - {check: {container: {state: exited}}, on: box, within: 20s}\n"
    live = world.run(text)
    live.step(0)
    asked: list[str] = []
    seen = world.daemon.container

    def look(name: str) -> Any:
        asked.append(name)
        if len(asked) == 4:
            world.daemon.end(world.real("box"))
        return seen(name)

    world.daemon.container = look  # type: ignore[method-assign]
    assert live.step(1).status == "passed"
    assert len(asked) >= 4


def test_a_check_without_a_time_is_asked_once(world: FakeWorld) -> None:
    text = BOX + "  - {check: {container: {state: exited}}, on: box}\n"
    assert broken(world.steps(text)[1]) == [("container box: state", "exited", "running")]


def test_a_check_that_an_engine_gave_no_word_for_is_the_engine_s_fault(world: FakeWorld) -> None:
    live = world.run(BOX + "  - {check: {inside: {user: kim}}, on: box}\n")
    live.step(0)
    with world.silent():
        result = live.step(1)
    assert ("the engine answers", "an answer", "it gives no answer") in broken(result)


def test_what_stands_on_a_terminal_is_looked_at_by_a_check(world: FakeWorld) -> None:
    text = f"  - docker run -ti --name=box {BASE}\n"
    text += "  - {check: {screen: inside}, in: box}\n  - {check: {screen: nope}, on: box}\n"
    first, good, bad = world.steps(text)
    assert first.status == "passed"
    assert good.status == "passed", broken(good)
    assert bad.status == "failed"


# -- what is found at a mount ----------------------------------------------------------------


def test_a_folder_that_can_t_be_written_inside_is_told_with_the_kernel_s_words() -> None:
    access = MountAccess("/w", readonly=False)
    promise = Promise("-v", "container.mount.access", access, "inside")
    read = replace(promise, expected=MountAccess("/r", readonly=True))
    on = ContainerFacts("box")
    on.inside = replace(on.inside, writes={"/w": "Permission denied", "/r": "Read-only"})
    assert running._denied((promise, read), on) == {"/w": "Permission denied"}
    assert running._denied((promise,), None) == {}
    on.inside = replace(on.inside, writes={"/w": ""})
    assert running._denied((promise,), on) == {}


def test_a_look_inside_tells_of_the_denied_write_and_whose_it_was(world: FakeWorld) -> None:
    world.daemon.inside = lambda *_: ExecOutcome(0, DENIED)
    text = f"  - docker run -d --name=box -v data:/w {BASE} sleep 9\n"
    result = world.step(text)
    assert result.status == "failed"
    denied = [s for s in world.symptoms if s.caught == {"path": "/w"}]
    assert [s.uid for s in denied] == [1500]
    assert denied[0].finding


DENIED = """@@id
uid=1500(kim) gid=1500(kim)
@@cwd
/
@@writes
no Permission denied
@@files-end
==> /proc/self/status <==
Uid:\t1500\t1500\t1500\t1500
Gid:\t1500\t1500\t1500\t1500
Groups:\t
==> /proc/self/mountinfo <==
1 0 0:1 / / rw - overlay overlay rw
2 1 8:1 /v /w rw - ext4 /dev/sda rw
==> /dev/null <==
"""
