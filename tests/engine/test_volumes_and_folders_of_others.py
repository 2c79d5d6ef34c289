"""Volumes, folders and names of others that a request of ours came to once: none of it does now."""

from __future__ import annotations

import json
import os
import threading

import pytest

from tests.engine.harness import Place, Ran, docker, wait_until

pytestmark = pytest.mark.engine

CLIENT = """
import http.client, json, os, socket, threading
def api(method, where, body=None):
    channel = socket.socket(socket.AF_UNIX)
    channel.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
    asked = http.client.HTTPConnection("docker")
    asked.sock = channel
    text = None if body is None else json.dumps(body)
    asked.request(method, "/v1.40" + where, text, {"Content-Type": "application/json"})
    answer = asked.getresponse()
    answer.read()
    return answer.status
"""
RACE = """
binds = ["MINE-team:/x"] + [f"MINE-own:/y/{i}" for i in range(3000)]
api("POST", "/volumes/create", {"Name": "MINE-own"})
open("begun", "w").close()
for i in range(5):
    api("POST", f"/containers/create?name=MINE-thief{i}",
        {"Image": "IMAGE", "Cmd": ["true"], "HostConfig": {"Binds": binds}})
"""
AT_ONCE = """
def at_once(*asked):
    threads = [threading.Thread(target=api, args=one) for one in asked]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
for i in range(5):
    new = ("POST", f"/containers/create?name=MINE-r{i}", {"Image": "IMAGE"})
    net = ("POST", "/networks/create", {"Name": f"MINE-n{i}", "Internal": True})
    vol = ("POST", "/volumes/create", {"Name": f"MINE-v{i}"})
    at_once(*[new] * 6)
    at_once(*[net] * 2, *[vol] * 3, ("DELETE", f"/volumes/MINE-v{i}"))
    api("POST", f"/containers/create?name=MINE-a{i}", {"Image": "IMAGE"})
    at_once(("POST", f"/containers/MINE-a{i}/rename?name=MINE-b{i}"),
            ("POST", f"/containers/create?name=MINE-b{i}", {"Image": "IMAGE"}),
            ("POST", f"/containers/MINE-a{i}/rename?name=MINE-c{i}"))
"""


def asked(place: Place, text: str, image: str) -> str:
    """A scenario whose only step is this program."""
    program = place.write("ask.py", CLIENT + text.replace("IMAGE", image))
    return str(place.write("a.yaml", f"scenario: it\nsteps: [python3 {program}]\n"))


def lines(place: Place, *each: str) -> Ran:
    return place.run(str(place.write("a.yaml", f"scenario: it\nsteps: {json.dumps(each)}\n")))


def test_a_volume_that_a_colleague_makes_meanwhile_keeps_what_is_in_it(
    place: Place, base_image: str
) -> None:
    """They make it when the script has begun to ask for it among thousands of names."""
    name, begun = f"{place.word}-team", place.folder / "sign" / "begun"
    theirs: list[str] = []
    label = '{{index .Labels "docker-lifecycle.run"}}'

    def colleague() -> None:
        wait_until(begun.exists)
        docker("volume", "create", name)
        if docker("volume", "inspect", "-f", label, name, check=False) == "":
            docker("run", "--rm", "-v", f"{name}:/x", base_image, "touch", "/x/thesis")
            theirs.append(name)

    begun.parent.mkdir()
    begun.parent.chmod(0o777)
    text = RACE.replace('"begun"', repr(str(begun)))
    scenario = asked(place, text, base_image)
    them = threading.Thread(target=colleague)
    them.start()
    ran = place.run(scenario)
    begun.touch()
    them.join()
    assert (ran.report["left_behind"], ran.report["foreign_touched"]) == ([], []), ran.said
    there = docker("volume", "ls", "-q", "--filter", f"name=^{name}$").split()
    assert set(theirs) <= set(there)  # whoever was first: theirs is there with all that is in it
    if theirs:
        assert docker("run", "--rm", "-v", f"{name}:/x", base_image, "ls", "/x") == "thesis"
    docker("volume", "rm", "-f", name)


def test_what_is_asked_for_at_once_is_gone_after_the_run(place: Place, base_image: str) -> None:
    ran = place.run(asked(place, AT_ONCE, base_image))
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert place.left() == []


def test_a_volume_without_a_name_beside_another_container_s_is_gone_after_the_run(
    place: Place, base_image: str
) -> None:
    before = set(docker("volume", "ls", "-q").split())
    ran = lines(
        place,
        f"docker run -d --name MINE-va -v /v1 {base_image} sleep 600",
        f"docker run -d --name MINE-vb --volumes-from MINE-va -v /v2 {base_image} sleep 600",
        "docker exec MINE-vb touch /v1/a /v2/b",
        "docker restart -t 0 MINE-vb",
        "docker rm -f MINE-vb",
    )
    assert ran.exit_code == 0, ran.said
    left = set(docker("volume", "ls", "-q").split()) - before
    assert [v for v in left if len(v) == 64] == []


def test_a_folder_that_the_engine_makes_at_a_start_is_told(place: Place, base_image: str) -> None:
    everybodys = place.folder / "everybodys"
    everybodys.mkdir()
    everybodys.chmod(0o777)
    new = f"{os.path.realpath(everybodys)}/made-later"
    script = place.write(
        "a.sh",
        f"set -e\nmkdir {new}\ndocker create --name MINE-c -v {new}:/x {base_image} true\n"
        f"rmdir {new}\ndocker start -a MINE-c\n",
    )
    ran = lines(place, f"sh {script}")
    assert ran.exit_code == 0, ran.said
    assert f"folder {new}" in str(ran.report["kept_on_purpose"])


def test_a_literal_volume_is_used_written_and_used_again(place: Place, base_image: str) -> None:
    script = place.write(
        "a.sh",
        "set -e\ndocker volume create --label of=me -o type=tmpfs -o device=tmpfs MINE-t\n"
        "test \"$(docker volume inspect -f '{{.Labels.of}} {{.Options.type}}' MINE-t)\" = "
        '"me tmpfs"\n'
        f"docker run --name MINE-c -v MINE-d:/etc/new {base_image} touch /etc/new/file\n"
        "docker start -a MINE-c\n"
        f"docker run --rm --mount type=volume,src=MINE-d,dst=/x {base_image} ls /x/file\n"
        "docker volume rm MINE-t\n",
    )
    ran = lines(place, f"sh {script}")
    assert ran.exit_code == 0, ran.said
    assert place.left() == []
