"""A line that is not plain docker: what it will do about the engine, said before it runs."""

from __future__ import annotations

import shlex

import pytest

from lifecycle.command.host.line import HostLine, around, classify
from lifecycle.command.host.tables import AROUND, DOCKERS, PLAIN, SHELLS, UNMISTAKABLE, WRAPPERS
from lifecycle.command.parse import parse

ROUND = """\
sudo docker rm -f victim
sudo -E docker rm -f victim
sudo ls
/usr/bin/sudo id
su - kim
su kim -c 'docker ps'
doas docker ps
pkexec docker ps
runuser -u kim -- docker ps
setpriv --reuid=1000 docker ps
sg docker 'docker ps'
newgrp docker
ssh localhost docker ps
systemd-run --user docker ps
at now
batch
crontab -l
nsenter -t 1 -m docker ps
unshare -r docker ps
chroot / docker ps
machinectl shell kim@ /usr/bin/docker ps
tmux new-session -d docker ps
podman rm victim
nerdctl ps
ctr containers ls
crictl ps
buildah from scratch
skopeo copy a b
kubectl get pods
docker-machine ls
systemctl restart docker
dockerd
env -i docker ps
env - docker ps
env -u HOME -i docker ps
/usr/bin/env -iu HOME docker ps
env --ignore-environment docker ps
env -u DOCKER_HOST docker ps
env DOCKER_HOST=unix:///x docker ps
env DOCKER_CONTEXT=other docker ps
env DOCKER_CONFIG=/tmp docker ps
env CONTAINER_HOST=x podman-like ps
env BUILDKIT_HOST=x make
env docker -H tcp://10.0.0.1 ps
env docker -Htcp://10.0.0.1 ps
env docker --host tcp://10.0.0.1 ps
env docker --host=tcp://10.0.0.1 ps
env docker --context other ps
env docker -c other ps
env docker --config /tmp ps
env docker -D --context=other ps
env docker context use other
env docker buildx create --use
docker-compose -f a.yaml -H x ps
docker-compose --context other up
nvidia-docker -H x ps
bash -c 'unset DOCKER_HOST; docker ps'
bash -c 'DOCKER_HOST= docker ps'
bash -c 'export DOCKER_CONTEXT=x && docker ps'
bash -c "sudo docker ps"
bash -c "true && su kim -c id"
bash -c "true; at now"
bash -c "true || (sg docker id)"
bash -c "if true; then ssh host; fi"
bash -c 'echo $(su -c id)'
bash -c 'echo "$(su -c id)"'
bash -c 'echo `su -c id`'
bash -c "X=1 su -c id"
bash -c "exec -c docker ps"
bash -c "exec -a x -c docker ps"
bash -c "> log su -c id"
bash -euo pipefail -c 'su -c id'
bash -lc 'su -c id'
bash -c 'bash -c "bash -c \\"su -c id\\""'
bash -c "eval 'su -c id'"
bash -c "trap 'su -c id' EXIT"
bash -c "echo docker ps | su"
bash -c "echo sudo docker ps | sh"
env -S "sudo docker ps"
env '-Ssu -c id'
env --split-string='su -c id'
xargs -n 1 -I {} su {}
xargs -a list sudo docker rm
find . -name x -exec sudo rm {} ;
find . -exec su -c id ;
find . -execdir sh -c 'su -c id' ;
timeout -s KILL 20 su -c id
timeout 20 at now
nice -n 5 su -c id
ionice -c 3 su -c id
flock /tmp/lock su -c id
flock /tmp/lock -c 'su -c id'
taskset -c 0,1 su -c id
stdbuf -o L su -c id
time -f %e su -c id
script -qc 'su -c id' /dev/null
watch 'sudo docker ps'
python3 -c "import os; os.system('sudo docker ps')"
python3 -c "run(['podman', 'ps'])"
make SUDO=sudo
./mine --with podman
curl --unix-socket /tmp/x http://x/
curl --unix-socket=/tmp/x http://x/
curl http://localhost:2375/containers/json
curl http://127.0.0.1:2376/info
curl http://10.0.0.14:2375/info
socat - UNIX-CONNECT:/tmp/x
socat TCP-LISTEN:1234 GOPEN:/tmp/x
nc -U /tmp/x
nc -lU /tmp/x
nc localhost 2375
bash -c 'exec 3<>/dev/tcp/localhost/2375'
ls /var/run/docker.sock
ln -s /run/docker.sock here
ln -s /var/run here
ln -s / here
cat /run/containerd/x
rm -rf /var/lib/docker/volumes/theirs
python3 client.py unix:///tmp/x
python3 client.py tcp://10.0.0.5:2375
env docker run -v /var/run/docker.sock:/s img
env docker run -v /:/host img
nvidia-docker run --new-flag -v /:/r img
docker-compose run -v=/run:/r web
nvidia-docker run --mount type=bind,source=/run,target=/r img
""".splitlines()
BEHIND = {
    "env docker rm -f victim": "env",
    "/usr/local/bin/docker rm -f victim": "/usr/local/bin/docker",
    'bash -c "docker rm -f victim"': "bash",
    "timeout 20 docker rm -f victim": "timeout",
    "docker-compose down": "docker-compose",
    "nvidia-docker rm -f victim": "nvidia-docker",
    "xargs docker rm": "xargs",
    "bash -c 'docker ps | grep x'": "bash",
    "make docker": "make",
    "python3 -c \"os.system('docker ps')\"": "python3",
    "find . -name x -exec docker cp {} c:/ ;": "find",
    "env docker run --rm -v /home/kim:/w img": "env",
    "bash -c 'for i in 1 2; do docker ps; done'": "bash",
}
UNKNOWN = {
    "make": "make",
    "./run.sh": "run.sh",
    "python3 train.py": "python3",
    "bash script.sh": "bash",
    "sh": "sh",
    "timeout 5 ./run.sh": "run.sh",
    "bash -c './run.sh | tee log'": "run.sh",
    "git clone https://example.com/at/su": "git",
    "make at su": "make",
    "curl http://localhost:8080/": "curl",
    "curl http://localhost:12375/": "curl",
    "sed -n s/x/sudoers/p f": "sed",
    "$CMD x": "$CMD",
}
SAFE = """\
id
ls -l docker
mkdir docker
rm -rf work
grep sudo notes
cat podman
touch at su sudo
timeout 5 sleep 1
bash -c 'umask 002; touch x && echo at su > y'
bash -c 'test -f x || exit 3'
bash -c 'cd work && ls | wc -l'
env LANG=C ls
env
find . -name su
nvidia-smi -L
ln -s data here
xargs rm
""".splitlines()
MISTAKEN = {
    "$ docker run -d img": "docker run -d img",
    "# docker ps": "docker ps",
    "% docker ps": "docker ps",
    "user@host:~$ docker ps -a": "docker ps -a",
    "root@0a1b2c:/workspace# docker ps": "docker ps",
    "[kim@gpu1 ~]$ docker ps": "docker ps",
    "(base) kim@gpu1:~$ docker ps": "docker ps",
    "bash-5.1$ docker ps": "docker ps",
    "$ id": "id",
    "$ docker run -e 'A=a b' img": "docker run -e 'A=a b' img",
    "dokcer run img": "docker run img",
    "dcoker ps": "docker ps",
    "docekr ps": "docker ps",
    "odcker ps": "docker ps",
    "dockr ps": "docker ps",
    "doker ps": "docker ps",
    "dockker ps": "docker ps",
    "docmer ps": "docker ps",
    "Docker ps": "docker ps",
    "DOCKER ps": "docker ps",
    "docker: ps": "docker ps",
    "\ufeffdocker ps": "docker ps",
    "'docker ps -a'": "docker ps -a",
}


def read(text: str) -> HostLine:
    return classify(shlex.split(text))


@pytest.mark.parametrize("text", ROUND)
def test_what_gets_round_the_gate_is_found_wherever_it_stands(text: str) -> None:
    line = read(text)
    assert line.kind == "around"
    assert line.about in text
    assert line.about in shlex.split(text)[line.word] or line.about in text
    assert line.sentence.endswith("so it gets round the gate, the run's own way to the engine")
    assert "`engine: as-written` in the scenario permits it" in line.note


@pytest.mark.parametrize("text", BEHIND)
def test_docker_behind_another_word_is_named_with_what_it_stands_behind(text: str) -> None:
    line = read(text)
    assert (line.kind, line.about) == ("behind", BEHIND[text])
    assert "nothing is promised from its words" in line.note


@pytest.mark.parametrize("text", UNKNOWN)
def test_another_program_runs_and_says_that_it_goes_through_the_gate(text: str) -> None:
    line = read(text)
    assert (line.kind, line.about) == ("unknown", UNKNOWN[text])
    assert "goes through the gate" in line.note


@pytest.mark.parametrize("text", SAFE)
def test_a_plain_host_command_has_nothing_to_tell(text: str) -> None:
    assert (read(text).kind, read(text).note) == ("plain", "")


@pytest.mark.parametrize("text", MISTAKEN)
def test_a_copied_prompt_and_a_misspelled_docker_are_mistakes_with_the_right_line(
    text: str,
) -> None:
    line = read(text)
    assert (line.kind, line.corrected) == ("mistaken", MISTAKEN[text])


@pytest.mark.parametrize("name", ["docker-compose", "dockerd", "docked-in", "rocker", "locker"])
def test_another_programs_name_is_no_misspelled_docker(name: str) -> None:
    assert read(f"{name} ps").kind != "mistaken"


def test_a_second_line_of_a_script_is_another_command() -> None:
    assert classify(["bash", "-c", "true\nsu -c id"]).kind == "around"


def test_what_a_shell_is_given_to_read_is_read() -> None:
    assert classify(["bash"], stdin="sudo docker ps").kind == "around"
    assert classify(["bash", "-s"], stdin="true; su -c id").kind == "around"
    assert classify(["cat"], stdin="sudo docker ps").kind == "plain"


def test_an_engine_has_the_socket_that_is_said() -> None:
    words = ["cat", "/srv/engine/api"]
    assert classify(words).kind == "plain"
    assert classify(words, sockets=["/srv/engine/api"]).kind == "around"


def test_no_program_is_in_two_tables() -> None:
    tables = (set(AROUND), set(DOCKERS), set(PLAIN), set(SHELLS), set(WRAPPERS))
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert set(AROUND) >= UNMISTAKABLE


# -- docker lines ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "run -v /var/run/docker.sock:/var/run/docker.sock img",
        "run -v /run/docker.sock:/s:ro img",
        "run -v //var/run//docker.sock:/s img",
        "run -v /home/kim/../../run/docker.sock:/s img",
        "run -v ../../run:/s img",
        "run -v /:/host:ro img",
        "run -v /run:/r img",
        "run -v /var/run/:/r img",
        "run -v /var:/r img",
        "run -v /var/lib:/r img",
        "run -v /var/lib/docker/volumes/theirs/_data:/r img",
        "run -v /run/containerd:/r img",
        "run -v /proc/1/root/run:/r img",
        "run -v /proc/self/fd/3:/r img",
        "run -v /proc/1/root:/r img",
        "run --mount type=bind,source=/run/docker.sock,target=/s img",
        "run --mount type=bind,src=/,dst=/s img",
        "run --mount type=volume,dst=/s,volume-opt=type=none,volume-opt=device=/run img",
        "create -v /run:/r img",
        "container run -v /run:/r img",
        "volume create -o type=none -o device=/var/run -o o=bind mine",
        "run --use-api-socket img",
        "run --rm --pid=host --privileged img sh -c 'nsenter -t 1 -m -u -n -i systemctl status'",
        "run --privileged --pid host img nsenter -t 1 -m -- ls",
        "run --privileged --pid host --entrypoint nsenter img -t 1 -m ls",
        "exec --privileged box timeout 5 nsenter -t 1 -a ls",
        "build --builder theirs .",
    ],
)
def test_a_docker_line_that_gives_the_engine_to_a_container_gets_round_the_gate(text: str) -> None:
    found = around(parse(shlex.split(f"docker {text}")), cwd="/home/kim")
    assert found is not None
    assert found.kind == "around"
    assert found.about in shlex.split(f"docker {text}")[found.word]


@pytest.mark.parametrize(
    "text",
    [
        "run -v /home/kim:/w -v run:/r -v ./run:/x -v data:/d -v /anonymous img ls /var/run",
        "run -v /var/log:/l -v /run/user/1000:/u -v /runs:/r -v /var/libs:/v img",
        "run --mount type=tmpfs,target=/run img",
        "run --mount type=bind,source=/srv/run,target=/run img",
        "volume create -o type=tmpfs -o device=tmpfs mine",
        "build --builder default .",
        "run --privileged --pid=host --ipc=host img bash -c 'ls nsenter'",
        "run img nsenter --version",
        "ps",
    ],
)
def test_a_docker_line_that_mounts_other_folders_does_not(text: str) -> None:
    assert around(parse(shlex.split(f"docker {text}")), cwd="/home/kim") is None


def test_the_socket_of_another_engine_is_looked_for_where_it_is() -> None:
    line = parse(["docker", "run", "-v", "/srv/engines:/s", "img"])
    assert around(line) is None
    assert around(line, sockets=["/srv/engines/one/api"]) is not None
