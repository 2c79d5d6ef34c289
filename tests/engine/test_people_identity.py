"""Who one is inside: every check of it, kept and broken, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lifecycle.run.session.who import SYNTHETIC_NAME, SYNTHETIC_UID
from tests.engine.harness import Place, Ran, broken, docker, findings
from tests.engine.people import Person, build, dockerfile

pytestmark = pytest.mark.engine

ME = Person(SYNTHETIC_NAME, SYNTHETIC_UID, SYNTHETIC_UID, SYNTHETIC_NAME)
HOME = f"/home/{ME.name}"
UP = """
scenario: {name}
steps:
  - name: up
    command: >-
      docker run -d --name=MINE-{at} -v ${{{{ lab.nas_home }}}}:/workspace MINE/me
      bash -c 'umask 002; cd /workspace && mkdir shared && chmod 2775 shared && echo x > file;
      umask 027; touch private; exec sleep 300'
  - name: ready
    check: {{host: {{files: {{"${{{{ lab.nas_home }}}}/private": {{exists: true}}}}}}}}
    within: 10s
  - {{name: kept, on: MINE-{at}, check: {{{side}: {right}}}}}
  - {{name: the mistake, on: MINE-{at}, check: {{{side}: {wrong}}}}}
"""
NAMELESS = """
scenario: nameless
steps:
  - name: kept
    command: docker run -ti --name=MINE-x -u ${{ me.uid }}:${{ me.gid }} ${{ lab.base_image }} bash
    expect: {inside: {user: "", uid: "${{ me.uid }}"}}
  - {name: leave, type: exit, in: MINE-x}
  - name: the mistake
    command: docker run -ti --name=MINE-y -u ${{ me.uid }}:${{ me.gid }} ${{ lab.base_image }} bash
    expect: {inside: {user: "${{ me.name }}"}}
"""
SUDO = """
scenario: sudo
steps:
  - docker run -dti --name=MINE-s MINE/me
  - name: the mistake
    command: docker exec -ti MINE-s sudo -k id -u
    dialogue:
      - {expect: password, send: "${{ secret.guess }}"}
      - {expect: "(?s)again.*password", press: [ctrl-d]}
    expect: {output: ^0}
"""


@dataclass(frozen=True)
class Claim:
    """An expectation that holds of the container that UP makes, and one that does not."""

    side: str
    right: str
    wrong: str


def _file(side: str, path: str, right: str, wrong: str) -> Claim:
    files = f'{{files: {{"{path}": {{%s}}}}}}'
    return Claim(side, files % right, files % wrong)


NAS = "${{ lab.nas_home }}"
CLAIMS = {
    "uid": Claim("inside", 'uid: "${{ me.uid }}"', "uid: 1000"),
    "gid": Claim("inside", 'gid: "${{ me.gid }}"', "gid: 1000"),
    "name": Claim("inside", 'user: "${{ me.name }}"', "user: root"),
    "group by number": Claim("inside", 'groups: ["${{ me.gid }}"]', "groups: [27]"),
    "group by name": Claim("inside", 'groups: ["${{ me.group }}"]', "groups: [docker]"),
    "home": Claim("inside", f"home: {HOME}", "home: /root"),
    "HOME": Claim("inside", f"env: {{HOME: {HOME}}}", "env: {HOME: /root}"),
    "umask": Claim("inside", 'umask: "027"', 'umask: "022"'),
    "home's owner": _file("inside", HOME, f"owner: {ME.name}", "owner: root"),
    "home is usable": _file("inside", HOME, "writable: true", "writable: false"),
    "owner inside": _file("inside", "/workspace/file", 'owner: "${{ me.uid }}"', "owner: 0"),
    "group inside": _file("inside", "/workspace/file", 'group: "${{ me.gid }}"', "group: 0"),
    "mode inside": _file("inside", "/workspace/file", 'mode: "664"', 'mode: "644"'),
    "owner outside": _file("host", f"{NAS}/file", 'owner: "${{ me.name }}"', "owner: root"),
    "group outside": _file("host", f"{NAS}/file", 'group: "${{ me.gid }}"', "group: 0"),
    "mode outside": _file("host", f"{NAS}/file", 'mode: "664"', 'mode: "644"'),
    "private outside": _file("host", f"{NAS}/private", 'mode: "640"', 'mode: "644"'),
    "setgid outside": _file("host", f"{NAS}/shared", 'mode: "2775"', 'mode: "775"'),
}


@pytest.fixture(scope="module")
def done(shared_place: Place, base_image: str) -> Iterator[Ran]:
    """All claims, made in one run, in containers of an image of the library's template."""
    place = shared_place
    tag = f"{place.word}/me"
    build(tag, place.folder, dockerfile(base_image, ME))
    for at, (name, claim) in enumerate(CLAIMS.items()):
        right, wrong = (w if w[0] == "{" else f"{{{w}}}" for w in (claim.right, claim.wrong))
        text = UP.format(name=name, at=at, side=claim.side, right=right, wrong=wrong)
        place.write(f"who/{name}.yaml", text)
    place.write("who/nameless.yaml", NAMELESS)
    place.write("who/sudo.yaml", SUDO)
    yield place.run("who")
    docker("rmi", "-f", tag)


@pytest.mark.parametrize("name", CLAIMS)
def test_an_expectation_is_kept_and_another_is_broken(done: Ran, name: str) -> None:
    assert done.step("kept", name)["status"] == "passed", done.said
    assert len(broken(done.step("the mistake", name))) == 1


def test_a_uid_that_nothing_names_is_told_with_what_to_do(done: Ran) -> None:
    assert done.step("kept", "nameless")["status"] == "passed", done.said
    step = done.step("the mistake", "nameless")
    assert broken(step) == ["inside: user name"]
    assert findings(step) == ["i-have-no-name"]


def test_a_password_that_sudo_refuses_is_told_with_what_to_do(done: Ran) -> None:
    step = done.step("the mistake", "sudo")
    assert "exit code" in broken(step)
    assert findings(step) == ["sudo-password-refused"]


@pytest.mark.parametrize(
    "scenario", ["sudo-asks-for-my-password", "files-keep-owner-group-and-mode"]
)
def test_the_librarys_scenarios_of_it_pass(place: Place, scenario: str) -> None:
    ran = place.run(f"@{scenario}")
    assert ran.exit_code == 0, ran.said
