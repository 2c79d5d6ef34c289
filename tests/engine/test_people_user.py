"""`--user NAME`: all of it as that person, with nothing of root's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place, broken, docker, findings
from tests.engine.people import Person, build, run_as

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="acting as somebody else takes root"),
]
WHO = """
scenario: who
steps:
  - {name: uid, command: id -u, expect: {output: ^4711$}}
  - {name: gid, command: id -g, expect: {output: ^4712$}}
  - {name: groups, command: id -G, expect: {output: "^4712 4713 SOCKET$"}}
  - {name: name, command: id -un, expect: {output: ^minji$}}
  - {name: home, command: printenv HOME, expect: {output: /home$}}
  - {name: user, command: printenv USER, expect: {output: ^minji$}}
  - {name: make, command: touch made}
  - {name: umask, command: stat -c %a-%u-%g made, expect: {output: ^640-4711-4712$}}
  - {name: written, write: file, content: x}
  - {name: owner, command: stat -c %u-%g file, expect: {output: ^4711-4712$}}
  - {name: their own folder, command: ls HOME/theirs}
  - {name: root's folder, command: ls /root, fails: {output: Permission denied}}
  - name: their docker config
    command: docker ps
    expect: {output: ^made by minji's config}
  - name: their group's folder
    command: >-
      docker run -d --name=MINE-g -u ${{ me.uid }}:${{ me.gid }} --group-add 4713
      -v HOME/shared:/shared ${{ lab.base_image }} sleep 300
    expect: {inside: {groups: [4712, 4713], files: {/shared: {group: 4713, writable: true}}}}
  - docker rm -f MINE-g
"""
OLD_USERADD = """FROM {base}
RUN mv /usr/sbin/useradd /usr/sbin/useradd.new && printf '#!/bin/sh\\n\
useradd.new "$@" || exit\\nlog=yes\\n\
for one; do test "$before" = -u && uid=$one; test "$one" = -l && log=; before=$one; done\\n\
test -z "$log" || printf x | dd of=/var/log/lastlog bs=1 seek=$((uid * 292)) conv=notrunc\\n\
' > /usr/sbin/useradd && chmod +x /usr/sbin/useradd
RUN printf '#!/bin/sh\\n' | tee /usr/bin/sudo > /usr/bin/vi && mkdir -p /etc/sudoers.d && \
    chmod +x /usr/bin/sudo /usr/bin/vi
"""
HUGE = """
scenario: huge
steps:
  - {name: written, write: dockerfile, template: user.Dockerfile.j2}
  - name: with -l
    command: docker build --ulimit fsize=50000000 -t MINE/kept . -f dockerfile
  - name: is small
    command: docker history --human=false --format {{.Size}} MINE/kept
    expect: {output: '\\A([0-9]{1,7}\\n){3}'}
  - name: and mine
    command: docker run --rm --name=MINE-k MINE/kept id
    expect: {output: ^uid=1234567890\\(minji\\) gid=1234567891\\(lab\\)}
  - name: written
    write: dockerfile
    content: |
      FROM ${{ lab.base_image }}
      RUN useradd -m -u ${{ me.uid }} ${{ me.name }}
  - name: without -l
    command: docker build --ulimit fsize=50000000 -t MINE/not . -f dockerfile
"""


@pytest.fixture
def minji(in_sandbox: SandboxInfo) -> Person:
    """Somebody in the socket's group and in another one, whose files are not for others."""
    groups = (("engine-users", in_sandbox.socket_gid), ("project", 4713))
    return Person("minji", 4711, 4712, "lab", groups, umask="027")


def _own(path: Path, person: Person, gid: int = 0, mode: int = 0o700) -> None:
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, person.uid, gid or person.gid)
    path.chmod(mode)


def test_everything_is_that_persons_and_nothing_is_roots(
    place: Place, minji: Person, in_sandbox: SandboxInfo
) -> None:
    home = place.folder / "home"
    for path in (home, home / "theirs", home / ".docker"):
        _own(path, minji, mode=0o711 if path == home else 0o700)
    _own(home / "shared", minji, gid=4713, mode=0o770)
    config = home / ".docker" / "config.json"
    config.write_text('{"psFormat": "table made by minji\'s config {{.ID}}"}')
    os.chown(config, minji.uid, minji.gid)
    roots = place.folder / "roots-config"
    roots.mkdir()
    (roots / "config.json").write_text('{"psFormat": "table made by root\'s config {{.ID}}"}')
    text = WHO.replace("SOCKET", str(in_sandbox.socket_gid)).replace("HOME/", f"{home}/")
    ran = run_as(
        place, minji, str(place.write("a.yaml", text)), caller={"DOCKER_CONFIG": str(roots)}
    )
    assert ran.exit_code == 0, ran.said
    subject = ran.report["subject"]
    assert (subject["name"], subject["uid"], subject["gid"]) == ("minji", 4711, 4712)


def test_a_person_outside_the_sockets_group_is_told_whom_to_ask(
    place: Place, base_image: str
) -> None:
    junho = Person("junho", 4811, 4811, "junho")
    text = f"scenario: no\nsteps: [{{name: Ask, command: docker run --rm {base_image} true}}]"
    ran = run_as(place, junho, str(place.write("a.yaml", text)))
    assert ran.exit_code == 1
    step = ran.step("Ask")
    assert broken(step) == ["exit code"]
    assert findings(step) == ["docker-sock-permission-denied"]
    assert "admin" in {remedy["who"] for remedy in step["findings"][0]["remedies"]}
    assert "junho" in str(step["findings"][0]["evidence"])


def test_a_uid_of_a_huge_directory_makes_no_huge_image(
    place: Place, base_image: str, in_sandbox: SandboxInfo
) -> None:
    groups = (("engine-users", in_sandbox.socket_gid),)
    minji = Person("minji", 1234567890, 1234567891, "lab", groups)
    base = f"{place.word}/old"
    build(base, place.folder, OLD_USERADD.format(base=base_image))
    ran = run_as(place, minji, "--set", f"lab.base_image={base}", str(place.write("a.yaml", HUGE)))
    docker("rmi", "-f", base)
    assert ran.step("is small")["status"] == "passed", ran.said
    assert ran.step("and mine")["status"] == "passed", ran.said
    step = ran.scenario()["steps"][-2]
    assert step["name"] == "without -l"
    assert broken(step) == ["exit code"]
    assert findings(step) == ["huge-uid-login-log"]
    assert "/var/log/lastlog 360 GB" in str(step["findings"][0]["evidence"])
