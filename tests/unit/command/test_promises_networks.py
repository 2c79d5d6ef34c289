"""What flags of networks, mounts and files promise, and flags of verbs other than run."""

from __future__ import annotations

from typing import Any

import pytest

from lifecycle.command.line import CommandError, Ref
from lifecycle.command.parse import parse
from lifecycle.command.promises import promises
from lifecycle.command.values.changes import Change
from tests.unit.command.test_promises import Kept, both, facts, of, reasons


def test_the_lines_of_an_env_file_promise_as_the_flag_does_which_wins_over_them() -> None:
    files = {"vars": "# ours\n\nA=1\n  B=2 \r\nA=3\nFROM_OUTSIDE\n", "more": "B=4\nC=a=b\n"}
    line = "docker run --env-file vars -e A=9 --env-file more x"
    told = [f for f in facts(line, files) if f[0].startswith("container.env")]
    assert told == [
        *both("container.env.B", "4"),
        *both("container.env.FROM_OUTSIDE", None),
        *both("container.env.C", "a=b"),
        *both("container.env.A", "9"),
    ]
    in_exec = facts("docker exec --env-file more c env", files)
    assert ("exec.env.B", "4", "host") in in_exec


def test_a_lone_name_in_a_label_file_is_no_label() -> None:
    told = facts("docker run --label-file f x", {"f": "\ufeffteam=a b\nlone\n"})
    assert [f for f in told if f[0].startswith("container.labels")] == [
        ("container.labels.team", "a b", "inspect")
    ]


@pytest.mark.parametrize("text", ["=1", "A B=1", "ok=1\n\ta b=2"])
def test_a_bad_line_of_a_file_is_an_error_that_says_where(text: str) -> None:
    line = parse(["docker", "run", "--env-file", "vars", "x"])
    with pytest.raises(CommandError) as error:
        promises(line, read_file={"vars": text}.get)
    assert error.value.word == 3
    assert "vars: line " in error.value.message


def test_a_file_that_can_not_be_read_is_unverified() -> None:
    assert reasons("docker run --env-file vars x") == {"container.env": "vars could not be read"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--add-host a:1.2.3.4", both("container.host", {"host": "a", "address": "1.2.3.4"})),
        ("--add-host a=[::1]", both("container.host", {"host": "a", "address": "::1"})),
        ("--link a:b", both("container.link", {"container": "a", "alias": "b"})),
        ("--link a", both("container.link", {"container": "a", "alias": "a"})),
        ("--expose 80-81", [("container.exposed", f"{n}/tcp", "inspect") for n in (80, 81)]),
        ("--volumes-from a:ro", both("container.volumes_from", {"container": "a", "readonly": 1})),
        ("--network host", [("container.network", "host", "inspect")]),
        (
            "--network name=n,alias=a,ip=1.2.3.4,gw-priority=2,driver-opt=k=v",
            [
                *both("container.network", "n"),
                ("container.alias", {"network": "n", "alias": "a"}, "inspect"),
                *both("container.ip", "1.2.3.4"),
                ("container.network_option", "k=v", "inspect"),
                ("container.gateway_priority", 2, "inspect"),
            ],
        ),
        ("--network-alias a", [("container.alias", {"network": "", "alias": "a"}, "inspect")]),
    ],
)
def test_a_flag_of_networks_promises_each_thing_that_it_says(
    flags: str, expected: list[Kept]
) -> None:
    plain = facts("docker run x")
    assert [f for f in facts(f"docker run {flags} x") if f not in plain] == expected


@pytest.mark.parametrize(
    ("flags", "declared", "inside"),
    [
        ("-v /a:/d:rslave,z", {"propagation": "rslave", "relabel": "z"}, {"propagation"}),
        ("-v v1:/d:nocopy", {"nocopy": True}, set()),
        (
            "--tmpfs /d:size=1m,mode=01777,exec",
            {"size": 2**20, "mode": "1777", "exec": True},
            {"size", "mode"},
        ),
        (
            "--mount type=tmpfs,dst=/d,tmpfs-size=2k,tmpfs-mode=0700",
            {"size": 2048, "mode": "700"},
            {"size", "mode"},
        ),
        (
            "--mount dst=/d,volume-subpath=a,volume-label=k=v,volume-opt=o=a=b,volume-driver=x",
            {"subpath": "a", "label k": "v", "opt o": "a=b", "driver": "x"},
            {"subpath"},
        ),
        (
            "--mount type=bind,src=/a,dst=/d,bind-recursive=disabled,bind-create-src",
            {"recursive": "disabled", "create-src": True},
            set(),
        ),
        ("--mount type=bind,src=/a,dst=/d,bind-nonrecursive", {"recursive": "disabled"}, set()),
    ],
)
def test_a_mount_promises_how_it_is_made(
    flags: str, declared: dict[str, Any], inside: set[str]
) -> None:
    found = [(e, w) for f, e, w in facts(f"docker run {flags} x") if f == "container.mount.option"]
    assert {e["option"]: e["value"] for e, w in found if w == "inspect"} == declared
    assert {e["option"] for e, w in found if w == "inside"} == inside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["ENV A=1 B='2 3'"], [Change("ENV", "A", "1"), Change("ENV", "B", "2 3")]),
        (["ENV A 1 2"], [Change("ENV", "A", "1 2")]),
        (["label a.b=c"], [Change("LABEL", "a.b", "c")]),
        (['CMD ["a", "b"]'], [Change("CMD", "", ("a", "b"))]),
        (["ENTRYPOINT a b"], [Change("ENTRYPOINT", "", ("/bin/sh", "-c", "a b"))]),
        (["EXPOSE 80 81/udp"], [Change("EXPOSE", "", "80/tcp"), Change("EXPOSE", "", "81/udp")]),
        (["USER kim", "WORKDIR /w"], [Change("USER", "", "kim"), Change("WORKDIR", "", "/w")]),
    ],
)
def test_a_change_promises_what_the_instruction_sets(
    text: list[str], expected: list[Change]
) -> None:
    words = ["docker", "commit", *(w for t in text for w in ("-c", t)), "c", "me/x"]
    made = [p for p in promises(parse(words)) if p.field == "image.change"]
    assert [p.expected for p in made] == expected
    assert {p.about for p in made} == {Ref("image", "me/x:latest")}


@pytest.mark.parametrize("text", ["RUN x", "CMD", "ENV A=1 B", 'ENV "A', "FROM x"])
def test_an_impossible_change_is_an_error(text: str) -> None:
    with pytest.raises(CommandError, match="impossible value of -c"):
        parse(["docker", "commit", "-c", text, "c", "me/x"])


def test_flags_of_a_verb_are_said_of_each_thing_that_it_is_about() -> None:
    assert [p.about for p in of("docker kill -s HUP a b")] == [
        Ref("container", "a"),
        Ref("container", "b"),
    ]
    labels = [p.about for p in of("docker build --label k=v -t a -t b .") if p.flag == "--label"]
    assert labels == [Ref("image", "a:latest"), Ref("image", "b:latest")]
    connected = of("docker network connect --link peer:li --alias db n c")
    assert {p.about for p in connected} == {Ref("container", "c")}
    assert {p.about for p in of("docker network create --internal n")} == {Ref("network", "n")}
