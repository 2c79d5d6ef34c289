from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lifecycle.command.flags import VERBS, Flag
from lifecycle.command.line import Ref
from lifecycle.command.parse import parse
from lifecycle.command.promise import Promise
from lifecycle.command.promises import promises, subject
from lifecycle.command.values.structured import as_json

Kept = tuple[str, Any, str]
DIGEST = "sha256:" + "0123456789abcdef" * 4


def of(text: str, files: Mapping[str, str] | None = None) -> tuple[Promise, ...]:
    return promises(parse(text.split()), read_file=(files or {}).get)


def facts(text: str, files: Mapping[str, str] | None = None) -> list[Kept]:
    """Field, expected as JSON and place of every promise that can be observed."""
    return [(p.field, as_json(p.expected), p.where) for p in of(text, files) if not p.unverified]


def reasons(text: str, files: Mapping[str, str] | None = None) -> dict[str, str]:
    return {p.field: p.unverified for p in of(text, files) if p.unverified}


def both(field: str, expected: Any) -> list[Kept]:
    return [(field, expected, "inspect"), (field, expected, "inside")]


MOUNT = {"source": "/mnt/c/user", "target": "/workspace", "type": "bind", "readonly": False}
PORT = {"container": "8080/tcp", "host_ip": "", "host_port": "8080"}
ALL_GPUS = {"count": -1, "devices": [], "capabilities": ["gpu"]}


def test_the_guides_run_promises_all_that_it_says_and_nothing_more() -> None:
    text = (
        "docker run -ti --gpus all --name=my_test_c"
        " -v /mnt/c/user:/workspace -p 8080:8080 myid-yo/test"
    )
    assert facts(text) == [
        ("container.exists", True, "inspect"),
        ("container.started", True, "inspect"),
        ("container.image", "myid-yo/test:latest", "inspect"),
        *both("container.tty", True),
        ("container.stdin", True, "inspect"),
        ("container.gpus", ALL_GPUS, "inspect"),
        ("container.gpus.visible", ALL_GPUS, "inside"),
        ("container.name", "my_test_c", "inspect"),
        *both("container.mount", MOUNT),
        ("container.mount.access", {"target": "/workspace", "readonly": False}, "inside"),
        ("container.mount.round_trip", {"source": "/mnt/c/user", "target": "/workspace"}, "host"),
        ("container.port", PORT, "inspect"),
        ("container.port.answers", PORT, "host"),
    ]
    assert reasons(text) == {}
    assert {p.about for p in of(text)} == {Ref("container", "my_test_c")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker start my_test_c", [("container.started", True, "inspect")]),
        (
            "docker exec -u 0 -ti my_test_c bash",
            [
                ("exec.new_process", True, "inspect"),
                ("exec.user", "0", "inspect"),
                ("exec.user", "0", "host"),
                ("exec.tty", True, "inspect"),
                ("exec.stdin", True, "inspect"),
                ("exec.command", ["bash"], "inspect"),
            ],
        ),
        (
            "docker exec -d --interactive=false c sleep 9",
            [
                ("exec.new_process", True, "inspect"),
                ("exec.stdin", False, "inspect"),
                ("exec.command", ["sleep", "9"], "inspect"),
            ],
        ),
        (
            "docker exec -w /w -e A=1 -e A=2 c env -i",
            [
                ("exec.new_process", True, "inspect"),
                ("exec.workdir", "/w", "host"),
                ("exec.env.A", "2", "host"),
                ("exec.command", ["env", "-i"], "inspect"),
            ],
        ),
        ("docker attach c", [("container.same_process", True, "inspect")]),
        ("docker stop -t 1 c", [("container.state", "exited", "inspect")]),
        (
            "docker kill -s sigkill c",
            [("container.state", "exited", "inspect"), ("container.signal", 9, "host")],
        ),
        ("docker kill -s HUP c", [("container.signal", 1, "host")]),
        ("docker wait c", [("container.exit_printed", True, "inspect")]),
        ("docker top c", [("container.process_listed", True, "inspect")]),
        ("docker port c", [("container.port_listed", "", "inspect")]),
        ("docker port c 80", [("container.port_listed", "80/tcp", "inspect")]),
        (
            "docker rm -v c",
            [
                ("container.exists", False, "inspect"),
                ("container.volumes_removed", True, "inspect"),
            ],
        ),
        ("docker network disconnect n c", [("container.network_left", "n", "inspect")]),
        (
            "docker exec --privileged c id",
            [
                ("exec.new_process", True, "inspect"),
                ("exec.privileged", True, "inspect"),
                ("exec.command", ["id"], "inspect"),
            ],
        ),
        (
            "docker restart c",
            [("container.started", True, "inspect"), ("container.restarted", True, "inspect")],
        ),
        ("docker pause c", [("container.state", "paused", "inspect")]),
        ("docker unpause c", [("container.state", "running", "inspect")]),
        ("docker rm -f c", [("container.exists", False, "inspect")]),
        (
            "docker rename aa bb",
            [
                ("container.exists", False, "inspect"),
                ("container.exists", True, "inspect"),
                ("container.name", "bb", "inspect"),
            ],
        ),
        ("docker pull x", [("image.exists", True, "inspect")]),
        (
            f"docker pull x@{DIGEST}",
            [("image.exists", True, "inspect"), ("image.digest", DIGEST, "inspect")],
        ),
        ("docker push me/x", [("image.pushed", True, "host")]),
        ("docker rmi x", [("image.exists", False, "inspect")]),
        (
            "docker tag a b",
            [("image.exists", True, "inspect"), ("image.same_as", "a:latest", "inspect")],
        ),
        ("docker save -o a.tar a", [("file.exists", "a.tar", "host")]),
        ("docker export --output=a.tar c", [("file.exists", "a.tar", "host")]),
        ("docker import a.tar me/x", [("image.exists", True, "inspect")]),
        ("docker commit c me/x", [("image.exists", True, "inspect")]),
        ("docker commit c", []),
        ("docker cp c:/a ./b", [("file.exists", "./b", "host")]),
        ("docker cp c:/a -", []),
        ("docker cp ./b c:/a", [("container.path", "/a", "inside")]),
        ("docker network create n", [("network.exists", True, "inspect")]),
        ("docker network connect n c", [("container.network", "n", "inspect")]),
        ("docker volume rm vv", [("volume.exists", False, "inspect")]),
        (
            "docker logs -f --tail 5 c",
            [
                ("container.log.printed", {"lines": 5, "follow": True}, "inspect"),
                ("container.log.tail", 5, "inspect"),
            ],
        ),
        ("docker inspect --format {{.Id}} c", []),
        ("docker ps -aq", []),
        ("docker run --help", []),
    ],
)
def test_a_verb_promises_what_it_is_for(text: str, expected: list[Kept]) -> None:
    assert facts(text) == expected
    assert reasons(text) == {}


def test_a_promise_is_said_of_the_written_name() -> None:
    assert [p.about for p in of("docker rm a b")] == [Ref("container", "a"), Ref("container", "b")]
    assert {p.about for p in of("docker tag a b")} == {Ref("image", "b:latest")}
    assert subject(parse(["docker", "run", "x"])) == Ref("container", "")


def test_every_flag_of_the_guide_is_promised_where_a_person_sees_it() -> None:
    text = (
        "docker create -e A=1 -e B --env=A=2 -u 1000:1000 -w /w/ --entrypoint sh --label a.b=c"
        " --network net1 --hostname h --shm-size 64m x -c id"
    )
    assert facts(text) == [
        ("container.exists", True, "inspect"),
        ("container.state", "created", "inspect"),
        ("container.image", "x:latest", "inspect"),
        *both("container.env.A", "2"),
        *both("container.env.B", None),
        *both("container.user", "1000:1000"),
        *both("container.workdir", "/w/"),
        ("container.entrypoint", ["sh"], "inspect"),
        ("container.labels.a.b", "c", "inspect"),
        *both("container.network", "net1"),
        *both("container.hostname", "h"),
        *both("container.shm_size", 64 * 2**20),
        ("container.command", ["-c", "id"], "inspect"),
    ]


def test_a_container_that_removes_itself_is_not_promised_to_stay() -> None:
    fields = [f for f, _, _ in facts("docker run --rm x")]
    assert "container.exists" not in fields
    assert "container.removed_on_exit" in fields
    assert "container.exists" in [f for f, _, _ in facts("docker run --rm -d x")]


def test_a_switch_that_is_off_is_held_to_what_was_declared() -> None:
    tty = [f for f in facts("docker run -t=false x") if f[0] == "container.tty"]
    assert tty == [("container.tty", False, "inspect")]


def test_an_empty_entrypoint_takes_the_images_away() -> None:
    line = parse(["docker", "run", "--entrypoint", "", "x"])
    assert ("container.entrypoint", ()) in [(p.field, p.expected) for p in promises(line)]


@pytest.mark.parametrize(
    ("value", "mount"),
    [
        ("/a/:/b/:ro,z", {"source": "/a", "target": "/b", "type": "bind", "readonly": True}),
        ("data:/b", {"source": "data", "target": "/b", "type": "volume", "readonly": False}),
        ("/b", {"source": "", "target": "/b", "type": "volume", "readonly": False}),
        ("./a:/b", {"source": "/home/me/a", "target": "/b", "type": "bind", "readonly": False}),
        ("../a:/b", {"source": "/home/a", "target": "/b", "type": "bind", "readonly": False}),
    ],
)
def test_a_volume_flag_promises_its_mount(value: str, mount: dict[str, Any]) -> None:
    line = parse(["docker", "run", "-v", value, "x"])
    found = [p for p in promises(line, cwd="/home/me") if p.field.startswith("container.mount")]
    made = [as_json(p.expected) for p in found if p.field == "container.mount"]
    assert made == [mount, mount]
    fields = [p.field for p in found]
    assert "container.mount.access" in fields
    writable_bind = mount["type"] == "bind" and not mount["readonly"]
    assert ("container.mount.round_trip" in fields) == writable_bind


def test_a_mount_flag_promises_like_a_volume_flag() -> None:
    short = facts("docker run -v /a:/b:ro x")
    assert facts("docker run --mount type=bind,src=/a,dst=/b,readonly x") == short


def test_a_port_range_promises_every_port() -> None:
    ports = [
        e for f, e, _ in facts("docker run -p 127.0.0.1:90-91:80-81 x") if f == "container.port"
    ]
    assert ports == [
        {"container": "80/tcp", "host_ip": "127.0.0.1", "host_port": "90"},
        {"container": "81/tcp", "host_ip": "127.0.0.1", "host_port": "91"},
    ]


def test_a_port_of_udp_answers_too_and_one_of_sctp_is_not_tried() -> None:
    assert "container.port.answers" in [f for f, _, _ in facts("docker run -p 53:53/udp x")]
    assert "SCTP" in reasons("docker run -p 53:53/sctp x")["container.port.answers"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("all", ALL_GPUS),
        ("2", {"count": 2, "devices": [], "capabilities": ["gpu"]}),
        ('"device=0,2"', {"count": 0, "devices": ["0", "2"], "capabilities": ["gpu"]}),
        ("all,capabilities=utility", {**ALL_GPUS, "capabilities": ["utility", "gpu"]}),
        ("driver=nvidia", {"count": 1, "devices": [], "capabilities": ["gpu"]}),
    ],
)
def test_a_gpu_request_is_read_as_the_cli_reads_it(value: str, expected: dict[str, Any]) -> None:
    line = parse(["docker", "run", "--gpus", value, "x"])
    asked = [as_json(p.expected) for p in promises(line) if p.field == "container.gpus"]
    assert asked == [expected]


def test_a_flag_whose_promise_is_not_built_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERBS["run"].spellings, "--cpus", Flag("--cpus"))
    assert reasons("docker run --cpus 1.5 x") == {
        "flag.cpus": "the promise of --cpus is not built yet",
    }
    (cpus,) = [p for p in of("docker run --cpus 1.5 x") if p.unverified]
    assert (cpus.flag, cpus.expected) == ("--cpus", "1.5")


def test_what_only_the_client_does_promises_nothing() -> None:
    fields = {f for f, _, _ in facts("docker run -dq --detach-keys ctrl-x --pull always x")}
    assert fields == {"container.exists", "container.started", "container.image"}
    assert reasons("docker run -dq --detach-keys ctrl-x --pull always x") == {}


def test_a_load_promises_images_that_the_line_does_not_name() -> None:
    assert reasons("docker load -i a.tar") == {
        "image.exists": "which images an archive holds is not in the line"
    }


BUILD = "docker build -t me/test . -f dockerfile"


def test_a_build_promises_its_tags_and_the_dockerfiles_user() -> None:
    assert facts(BUILD, {"dockerfile": "FROM x\nUSER me\n"}) == [
        ("image.exists", True, "inspect"),
        ("image.user", "me", "inspect"),
    ]


def test_a_dockerfile_without_user_promises_no_user() -> None:
    assert facts(BUILD, {"dockerfile": "FROM x\n"}) == [("image.exists", True, "inspect")]
    assert reasons(BUILD, {"dockerfile": "FROM x\n"}) == {}


@pytest.mark.parametrize("name", ["ctx/Dockerfile", "ctx/dockerfile"])
def test_the_dockerfile_is_looked_for_in_the_context(name: str) -> None:
    assert ("image.user", "me", "inspect") in facts(
        "docker build -t a ctx", {name: "FROM x\nUSER me"}
    )


def test_the_builds_arguments_and_target_are_used() -> None:
    text = {"Dockerfile": "FROM x AS one\nARG U=a\nUSER $U\nFROM y AS two\nUSER b\n"}
    line = "docker build -t a --build-arg U=me --target one ."
    assert ("image.user", "me", "inspect") in facts(line, text)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (BUILD, "dockerfile could not be read"),
        ("docker build -t a -", "the Dockerfile comes from standard input"),
        ("docker build -t a https://x/y.git", "the Dockerfile is not on this machine"),
    ],
)
def test_a_dockerfile_that_is_not_read_leaves_the_user_unverified(line: str, reason: str) -> None:
    assert reasons(line) == {"image.user": reason}


def test_a_build_that_goes_elsewhere_promises_no_image_here() -> None:
    elsewhere = [("file.exists", "out", "host")]
    assert facts("docker build -t a -o out .") == elsewhere
    assert facts("docker build -t a -o type=local,dest=out .") == elsewhere
    assert facts("docker build -t a -o - .") == []
    assert facts("docker build -t a --push .") == [("image.pushed", True, "host")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-di", "docker exec -d attaches no standard input, whatever -i says"),
        ("-i", ""),
        ("-ti", ""),
    ],
)
def test_that_a_detached_exec_can_be_typed_to_goes_unverified(text: str, reason: str) -> None:
    made = promises(parse(["docker", "exec", text, "c", "sh"]))
    assert [p.unverified for p in made if p.field == "exec.stdin"] == [reason]
