"""The gate: whatever a step runs, by whatever words, what is not the run's is left alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine.bystander import Bystander, made, removed
from tests.engine.harness import Place, Ran, broken, docker, running, wait_until

pytestmark = pytest.mark.engine

OURS = "touches only what this run made"
HIDDEN = {
    "env": "env docker rm -f BY",
    "whole path": "DOCKER rm -f BY",
    "bash -c": "bash -c 'docker rm -f BY'",
    "timeout": "timeout 20 docker rm -f BY",
    "sh in sh": "sh -c \"sh -c 'docker stop -t 0 BY'\"",
    "nice": "nice -n 5 docker kill BY",
    "xargs": "sh -c 'echo BY | xargs docker rm -f'",
    "find": "find / -maxdepth 0 -exec docker rm -f BY ';'",
    "a script": "sh SCRIPT",
    "another program": "python3 CLIENT",
    "by its id": "env docker rm -f ID",
    "by a beginning of its id": "bash -c 'docker rm -f SHORT'",
    "a loop over all": "bash -c 'for c in $(docker ps -aq); do docker rm -f $c; done'",
    "entered": "bash -c 'docker exec BY touch /v/entered'",
    "copied into": "bash -c 'docker cp /etc/hostname BY:/v/copied'",
    "copied from": "bash -c 'docker cp BY:/etc/hostname -'",
    "exported": "bash -c 'docker export BY > /dev/null'",
    "its logs": "bash -c 'docker logs BY'",
    "committed": "bash -c 'docker commit BY MINE/stolen'",
    "renamed": "bash -c 'docker rename BY MINE-other'",
    "updated": "bash -c 'docker update --memory 64m BY'",
    "its volume": "bash -c 'docker volume rm -f BY-v'",
    "written into its volume": "bash -c 'docker run --rm -v BY-v:/v IMAGE touch /v/written'",
    "its volume as a mount": "bash -c 'docker run --rm --mount type=volume,src=BY-v,dst=/v "
    "IMAGE true'",
    "its volumes": "bash -c 'docker run --rm --volumes-from BY IMAGE true'",
    "its processes": "bash -c 'docker run --rm --pid container:BY IMAGE true'",
    "its network": "bash -c 'docker run --rm --network BY-n --network-alias db IMAGE true'",
    "joined to its network": "bash -c 'docker create --name MINE-j IMAGE && "
    "docker network connect --alias db BY-n MINE-j'",
    "taken off its network": "bash -c 'docker network disconnect -f BY-n BY'",
    "its network removed": "bash -c 'docker network rm BY-n'",
    "its tag moved": "bash -c 'docker create --name MINE-k IMAGE && docker commit MINE-k MINE/k "
    "&& docker tag MINE/k BY/i:1'",
    "its tag built over": "bash -c 'echo FROM IMAGE > D; echo ENV A=1 >> D; "
    "docker build -t BY/i:1 -f D .'",
    "its tag imported over": "bash -c 'tar c --files-from=/dev/null | docker import - BY/i:1'",
    "its tag removed": "bash -c 'docker rmi -f BY/i:1'",
    "pruned": "bash -c 'docker system prune -af --volumes'",
    "containers pruned": "bash -c 'docker container prune -f'",
    "images pruned": "bash -c 'docker image prune -af'",
    "volumes pruned": "bash -c 'docker volume prune -f'",
    "networks pruned": "bash -c 'docker network prune -f'",
    "a swarm": "bash -c 'docker swarm init'",
    "the engine's socket": "sh SOCKET",
    "the engine's folder": "sh ROOT",
    "the engine's folder by a link": "sh LINK",
    "the engine's folder as a volume": "sh DEVICE",
}
"""Lines that harm somebody, behind another word. Case, line."""
CLIENT = """
import http.client, os, socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
asked = http.client.HTTPConnection("docker")
asked.sock = channel
asked.request("DELETE", "/containers/BY?force=1")
sys.exit(asked.getresponse().status // 100 != 2)
"""


@dataclass
class Tried:
    """One run that tried everything, and the neighbour before and after."""

    ran: Ran
    before: dict[str, Any]
    after: dict[str, Any]

    def step(self, case: str) -> dict[str, Any]:
        """What came of a line."""
        return self.ran.step("it", case)


def words(one: Bystander, place: Place, line: str, image: str) -> str:
    """A line with its words replaced."""
    socket = Path(docker_host())
    run = "docker run --rm"
    volume = "docker volume create MINE-o -o type=none -o o=bind -o device"
    scripts = {
        "SCRIPT": f"docker rm -f {one.name}",
        "SOCKET": f"{run} -v {socket}:/s {image} true",
        "ROOT": f"{run} -v {socket.parent}:/s:ro {image} true",
        "LINK": f"ln -s {socket.parent} l && {run} -v $PWD/l:/s {image} true",
        "DEVICE": f"{volume}={socket.parent} && {run} -v MINE-o:/s {image} true",
    }
    written = {word: str(place.write(f"{word}.sh", f"{t}\n")) for word, t in scripts.items()}
    client = place.write("client.py", CLIENT.replace("BY", one.name))
    more = {
        "DOCKER": str(shutil.which("docker")),
        "CLIENT": str(client),
        **written,
    }
    for word, value in more.items():
        line = line.replace(word, value)
    return one.written(line, image)


def docker_host() -> str:
    """The engine's own socket."""
    return docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}").removeprefix("unix://")


@pytest.fixture(scope="module")
def tried(shared_place: Place, base_image: str) -> Tried:
    """Try everything in one run, and look at the neighbour before and after."""
    place = shared_place
    one = made(f"{place.word}-by", base_image)
    for index, (case, line) in enumerate(HIDDEN.items()):
        command = json.dumps(words(one, place, line, base_image))
        text = f"scenario: {json.dumps(case)}\nsteps:\n  - {{name: it, command: {command}}}\n"
        place.write(f"all/{index:02}.yaml", text)
    before = one.state()
    ran = place.run("all")
    after = one.state()
    removed(one)
    return Tried(ran, before, after)


@pytest.mark.parametrize("case", HIDDEN)
def test_what_would_harm_a_neighbour_behind_another_word_is_refused(
    tried: Tried, case: str
) -> None:
    step = tried.step(case)
    assert step["status"] == "failed", step
    assert set(broken(step)) == {OURS}, step


def test_the_neighbour_is_as_before(tried: Tried) -> None:
    assert tried.after == tried.before


def test_nothing_of_it_is_left_and_the_run_has_failed(tried: Tried, shared_place: Place) -> None:
    report = tried.ran.report
    assert report["verdict"] == "FAIL"
    assert (report["left_behind"], report["foreign_touched"]) == ([], [])
    assert shared_place.left() == []


def test_the_sentence_names_the_thing_by_its_owner_s_name_and_what_lifts_it(tried: Tried) -> None:
    (check,) = [c for c in tried.step("by its id")["checks"] if c["status"] == "broken"]
    name = tried.before["Name"].lstrip("/")
    assert f"container {name} (" in check["actual"]
    assert f"--allow-foreign {name} lifts this" in check["actual"]
    assert "was not made by this run" in tried.step("by its id")["screen"]


MADE = {
    "a container": "docker run -d --name MINE-c IMAGE sleep 1000",
    "one without a name": "docker run -d --label of=MINE IMAGE sleep 1000",
    "a container and a volume": "docker run -d --name MINE-c -v MINE-v:/v IMAGE sleep 1000",
    "an anonymous volume": "docker run -d --name MINE-c -v /v IMAGE sleep 1000; "
    "docker inspect -f 'volume {{range .Mounts}}{{.Name}}{{end}}' MINE-c",
    "a network": "docker network create MINE-n",
    "a tag": "docker tag IMAGE MINE/i:1",
    "a commit": "docker create --name MINE-c IMAGE && docker commit MINE-c MINE/i",
    "an archive": "docker tag IMAGE MINE/i:1 && docker save MINE/i:1 -o x.tar && "
    "docker rmi MINE/i:1 && docker load -i x.tar",
    "an archive of an image without a tag": "python3 UNNAMED c0.json && docker load -i x.tar",
    "one whose image is in a folder": "python3 UNNAMED a/b/c.json && docker load -i x.tar",
    "an import": "tar c --files-from=/dev/null | docker import - MINE/i",
    "a build": "printf 'FROM IMAGE\\nLABEL of=MINE\\nRUN true\\n' > D && "
    "docker build -t MINE/i -f D .",
    "a build that fails": "printf 'FROM IMAGE\\nLABEL of=MINE\\nRUN false\\n' > D; "
    "docker build -t MINE/i -f D . || true",
    "one that goes on in the background": "setsid sh -c 'sleep 1; docker run -d --name MINE-c "
    "IMAGE sleep 1000' > /dev/null 2>&1 &",
}


UNNAMED = """
import hashlib, io, json, sys, tarfile
layer = bytes(10240)
config = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Labels": {"of": "MINE"}},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
}
manifest = [{"Config": sys.argv[1], "RepoTags": None, "Layers": ["l.tar"]}]
files = {sys.argv[1]: json.dumps(config), "manifest.json": json.dumps(manifest)}
with tarfile.open("x.tar", "w") as archive:
    for name, data in {"l.tar": layer, **{k: v.encode() for k, v in files.items()}}.items():
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
"""


@pytest.mark.parametrize("case", MADE)
def test_what_a_hidden_line_makes_is_gone_after_the_run(
    place: Place, base_image: str, case: str
) -> None:
    line = MADE[case].replace("UNNAMED", str(place.write("unnamed.py", UNNAMED)))
    script = place.write("make.sh", f"set -e\n{line}\n".replace("IMAGE", base_image))
    ran = place.run(str(place.write("a.yaml", f"scenario: made\nsteps: [sh {script}]\n")))
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert place.left() == []
    assert docker("ps", "-aq", "--filter", f"label=of={place.word}") == ""
    assert docker("images", "-aq", "--filter", f"label=of={place.word}") == ""
    volumes = re.findall(
        "^volume ([0-9a-f]{64})$", ran.scenario()["steps"][0]["screen"], re.MULTILINE
    )
    assert bool(volumes) == (case == "an anonymous volume")
    assert not set(volumes) & set(docker("volume", "ls", "-q").split())


@pytest.fixture
def image_of_theirs(place: Place, base_image: str) -> Iterator[str]:
    """A colleague's image, with one tag; its id."""
    name = f"{place.word}/theirs:1"
    source = docker("create", base_image)
    docker("commit", "-c", f"LABEL x={place.word}", source, name)
    docker("rm", source)
    yield docker("inspect", "-f", "{{.Id}}", name)
    docker("rmi", "-f", name, check=False)


@pytest.mark.parametrize("digits", [4, 6, 11, 12, 20, 64])
def test_an_image_of_theirs_stays_by_whatever_part_of_its_id(
    place: Place, image_of_theirs: str, digits: int
) -> None:
    short = image_of_theirs.removeprefix("sha256:")[:digits]
    text = f"scenario: rmi\nsteps: [docker rmi -f {short}, env docker rmi -f {short}]\n"
    ran = place.run(str(place.write("a.yaml", text)))
    assert ran.exit_code != 0
    assert docker("inspect", "-f", "{{.Id}}", f"{place.word}/theirs:1") == image_of_theirs


@pytest.mark.parametrize("packed", ["cat", "gzip"])
def test_an_archive_that_holds_a_colleague_s_tag_is_not_loaded(
    place: Place, base_image: str, image_of_theirs: str, packed: str
) -> None:
    tag = f"{place.word}/theirs:1"
    docker("tag", base_image, f"{place.word}/keep:1")
    docker("tag", base_image, tag)
    docker("save", "-o", f"{place.folder}/x.tar", tag)
    (place.folder / "x.tar").chmod(0o644)
    docker("tag", image_of_theirs, tag)
    script = place.write("load.sh", f"{packed} < {place.folder}/x.tar | docker load")
    text = f"scenario: load\nsteps:\n- sh {script}\n"
    hidden = place.run(str(place.write("a.yaml", text)))
    plain = place.run(
        str(place.write("b.yaml", f"scenario: b\nsteps: [docker load -i {place.folder}/x.tar]\n"))
    )
    now = docker("inspect", "-f", "{{.Id}}", tag)
    docker("rmi", f"{place.word}/keep:1")
    for ran in (hidden, plain):
        assert OURS in str(ran.report["scenarios"]), ran.said
    assert now == image_of_theirs


@pytest.mark.parametrize(
    "line",
    [
        "docker run --pull always --rm PUSHED true",
        "docker create --pull always --name=MINE-c PUSHED",
        "docker pull -a REPOSITORY",
        "docker build --pull -t MINE/i .",
        "bash -c 'docker pull PUSHED'",
    ],
)
def test_a_tag_of_theirs_stays_where_it_is_when_its_registry_has_another(
    place: Place, in_sandbox: SandboxInfo, base_image: str, line: str
) -> None:
    pushed = f"{in_sandbox.registry}/{place.word}:1"
    docker("tag", base_image, pushed)
    docker("push", "-q", pushed)
    source = docker("create", base_image)
    old = docker("commit", source, pushed)
    docker("rm", source)
    asked = line.replace("PUSHED", pushed).replace("REPOSITORY", pushed.rpartition(":")[0])
    steps = [{"write": "Dockerfile", "content": f"FROM {pushed}\nENV A=1\n"}, asked]
    ran = place.run(str(place.write("a.yaml", f"scenario: pull\nsteps: {json.dumps(steps)}\n")))
    now = docker("inspect", "-f", "{{.Id}}", pushed)
    repository = pushed.rpartition(":")[0]
    here = docker("images", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository)
    docker("rmi", "-f", pushed, *[n for n in here.splitlines() if "sha256:" in n])
    assert now == old, ran.said
    assert ran.report["foreign_touched"] == []
    # BuildKit takes the registry's image as a base without giving it a name: nothing is left out.
    by_buildkit = "build" in line and docker("buildx", "version", check=False)
    assert (ran.report["verdict"] == "PASS") == bool(by_buildkit), ran.said


def test_what_a_colleague_makes_beside_ours_by_a_name_that_holds_it_is_theirs(
    place: Place, base_image: str
) -> None:
    theirs = f"docker run -d --name dbg-$1 {base_image} sleep 1000\ndocker tag {base_image} of-$1:1"
    steps = [
        "docker run -d --name=MINE-web IMAGE sleep 1000".replace("IMAGE", base_image),
        f"{place.colleague(theirs)} ${{{{ container('MINE-web') }}}}",
    ]
    ran = place.run(str(place.write("a.yaml", f"scenario: beside\nsteps: {json.dumps(steps)}\n")))
    names = docker("ps", "-a", "--format", "{{.Names}}", "--filter", f"name=dbg-{place.word}")
    assert names.startswith(f"dbg-{place.word}-web-r")
    docker("rm", "-f", names)
    docker("rmi", f"of-{names.removeprefix('dbg-')}:1")
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert ran.report["others_meanwhile"] >= 2
    assert place.left() == []


def test_a_name_kept_literal_that_a_colleague_takes_while_our_build_fails_is_theirs(
    place: Place, base_image: str
) -> None:
    loop = f"RUN : loop-{place.word}; while true; do sleep 0.1; done"
    dockerfile = f"FROM {base_image}\nLABEL of=MINE\n{loop}\n"
    steps = [
        {"write": "Dockerfile", "content": dockerfile},
        {"command": "docker build -t MINE/app:1 .", "timeout": "30s"},
    ]
    file = place.write("a.yaml", f"scenario: taken\nsteps: {json.dumps(steps)}\n")
    with place.started(*place.run_words("--as-written", str(file))) as process:
        wait_until(lambda: running(f"loop-{place.word}"))
        docker("tag", base_image, f"{place.word}/app:1")
        docker("create", f"--name={place.word}-app", "-v", f"{place.word}-data:/d", base_image)
        for pid in running(f"loop-{place.word}"):
            os.kill(pid, signal.SIGKILL)
        ran = place.ended(process)
    left = place.left()
    docker("rm", f"{place.word}-app")
    docker("volume", "rm", f"{place.word}-data")
    docker("rmi", f"{place.word}/app:1")
    assert ran.exit_code == 1, ran.said
    assert len(left) == 3, left
    assert docker("ps", "-aq", "--filter", f"label=of={place.word}") == ""


@pytest.mark.parametrize(
    "printed",
    [
        " ---> Running in VICTIM",
        "Removing intermediate container VICTIM",
        " ---> Removed intermediate container VICTIM\\nStep 9/9 : RUN x\\n ---> Running in VICTIM",
        "Removing intermediate container OWN\\nStep 3/4 : RUN sleep 1000\\n ---> Running in VICTIM",
    ],
)
def test_what_a_run_of_a_build_prints_names_nobody_s_container(
    place: Place, base_image: str, printed: str
) -> None:
    """The container begins during the run, from the same base and with such a command."""
    script = "until [ -e /s/victim ]; do sleep 0.1; done"
    theirs = f"docker run -d --name=MINE-victim {base_image} sh -c 'sleep 1000'"
    text = printed.replace("VICTIM", "$(cut -c1-12 /victim)").replace("OWN", "$(hostname)")
    dockerfile = f'FROM {base_image}\nCOPY victim /victim\nRUN printf "{text}\\n"; false\n'
    steps = [
        {"write": "Dockerfile", "content": dockerfile},
        f"{place.colleague(f'{theirs} > $1')} ${{{{ run.folder }}}}/victim",
        {"command": "docker build --force-rm=false -t MINE/i .", "fails": {"exit": 1}},
    ]
    assert script
    ran = place.run(str(place.write("a.yaml", f"scenario: printed\nsteps: {json.dumps(steps)}\n")))
    running = docker("inspect", "-f", "{{.State.Running}}", f"{place.word}-victim", check=False)
    docker("rm", "-f", f"{place.word}-victim", check=False)
    assert running == "true", ran.said
    assert ran.exit_code == 0, ran.said


def test_an_endpoint_that_is_never_let_through_may_be_allowed_by_its_name(place: Place) -> None:
    """A prune of networks with a filter that nothing fits."""
    line = "bash -c 'docker network prune -f --filter label=MINE-none'"
    file = str(place.write("a.yaml", f"scenario: prune\nsteps: [{json.dumps(line)}]\n"))
    refused = place.run(file)
    assert "--allow-foreign api:POST/networks/prune lifts this" in refused.said
    assert refused.exit_code == 1
    allowed = place.run("--allow-foreign", "api:POST/networks/prune", file)
    assert allowed.exit_code == 0, allowed.said
