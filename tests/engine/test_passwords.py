"""``passwd`` on a real terminal: each way to fail is named, and a success is proven."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.engine.harness import Place, Ran, broken, findings

pytestmark = pytest.mark.engine

KOREAN = "-e LC_ALL=C.UTF-8 -e LANGUAGE=ko"
NEW, AGAIN = "(?i)new.*password:|새 암호:", "(?i)retype.*:|다시 입력:"
OLD = ("(?i)current password:|현재 암호:", "${{ secret.old }}")
TWICE = ((NEW, "${{ secret.new }}"), (AGAIN, "${{ secret.new }}"))
DIFFERENT = (TWICE[0], (AGAIN, "${{ secret.other }}"))
WEAK = (OLD, *((NEW, "abc"), (AGAIN, "abc")) * 3)


def box(options: str = "") -> str:
    """The step that starts a container."""
    image = "${{ lab.base_image }}"
    return (
        f'\n  - {{name: box, command: "docker run -d --name=MINE-c {options} {image} sleep 300"}}'
    )


KIM = """
  - {name: a user, command: docker exec -u 0 MINE-c useradd -m kim}
  - name: with a password
    command: docker exec -i -u 0 MINE-c chpasswd
    stdin: "kim:${{ secret.old }}\\n"
"""
BOXES = {
    "plain": box() + KIM,
    "read-only": box("--read-only"),
    "etc": "\n  - docker run --rm --name=MINE-etc -v MINE-etc:/etc ${{ lab.base_image }} true"
    + box("-v MINE-etc:/etc:ro"),
    "shadow": '\n  - {write: shadow, content: "root:*:19000:0:99999:7:::\\n"}'
    + box("-v ${{ run.folder }}/shadow:/etc/shadow"),
    "bare": box() + "\n  - docker exec -u 0 MINE-c rm /usr/bin/passwd /usr/bin/su",
    "powerless": box("--security-opt no-new-privileges"),
}
AS_ROOT, AS_KIM = "-u 0 -ti MINE-c passwd root", "-u kim -ti MINE-c passwd"


@dataclass(frozen=True)
class Try:
    """One use of passwd, or of what stands for it, in one of the boxes."""

    box: str
    command: str
    dialogue: tuple[tuple[str, str], ...] = ()
    user: str = "root"
    finding: str = ""

    def step(self, name: str) -> str:
        """The step, which should change a password."""
        asked = "".join(f'\n      - {{expect: "{e}", send: "{s}"}}' for e, s in self.dialogue)
        dialogue = f"\n    dialogue:{asked}" if asked else ""
        return f"""
  - name: {name}
    command: docker exec {self.command}
    expect: {{password_changed: {self.user}}}
    timeout: 40s{dialogue}"""


FAILURES = {
    "too weak": Try("plain", AS_KIM, WEAK, "kim", "passwd-too-weak"),
    "too weak in Korean": Try("plain", f"{KOREAN} {AS_KIM}", WEAK, "kim", "passwd-too-weak"),
    "mismatch": Try("plain", AS_ROOT, DIFFERENT, finding="passwd-no-tty-or-mismatch"),
    "mismatch in Korean": Try(
        "plain", f"{KOREAN} {AS_ROOT}", DIFFERENT, finding="passwd-no-tty-or-mismatch"
    ),
    "mismatch in a read-only box": Try(
        "read-only", AS_ROOT, DIFFERENT, finding="passwd-no-tty-or-mismatch"
    ),
    "no answer": Try("plain", "-u 0 MINE-c passwd root", finding="passwd-no-tty-or-mismatch"),
    "unknown user": Try(
        "plain", AS_ROOT.replace("root", "lee"), user="lee", finding="passwd-user-unknown"
    ),
    "unknown user in Korean": Try(
        "plain",
        f"{KOREAN} {AS_ROOT.replace('root', 'lee')}",
        user="lee",
        finding="passwd-user-unknown",
    ),
    "wrong old password": Try("plain", AS_KIM, ((OLD[0], "wrong"),), "kim", "passwd-not-root"),
    "wrong old password in Korean": Try(
        "plain", f"{KOREAN} {AS_KIM}", ((OLD[0], "wrong"),), "kim", "passwd-not-root"
    ),
    "another's password": Try("plain", f"{AS_KIM} root", finding="passwd-not-root"),
    "read-only root": Try("read-only", AS_ROOT, TWICE, finding="passwd-read-only-etc"),
    "read-only root in Korean": Try(
        "read-only", f"{KOREAN} {AS_ROOT}", TWICE, finding="passwd-read-only-etc"
    ),
    "read-only etc": Try("etc", AS_ROOT, TWICE, finding="passwd-read-only-etc"),
    "mounted shadow": Try("shadow", AS_ROOT, TWICE, finding="passwd-bind-mounted-etc"),
    "no passwd": Try("bare", AS_ROOT, finding="passwd-not-in-image"),
}
SET = "sh -c 'echo Word:; stty -echo; read w; echo root:ANOTHER$w | chpasswd'"
ASKED = (("Word:", "${{ secret.new }}"),)
OTHERS = {
    "by root": Try("plain", AS_ROOT, TWICE),
    "by root in Korean": Try("plain", f"{KOREAN} {AS_ROOT}", TWICE),
    "by the user": Try("plain", AS_KIM, (OLD, *TWICE), "kim"),
    "another one was set": Try("plain", f"-u 0 -ti MINE-c {SET}", ASKED),
    "without su": Try("bare", f"-u 0 -ti MINE-c {SET.replace('ANOTHER', '')}", ASKED),
    "without new privileges": Try("powerless", AS_ROOT, TWICE),
}


@dataclass
class Done:
    """Several tries, done in one run."""

    ran: Ran
    tries: Mapping[str, Try]

    def step(self, name: str) -> dict[str, Any]:
        """The step of a try, after seeing that the box was as it should be."""
        statuses = self.ran.statuses(self.tries[name].box)
        others = {v for k, v in statuses.items() if k not in self.tries}
        assert others == {"passed"}, self.ran.said
        return self.ran.step(name, self.tries[name].box)


def _done(place: Place, tries: Mapping[str, Try], folder: str) -> Iterator[Done]:
    """Those in one box after each other: what is in ``finally`` runs in any case."""
    for name in dict.fromkeys(one.box for one in tries.values()):
        steps = "".join(t.step(n) for n, t in tries.items() if t.box == name)
        text = f"scenario: {name}\nsteps:{BOXES[name]}\nfinally:{steps}\n"
        place.write(f"{folder}/{name}.yaml", text)
    yield Done(place.run("-n", "2", folder), tries)
    assert place.left() == []


@pytest.fixture(scope="module")
def failed(shared_place: Place) -> Iterator[Done]:
    """Every failure."""
    yield from _done(shared_place, FAILURES, "failures")


@pytest.fixture(scope="module")
def done(shared_place: Place) -> Iterator[Done]:
    """All others."""
    yield from _done(shared_place, OTHERS, "others")


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_found_at_its_step_and_has_one_cause(failed: Done, name: str) -> None:
    step = failed.step(name)
    assert step["status"] == "failed"
    assert "exit code" in broken(step), step["checks"]
    assert findings(step) == [FAILURES[name].finding]


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_says_what_was_printed_and_who_can_mend_it(failed: Done, name: str) -> None:
    (finding,) = failed.step(name)["findings"]
    assert finding["evidence"][0].startswith("printed: ")
    assert "user" in {remedy["who"] for remedy in finding["remedies"]}
    commands = [c for remedy in finding["remedies"] for c in remedy["commands"]]
    assert not re.search(r"\b(?:NAME|USER)\b", " ".join(commands))


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_has_changed_no_password(failed: Done, name: str) -> None:
    (hashes,) = [c for c in failed.step(name)["checks"] if c["about"].startswith("password")]
    unknown = name.startswith("unknown user")
    assert hashes["status"] == "broken"
    assert hashes["actual"] == ("no such user in /etc/shadow" if unknown else "the old one")


def test_the_korean_passwd_is_not_believed_when_it_says_that_it_succeeded(failed: Done) -> None:
    step = failed.step("mismatch in Korean")
    assert "passwd: 암호를 바꿨습니다" in step["screen"]
    assert any("mistranslation" in e for e in step["findings"][0]["evidence"])


@pytest.mark.parametrize("name", ["by root", "by root in Korean", "by the user"])
def test_a_success_is_proven_by_the_hash_and_by_a_login(done: Done, name: str) -> None:
    step = done.step(name)
    assert step["status"] == "passed", step
    told = {c["about"].partition(": ")[2]: c["actual"] for c in step["checks"]}
    assert (told["hash"], told["the new one"]) == ("a new one", "accepted")


def test_another_password_than_the_one_typed_is_noticed(done: Done) -> None:
    step = done.step("another one was set")
    assert broken(step) == ["password of root: the new one"]
    assert step["findings"] == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("without su", "there is no su"), ("without new privileges", "no-new-privileges")],
)
def test_where_no_login_can_be_tried_it_is_not_proven(done: Done, name: str, why: str) -> None:
    step = done.step(name)
    unproven = [c for c in step["checks"] if c["status"] == "unverified"]
    assert broken(step) == []
    assert [c["about"] for c in unproven] == ["password of root: the new one"]
    assert why in unproven[0]["source"]
