"""What was tried to get through the gate, and what got through once: none of it does any more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from lifecycle.machine.addresses import RESOLVER
from tests.engine.bystander import Bystander, made, removed
from tests.engine.harness import Place, Ran, docker

pytestmark = pytest.mark.engine

ATTACKS = {
    "a container of ours has their id for its name": "docker create --name ID IMAGE true",
    "and is removed by it": "docker create --name ID IMAGE true; docker rm -f ID; false",
    "or the beginning of their id": "docker create --name PREFIX IMAGE true",
    "is renamed to it": "docker create --name MINE-c IMAGE true && docker rename MINE-c ID",
    "their image under our tag, removed by its id": "docker tag BY/i:2 MINE/t && "
    "docker rmi -f THEIRS",
    "their image's id as our tag": "docker tag BY/i:2 THEIRS && docker rmi -f THEIRS",
    "a network of ours has the id of theirs": "docker network create NETWORK",
    "a network's name that comes to mean theirs": "docker network create NETPART && docker create "
    "--network NETPART --name MINE-j IMAGE true && docker network rm NETPART && "
    "docker start MINE-j",
    "a second network of their name": "python3 CLIENT POST /networks/create "
    '\'{"Name": "BY-n", "CheckDuplicate": false}\'',
    "a network on everybody's bridge": "docker network create "
    "-o com.docker.network.bridge.name=docker0 MINE-n",
    "a pull that says it is an import": "python3 CLIENT POST "
    "'/images/create?fromSrc=-&fromImage=BY/i&tag=2'",
    "a build that names its result in its outputs": "python3 CLIENT POST "
    '\'/build?outputs=[{"Type":"moby","Attrs":{"name":"BY/i:2"}}]\'',
    "a build by BuildKit in one request": "python3 CLIENT POST '/build?version=2&t=BY/i:2'",
    "the engine's own working folder": "docker run --rm -v /proc/self/cwd:/x IMAGE true",
    "their volume below an overlay": "docker run --rm --mount type=volume,dst=/x,"
    "volume-opt=type=overlay,volume-opt=device=overlay,"
    "volume-opt=o=lowerdir=ROOT/volumes/BY-v/_data:/etc IMAGE true",
    "the engine's folder without a slash": "docker run --rm --mount type=volume,dst=/x,"
    "volume-opt=type=none,volume-opt=o=bind,volume-opt=device=BARE IMAGE true",
    "a link that leads elsewhere later": "mkdir d; ln -s $PWD/d l; docker create --name MINE-l "
    "-v $PWD/l:/x IMAGE true && ln -sfn ROOT l && docker start MINE-l",
    "one behind a volume": "mkdir e; ln -s $PWD/e m; docker volume create -o type=none -o o=bind "
    "-o device=$PWD/m MINE-v && ln -sfn ROOT m && docker run --rm -v MINE-v:/x IMAGE true",
    "the runtime's socket": "docker run --rm -v SOCKETS/containerd:/x IMAGE true",
    "their control group": "docker run --rm --cgroup-parent /docker/ID IMAGE true",
    "a person's control group": "docker create --cgroup-parent user.slice --name MINE-g IMAGE true",
    "a build below their control group": "python3 CLIENT POST "
    "'/build?t=MINE/g&cgroupparent=/docker/ID'",
    "everybody's bridge as an interface": "docker network create -d macvlan "
    "-o parent=docker0 MINE-m",
    "their bridge as an interface": "docker network create -d ipvlan -o parent=br-NETWORK MINE-m",
    "the machine's own interface": "docker network create -d macvlan -o parent=eth0.77 MINE-m",
    "everybody's bridge by an option": "docker network create "
    "-o com.docker.network.bridge.default_bridge=true MINE-n",
    "a network by the settings of theirs": "docker network create -d macvlan "
    "--config-from BY-cfg MINE-n",
    "their hardware address": "python3 CLIENT POST '/containers/create?name=MINE-mac' "
    '\'{"Image": "IMAGE", "MacAddress": "MACADDRESS"}\'',
    "their hardware address with dots": "python3 CLIENT POST '/containers/create?name=MINE-mac' "
    '\'{"Image": "IMAGE", "MacAddress": "DOTTED"}\'',
    "the hardware address of a container that does not run": "python3 CLIENT POST "
    "'/containers/create?name=MINE-mac' "
    '\'{"Image": "IMAGE", "MacAddress": "0299.0000.0A01"}\'',
    "everybody's bridge by another scope": "python3 CLIENT POST /networks/create "
    '\'{"Name": "MINE-n", "Scope": "global", "IPAM": {"Config": [{"Subnet": "BRIDGED"}]}}\'',
    "the addresses of everybody's bridge": "docker network create --subnet BRIDGED MINE-n",
    "every interface as a bridge": "docker network create -o com.docker.network.bridge.name=+ "
    "-o com.docker.network.bridge.enable_icc=false MINE-n",
    "others' addresses in the world": "docker network create --subnet 203.0.113.0/24 MINE-n",
    "half of them": "docker network create --subnet 32.0.0.0/3 MINE-n",
    "a gateway outside by a wide range": "python3 CLIENT POST /networks/create "
    '\'{"Name": "MINE-n", "IPAM": {"Config": [{"Subnet": "10.201.0.0/24", "IPRange": '
    '"10.0.0.0/8", "Gateway": "10.202.0.1"}]}}\'',
    "a person's own services": "docker run --rm -v /run/user/1000:/x IMAGE true",
    "the machine's own addresses": "docker network create --subnet 127.0.0.0/24 MINE-n",
    "a link that the engine follows again": "mkdir f; ln -s $PWD/f g; "
    "docker create --restart always --name MINE-r -v $PWD/g:/x IMAGE true",
    "one that is to be followed again": "mkdir h; ln -s $PWD/h i; docker create --name MINE-r2 "
    "-v $PWD/i:/x IMAGE true && docker update --restart on-failure MINE-r2",
    "addresses that the machine finds others by": "docker network create --subnet SUBNET MINE-s",
    "everybody's programs": "docker run --rm -v /proc:/x IMAGE true",
    "everybody's control groups": "docker run --rm -v /sys/fs/cgroup:/x:ro IMAGE true",
    "everybody's terminals": "docker run --rm -v /dev:/x IMAGE true",
    "everybody's terminals by a link": "ln -s /dev/pts p; docker run --rm -v $PWD/p:/x IMAGE true",
    "a volume of the kernel's control groups": "docker volume create -o type=cgroup "
    "-o device=cgroup -o o=freezer MINE-k",
    "a mount of the kernel's programs": "docker run --rm --mount type=volume,dst=/x,"
    "volume-opt=type=proc,volume-opt=device=proc IMAGE true",
    "a volume of the kernel's terminals": "docker volume create -o TYPE=devpts "
    "-o device=devpts MINE-k",
    "a pull of a tag and a digest": "python3 CLIENT POST "
    '"/images/create?fromImage=IMAGE@sha256:$(printf %064d 1)&tag=foo"',
    "a commit that the builder's cache takes for a step": "docker commit "
    "$(docker run -d IMAGE /bin/sh -c 'echo good > /x')",
    "a folder as one of checkpoints": "docker create --name MINE-cp IMAGE true && python3 CLIENT "
    "DELETE '/containers/MINE-cp/checkpoints/thesis?dir=/home'",
    "a list of a folder that is closed": "docker create --name MINE-cl IMAGE true && "
    "python3 CLIENT GET '/containers/MINE-cl/checkpoints?dir=/etc/ssl/private'",
    "a log to a socket of the machine": "docker run --rm --log-driver syslog "
    "--log-opt syslog-address=unixgram:///run/systemd/notify IMAGE true",
    "an archive whose key has no case": "python3 ARCHIVE && docker load -i lower.tar",
}
"""Lines that got through once. Case, line."""
MAC = "{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}"
BRIDGED = ("network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}}{{end}}", "bridge")
BY_THE_ENGINE = {"a second network of their name"}
"""What the engine refuses when it is asked to."""
CLIENT = """
import http.client, os, socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
asked = http.client.HTTPConnection("docker")
asked.sock = channel
body = sys.argv[3] if len(sys.argv) > 3 else None
target = sys.argv[2].replace('"', "%22")
asked.request(sys.argv[1], target, body, {"Content-Type": "application/json"})
sys.exit(asked.getresponse().status // 100 != 2)
"""
ARCHIVE = """
import io, json, subprocess, tarfile
subprocess.run(["docker", "save", "-o", "x.tar", "IMAGE"], check=True)
with tarfile.open("x.tar") as old, tarfile.open("lower.tar", "w") as new:
    for member in old:
        if member.name in {"repositories", "index.json", "oci-layout"}:
            continue
        file = old.extractfile(member) if member.isreg() else None
        if member.name == "manifest.json":
            image = json.load(file)[0]
            kept = {k: v for k, v in image.items() if k != "RepoTags"}
            data = json.dumps([{**kept, "repotags": ["BY/i:2"]}]).encode()
            member.size, file = len(data), io.BytesIO(data)
        new.addfile(member, file)
"""


@pytest.fixture(scope="module")
def tried(shared_place: Place, base_image: str) -> tuple[Ran, dict[str, Any], dict[str, Any]]:
    """All of it in one run, and the neighbour before and after."""
    place = shared_place
    one = made(f"{place.word}-by", base_image)
    docker("network", "create", "--config-only", "-o", "parent=eth0", f"{one.name}-cfg")
    second = docker("commit", "-c", f"LABEL of={place.word}", one.id, f"{one.name}/i:2")
    client = place.write("client.py", CLIENT)
    archive = place.write("archive.py", ARCHIVE.replace("IMAGE", base_image))
    archive.write_text(archive.read_text().replace("BY", one.name))
    root = docker("info", "-f", "{{.DockerRootDir}}")
    host = docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}")
    network = docker("network", "inspect", "-f", "{{.Id}}", f"{one.name}-n")
    address = docker("inspect", "-f", MAC, one.id)
    idle = json.dumps({"Image": base_image, "MacAddress": "02:99:00:00:0a:01"})
    asked = ("POST", f"/containers/create?name={one.name}-idle", idle)
    environ = {**os.environ, "DOCKER_HOST": host}
    subprocess.run([sys.executable, str(client), *asked], check=True, env=environ)
    words = {
        "ROOT": root,
        "BARE": root.removeprefix("/"),
        "SOCKETS": host.removeprefix("unix://").rpartition("/")[0],
        "CLIENT": str(client),
        "ARCHIVE": str(archive),
        "THEIRS": second.removeprefix("sha256:")[:12],
        "NETWORK": network[:12],
        "NETPART": network[:8],
        "SUBNET": _subnet(),
        "MACADDRESS": address,
        "DOTTED": ".".join(re.findall("....", address.replace(":", ""))),
        "BRIDGED": docker(*BRIDGED),
    }
    for index, (case, text) in enumerate(ATTACKS.items()):
        line = text
        for word, value in words.items():
            line = line.replace(word, value)
        script = place.write(f"s{index}.sh", f"{one.written(line, base_image)}\n")
        place.write(
            f"attacks/{index:02}.yaml",
            f"scenario: {json.dumps(case)}\nsteps:\n  - {{name: it, command: sh {script}}}\n",
        )
    before = _state(one)
    ran = place.run("attacks")
    after = _state(one)
    docker("rmi", "-f", f"{one.name}/i:2", check=False)
    docker("rm", f"{one.name}-idle")
    docker("network", "rm", f"{one.name}-cfg")
    removed(one)
    return ran, before, after


def _subnet() -> str:
    """Addresses among which this machine's name server is, or somebody whom it has a route to."""
    servers = re.findall(r"^nameserver (\d+\.\d+\.\d+)\.\d+$", RESOLVER.read_text(), re.MULTILINE)
    outside = [server for server in servers if not server.startswith("127.")]
    assert outside, "this machine asks nobody else for names"
    return f"{outside[0]}.0/24"


def _state(one: Bystander) -> dict[str, Any]:
    second = docker("inspect", "-f", "{{.Id}} {{.RepoTags}}", f"{one.name}/i:2", check=False)
    networks = docker("network", "ls", "-q", "--filter", f"name=^{one.name}-n$")
    bridge = docker("network", "inspect", "-f", "{{json .IPAM}}", "bridge")
    return {**one.state(), "second": second, "networks": networks, "bridge": bridge}


@pytest.mark.parametrize("case", ATTACKS)
def test_what_got_through_once_is_refused(
    tried: tuple[Ran, dict[str, Any], dict[str, Any]], case: str
) -> None:
    step = tried[0].step("it", case)
    assert step["status"] == "failed", step
    told = [c["actual"] for c in step["checks"] if c["status"] == "broken"]
    by_us = any("the gate" in c["source"] for c in step["checks"])
    assert by_us is (case not in BY_THE_ENGINE), told
    assert "a fault of the gate" not in str(told)


def test_nothing_of_the_neighbour_s_has_changed_and_nothing_is_left(
    tried: tuple[Ran, dict[str, Any], dict[str, Any]], shared_place: Place
) -> None:
    ran, before, after = tried
    assert after == before
    assert (ran.report["left_behind"], ran.report["foreign_touched"]) == ([], [])
    assert shared_place.left() == []


QUIET = {
    "a build": "test $(docker build -q -t MINE/q . | wc -l) = 1",
    "one without a tag": "docker build -q .",
    "one that fails": "! docker build -q -t MINE/q -f bad .",
    "one that is cut short": "timeout -k 1 -s INT 2 docker build -q -t MINE/q -f slow . || true",
}


@pytest.mark.parametrize("case", QUIET)
def test_what_a_quiet_build_of_a_script_makes_is_gone_after_the_run(
    place: Place, base_image: str, case: str
) -> None:
    head = f"printf 'FROM {base_image}\\nLABEL of=MINE\\nRUN "
    lines = [
        f"{head}true\\n' > Dockerfile",
        f"{head}false\\n' > bad",
        f"{head}sleep 60\\n' > slow",
        QUIET[case],
    ]
    script = place.write("quiet.sh", "\n".join(["set -e", *lines, ""]))
    ran = place.run(str(place.write("a.yaml", f"scenario: quiet\nsteps: [sh {script}]\n")))
    assert ran.exit_code == 0, ran.said
    assert ran.report["left_behind"] == []
    assert place.left() == []
    assert docker("images", "-aq", "--filter", f"label=of={place.word}") == ""
    assert docker("ps", "-aq", "--filter", f"label=of={place.word}") == ""


def test_a_run_with_rm_whose_start_is_refused_ends_and_leaves_nothing(
    place: Place, base_image: str
) -> None:
    """Docker waits for its removal, which the engine sees to where a start fails."""
    root = docker("info", "-f", "{{.DockerRootDir}}")
    script = place.write(
        "rm.sh",
        "mkdir d; ln -s $PWD/d l; docker volume create -o type=none -o o=bind -o device=$PWD/l "
        f"MINE-v; ln -sfn {root} l; docker run --rm --name MINE-c -v MINE-v:/x {base_image} true\n",
    )
    step = {"name": "it", "command": f"sh {script}", "timeout": "30s"}
    text = f"scenario: rm\nsteps: {json.dumps([step])}\n"
    ran = place.run(str(place.write("a.yaml", text)))
    assert "which is the engine's own" in ran.said
    assert "30 s" not in str(ran.step("it")["checks"])
    assert place.left() == []
