"""Every key of ``expect`` has facts that keep it, facts that break it, and a reason to doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from lifecycle.checks.check import Check
from lifecycle.checks.expect import inside as inside_keys
from lifecycle.checks.expect.inside import probe_of
from lifecycle.checks.expect.judge_expect import KEYS, judge_expect
from lifecycle.checks.expect.pattern import pattern
from lifecycle.facts.inside import FileFact, Inside, Process
from lifecycle.facts.model import Answer, ContainerFacts, Facts, PasswordFacts
from lifecycle.scenario.model import Expect
from lifecycle.scenario.model import Inside as InsideModel
from tests.unit.checks.samples import (
    EXITED,
    GPUS,
    IMAGE_ID,
    SEEN,
    UNSEEN,
    having,
    inspected,
    step,
    world,
)

FILE = FileFact(
    exists=True,
    writable=True,
    owner=1500,
    group=1600,
    owner_name="kim",
    group_name="lab",
    mode="640",
)
UP, GONE = inspected(), having(None)
IMAGE = {
    "Id": IMAGE_ID,
    "Config": {"User": "kim", "WorkingDir": "/w", "Cmd": ["bash", "-l"], "Env": ["A=1"]},
    "RootFS": {"Layers": ["sha256:1", "sha256:2"]},
}


def judged(want: dict[str, Any], facts: Facts) -> list[Check]:
    return judge_expect(want, facts, facts.containers.get("c"))


def inside(**changes: Any) -> Facts:
    return having(UP, replace(SEEN, **changes))


def files(fact: FileFact | None, text: str | None = None) -> Facts:
    return inside(
        files={"/f": fact} if fact else {}, texts={"/f": text} if text is not None else {}
    )


def images(image: dict[str, Any] | None) -> Facts:
    return step(images={"me/test:latest": image})


def password(before: str | None, after: str | None, login: str = "accepted") -> Facts:
    how = {"accepted": True, "refused": False}.get(login)
    return step(password=PasswordFacts("kim", before, after, how, login))


def answered(answer: Answer | None) -> Facts:
    return having(UP, answers={"8080/tcp": answer} if answer else {})


def gpus(lines: tuple[str, ...] | None, error: str = "") -> Facts:
    return having(UP, replace(SEEN, gpus=lines, gpu_error=error), around=world(GPUS))


def umask(octal: str) -> Facts:
    return inside(proc={"/proc/1/status": f"Name:\tbash\nUmask:\t{octal}\nState:\tS\n"})


RUNS = (Process(1, "S", "bash"), Process(7, "S", "/usr/sbin/sshd -D"), Process(9, "S", "sshd: kim"))


@dataclass(frozen=True)
class Wanted:
    """An expectation and what is found."""

    want: dict[str, Any]
    kept: Facts
    broken: Facts
    when: str = ""

    def __str__(self) -> str:
        return "".join(c for c in f"{self.want}{self.when}" if c not in "{}' ")


def within(want: dict[str, Any], kept: Facts, broken: Facts) -> Wanted:
    return Wanted({"inside": want}, kept, broken)


def file(kept: Facts, broken: Facts, **want: Any) -> Wanted:
    return within({"files": {"/f": want}}, kept, broken)


CASES = [
    Wanted({"exit": 3}, step(exit_code=3), step(exit_code=0)),
    Wanted({"exit": "0"}, step(exit_code=0), step(exit_code=None)),
    Wanted({"output": "^two$"}, step(output="one\ntwo\n"), step(output="one two")),
    Wanted({"screen": r"\$ "}, step(screen="kim@h1:~$ "), step(screen="")),
    Wanted({"took": {"at_least": 10.0}}, step(seconds=10.1), step(seconds=9.9)),
    Wanted({"took": {"at_most": 5.0}}, step(seconds=0.3), step(seconds=5.1)),
    Wanted({"took": {"at_least": 1.0, "at_most": 5.0}}, step(seconds=1), step(seconds=6)),
    Wanted({"container": {"exists": False}}, GONE, having(UP)),
    Wanted({"container": {"state": "exited"}}, having(inspected(State=EXITED)), GONE),
    Wanted({"container": {"running": True}}, having(UP), having(inspected(State=EXITED))),
    Wanted({"container": {"exit_code": 137}}, having(inspected(State=EXITED)), having(UP)),
    Wanted({"container": {"restarts": 1}}, having({**UP, "RestartCount": 1}), having(UP)),
    Wanted({"container": {"restarts": 0}}, having({**UP, "RestartCount": 0}), GONE),
    Wanted(
        {"container": {"oom_killed": False}},
        having(inspected(State={**EXITED, "OOMKilled": False})),
        having(inspected(State={**EXITED, "OOMKilled": True})),
    ),
    Wanted(
        {"container": {"oom_killed": False}},
        having(inspected(State={**EXITED, "OOMKilled": False})),
        GONE,
        when="gone",
    ),
    Wanted({"image": {"exists": True}}, images(IMAGE), images(None)),
    Wanted({"image": {"exists": False}}, images(None), images(IMAGE)),
    Wanted({"image": {"user": "kim"}}, images(IMAGE), images({**IMAGE, "Config": None})),
    Wanted({"image": {"user": ""}}, images({**IMAGE, "Config": {}}), images(None)),
    Wanted({"image": {"workdir": "/w"}}, images(IMAGE), images({"Config": {}})),
    Wanted({"image": {"command": ["bash", "-l"]}}, images(IMAGE), images({"Config": {}})),
    Wanted({"image": {"env": {"A": 1}}}, images(IMAGE), images({"Config": {"Env": ["A=2"]}})),
    Wanted({"image": {"layers": 2}}, images(IMAGE), images({"RootFS": {}})),
    Wanted(
        {"image": {"name": "b", "exists": True}},
        step(images={"b": IMAGE}),
        step(images={"a": IMAGE}),
    ),
    within({"user": "kim"}, inside(), inside(user_name="")),
    within({"user": ""}, inside(user_name=""), inside()),
    within({"uid": 1500}, inside(), inside(uid=0)),
    within({"gid": "1600"}, inside(), inside(gid=0)),
    within({"groups": ["docker", 1600]}, inside(), inside(groups={1600: "kim"})),
    within({"home": "/home/kim"}, inside(), inside(accounts=())),
    within({"umask": "0022"}, umask("0022"), umask("0002")),
    within({"umask": "22"}, umask("0022"), inside()),
    within({"umask": "0"}, umask("0000"), umask("0077")),
    within({"cwd": "/workspace"}, inside(), inside(cwd="/")),
    within({"hostname": "box"}, inside(hostname="box"), inside(hostname="gpu-07")),
    within({"env": {"A": 1}}, inside(), inside(env={})),
    within({"processes": {"sshd": None}}, inside(processes=RUNS), inside(processes=RUNS[:1])),
    within({"processes": {"^sshd": 1}}, inside(processes=RUNS), inside(processes=RUNS * 2)),
    within({"processes": {"zombie": 0}}, inside(), inside(processes=(Process(2, "Z", "zombie"),))),
    within({"mounts": {"/workspace": {"readonly": False}}}, inside(), inside(mounts=())),
    within({"mounts": {"/ro": {"readonly": True}}}, inside(), inside(mounts=())),
    within({"mounts": {"/workspace": {"source": "/nas/kim"}}}, inside(), inside(mounts=())),
    within(
        {"mounts": {"/workspace": {"source": "/mnt/nas/kim"}}},
        inside(),
        inside(mounts=(replace(SEEN.mounts[1], root="/nas/lee"),)),
    ),
    within({"mounts": {"/ro": {"source": "nas:/export"}}}, inside(), inside(mounts=())),
    within({"gpus": "host"}, gpus(("GPU 0: a", "GPU 1: b")), gpus(("GPU 0: a",))),
    within({"gpus": 1}, gpus(("GPU 0: a",)), gpus(None, "nvidia-smi is not in the container")),
    within({"gpus": 0}, gpus(None, "nvidia-smi is not in the container"), gpus(("GPU 0: a",))),
    within({"pid1": "bash -l"}, inside(), inside(pid1=("sh",))),
    file(files(FILE), files(None), exists=True),
    file(files(None), files(FILE), exists=False),
    file(files(FILE), files(replace(FILE, writable=False)), writable=True),
    file(files(FILE), files(replace(FILE, owner=0)), owner=1500),
    file(files(FILE), files(replace(FILE, owner_name="")), owner="kim"),
    file(files(FILE), files(None), group="lab"),
    file(files(FILE), files(replace(FILE, group=0)), group="1600"),
    file(files(FILE), files(replace(FILE, mode="644")), mode="0640"),
    file(files(replace(FILE, mode="0")), files(FILE), mode="0000"),
    file(files(FILE, "a\nkim:x\n"), files(FILE, "lee:x"), contains="^kim:"),
    file(files(FILE, "x"), files(FILE), contains="x"),
    file(files(FILE, "one\n"), files(FILE, "one\ntwo\n"), text="one"),
    Wanted(
        {"port": {"8080": {"answers": True}}},
        answered(Answer(True, "connected")),
        answered(Answer(False, "hung up at once")),
    ),
    Wanted(
        {"port": {"8080/tcp": {"answers": False}}},
        answered(Answer(False, "refused")),
        answered(Answer(True, "connected")),
    ),
    Wanted({"password_changed": "kim"}, password("$6$a", "$6$b"), password("$6$a", "$6$a")),
    Wanted(
        {"password_changed": "kim"},
        password("!", "$6$b"),
        password("!", "$6$b", "refused"),
        "refused",
    ),
    Wanted({"password_changed": "kim"}, password(None, "$6$b"), password(None, None), "no-user"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_expectation_is_kept(case: Wanted) -> None:
    checks = judged(case.want, case.kept)
    assert checks
    assert {c.status for c in checks} == {"kept"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_expectation_is_broken_and_what_was_found_is_shown(case: Wanted) -> None:
    broken = [c for c in judged(case.want, case.broken) if c.status == "broken"]
    assert broken
    assert all(c.actual != c.expected for c in broken)


def test_every_key_is_covered() -> None:
    keys = {key for case in CASES for key in case.want}
    seen_inside = {key for case in CASES for key in case.want.get("inside", {})}
    assert keys | {"host"} == set(KEYS)  # the host's files are real ones, below
    assert seen_inside == set(inside_keys.KEYS)


def test_every_key_of_the_format_is_judged() -> None:
    assert set(KEYS) == set(Expect.keys())
    assert set(inside_keys.KEYS) == set(InsideModel.keys())


NAMELESS = "the step names no container: write `on: NAME`"
UNTOLD = [
    ({"took": {"at_least": 1.0}}, step(exit_code=None), "it has not ended"),
    ({"container": {"state": "running"}}, step(), NAMELESS),
    ({"inside": {"uid": 0}}, step(), NAMELESS),
    ({"inside": {"uid": 0}}, having(UP, UNSEEN), UNSEEN.unseen),
    ({"image": {"user": "kim"}}, step(), "the step names no image: write `name:` in it"),
    ({"port": {"80": {"answers": True}}}, having(UP), "it was not tried"),
    (
        {"port": {"8080": {"answers": True}}},
        answered(Answer(None, "udp is not tried")),
        "udp is not tried",
    ),
    ({"password_changed": "kim"}, step(), "the container was not there before"),
    (
        {"inside": {"files": {"/f": {"owner": "kim"}}}},
        files(FileFact(exists=True)),
        "the image has no stat to ask",
    ),
    (
        {"inside": {"mounts": {"/ro": {"source": "/mnt/nas"}}}},
        inside(),
        "it is all of nas:/export, wherever that is mounted",
    ),
]


@pytest.mark.parametrize(("want", "facts", "reason"), UNTOLD, ids=lambda v: str(v)[:40])
def test_what_could_not_be_seen_is_unverified_with_the_reason(
    want: dict[str, Any], facts: Facts, reason: str
) -> None:
    assert [c.source for c in judged(want, facts) if c.status == "unverified"] == [reason]


def test_a_password_that_nobody_could_try_is_new_but_not_proven() -> None:
    checks = judged({"password_changed": "kim"}, password("a", "b", "there is no su"))
    assert [(c.status, c.source) for c in checks] == [
        ("kept", "/etc/shadow"),
        ("unverified", "there is no su"),
    ]


def test_simulated_gpus_can_not_be_taken_for_real_ones() -> None:
    facts = having(
        UP, replace(SEEN, gpus=("GPU 0: a",)), around=world(replace(GPUS, source="simulated"))
    )
    assert [c.about for c in judged({"inside": {"gpus": 1}}, facts)] == [
        "inside: GPUS [SIMULATED]".replace("GPUS", "GPUs")
    ]


def test_a_missing_file_fails_once_whatever_is_asked_of_it() -> None:
    want = {"inside": {"files": {"/f": {"owner": "kim", "mode": "0644", "contains": "x"}}}}
    checks = judged(want, files(None))
    assert [(c.about, c.status) for c in checks] == [("inside: /f exists", "broken")]


def test_a_missing_image_fails_once_whatever_is_asked_of_it() -> None:
    want = {"image": {"user": "", "layers": 0, "command": []}}
    checks = judged(want, images(None))
    assert [(c.about, c.status) for c in checks] == [("image me/test:latest: exists", "broken")]


# -- the look itself ------------------------------------------------------------------------


def test_one_look_covers_all_that_is_asked_of_the_inside() -> None:
    want = {
        "files": {"/a": {"owner": 1}, "/b": {"contains": "x"}, "/c": {"text": ""}, "/d": None},
        "gpus": 0,
        "processes": {"sshd": None},
        "umask": "022",
    }
    probe = probe_of({"inside": want})
    assert probe.files == ("/a", "/b", "/c", "/d")
    assert probe.texts == ("/b", "/c")
    assert probe.gpus
    assert probe.processes
    assert probe.proc == ("/proc/1/status",)
    assert probe.token == ""


def test_nothing_is_asked_of_the_inside_that_nobody_expects() -> None:
    assert vars(probe_of({})) == vars(probe_of({"inside": {"uid": 0}}))


def test_a_long_output_is_shown_by_its_end() -> None:
    check = pattern("output", "missing", "x" * 1000 + "the end", "it")
    assert check.actual.startswith("...")
    assert check.actual.endswith("the end")
    assert len(check.actual) < 500


def test_a_container_that_is_not_looked_at_yet_has_an_unseen_inside() -> None:
    assert ContainerFacts("c").inside == Inside(unseen="nobody asked the inside")


@pytest.mark.parametrize(
    ("want", "sources"),
    [
        ({"exit": 0}, {"the command's own"}),
        ({"output": "x"}, {"what the command printed"}),
        ({"screen": "x"}, {"the terminal"}),
        ({"took": {"at_most": 1}}, {"the clock, start to end"}),
        ({"container": {"restarts": 1}}, {"inspect .RestartCount"}),
        ({"container": {"state": "running", "oom_killed": False}}, {"inspect .State"}),
        ({"image": {"user": "", "command": []}}, {"image inspect"}),
        ({"image": {"env": {"A": "b"}}}, {"image inspect"}),
    ],
)
def test_each_check_says_where_it_looked(want: dict[str, Any], sources: set[str]) -> None:
    facts = having(inspected(RestartCount=1), more={"exit_code": 0, "seconds": 0.5})
    facts.images = {"me/x": {"Id": "i", "Config": {"Env": ["A=b"]}}}
    checks = judge_expect(want, facts, facts.containers["c"])
    assert {c.source for c in checks} == sources
