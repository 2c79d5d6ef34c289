from __future__ import annotations

import pytest

from lifecycle.command.line import CommandError, DockerLine, Option, Ref
from lifecycle.command.parse import parse, refusal


def read(text: str) -> DockerLine:
    return parse(text.split())


def error(text: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        read(text)
    return caught.value


def named(line: DockerLine) -> list[tuple[str, str, str]]:
    """What each NameAt points at in the line: role, thing, the words' own text."""
    return [(n.role, str(n.ref), line.words[n.word][n.start : n.end]) for n in line.names]


GUIDE = (
    "docker run -ti --gpus all --name=my_test_c -v /mnt/c/user:/workspace -p 8080:8080 myid-yo/test"
)


def test_the_guides_run_reads_as_the_cli_reads_it() -> None:
    line = read(GUIDE)
    assert line.verb == "run"
    assert line.args == ("myid-yo/test",)
    assert line.first_arg == 10
    assert line.on("--tty")
    assert line.on("--interactive")
    assert line.last("--gpus") == "all"
    assert line.last("--name") == "my_test_c"
    assert line.creates == {Ref("container", "my_test_c")}
    assert line.uses == {Ref("image", "myid-yo/test:latest")}


@pytest.mark.parametrize(
    ("written", "value", "at"),
    [
        ("-p 8080:80", "8080:80", (3, 0)),
        ("-p8080:80", "8080:80", (2, 2)),
        ("-p=8080:80", "8080:80", (2, 3)),
        ("--publish 8080:80", "8080:80", (3, 0)),
        ("--publish=8080:80", "8080:80", (2, 10)),
        ("-tip 8080:80", "8080:80", (3, 0)),
        ("-tip8080:80", "8080:80", (2, 4)),
    ],
)
def test_a_value_is_found_however_it_is_written(
    written: str, value: str, at: tuple[int, int]
) -> None:
    line = read(f"docker run {written} x")
    option = line.options[-1]
    assert (option.flag, option.value, option.value_at) == ("--publish", value, at)
    word, start = at
    assert line.words[word][start:] == value


def test_clustered_shorts_are_one_option_each() -> None:
    line = read("docker run -tid x")
    assert [o.written for o in line.options] == ["-t", "-i", "-d"]
    assert {o.word for o in line.options} == {2}


def test_a_switch_takes_its_value_only_after_an_equals_sign() -> None:
    assert read("docker run --rm=false x").last("--rm") == "false"
    assert read("docker run -t=0 x").last("--tty") == "false"
    assert read("docker run --rm false").args == ("false",)


def test_flags_end_at_the_image_of_run() -> None:
    line = read("docker run -t x ls -la --name y")
    assert line.args == ("x", "ls", "-la", "--name", "y")
    assert [o.flag for o in line.options] == ["--tty"]


def test_flags_of_stop_may_stand_anywhere() -> None:
    line = read("docker stop a -t 3 b")
    assert line.args == ("a", "b")
    assert line.last("--timeout") == "3"
    assert line.first_arg == 2


def test_a_double_dash_ends_the_flags() -> None:
    assert read("docker rm -- -f").args == ("-f",)
    assert read("docker run -- x -t").args == ("x", "-t")
    assert read("docker exec c -- ls").args == ("c", "--", "ls")


def test_a_repeated_flag_keeps_every_value_and_the_last_wins() -> None:
    line = read("docker run -e A=1 -e B=2 --name one --name two x")
    assert line.values("--env") == ("A=1", "B=2")
    assert line.last("--name") == "two"


@pytest.mark.parametrize(
    ("written", "verb"),
    [
        ("docker container run x", "run"),
        ("docker image rm x", "rmi"),
        ("docker image pull x", "pull"),
        ("docker container ls", "ps"),
        ("docker image ls", "images"),
        ("docker container rm x", "rm"),
        ("docker network remove x", "network rm"),
        ("docker buildx build .", "build"),
        ("docker --debug system info", "info"),
        ("docker --version", "version"),
    ],
)
def test_an_alias_is_the_verb_it_stands_for(written: str, verb: str) -> None:
    assert read(written).verb == verb


def test_the_place_for_more_flags_follows_the_verb() -> None:
    assert read("docker run x").flags_at == 2
    assert read("docker container run x").flags_at == 3
    assert read("docker -l debug container run x").flags_at == 5


def test_hidden_spellings_are_known_by_the_listed_name() -> None:
    assert read("docker run --net host x").options == (
        Option("--network", "--net", "host", 2, (3, 0)),
    )


def test_help_needs_no_arguments_and_names_nothing() -> None:
    line = read("docker run --name aa --help")
    assert (line.args, line.names) == ((), ())
    assert read("docker ps -h").on("--help")


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("podman run x", 0, '"podman" is not docker; a docker line starts with docker'),
        ("sudo docker run x", 0, '"sudo" is not docker; leave sudo out'),
        ("docker", 0, "docker without a command"),
        ("docker rnu x", 1, "unknown command: docker rnu; did you mean run?"),
        ("docker container rmm", 2, "did you mean container rm?"),
        ("docker image", 1, "docker image needs a command; one of build"),
        ("docker compose up", 1, "is not read by lifecycle yet; bash -c 'docker compose ...'"),
        ("docker -H tcp://x ps", 1, "-H chooses another engine"),
        ("docker --context=x ps", 1, "--context of lifecycle"),
        ("docker run --nmae=a x", 2, "unknown flag: --nmae; did you mean --name?"),
        ("docker run -itz x", 2, "unknown shorthand flag: 'z' in -itz"),
        ("docker rm -force x", 2, "unknown shorthand flag: 'o' in -force; write --force"),
        ("docker run -t --name", 3, "flag needs an argument: --name"),
        ("docker run -te", 2, "flag needs an argument: -e"),
        ("docker run ---t x", 2, "bad flag syntax: ---t"),
        ("docker run", 1, "docker run requires at least 1 argument; usage: docker run IMAGE"),
        ("docker exec c", 2, "docker exec requires at least 2 arguments"),
        ("docker tag a", 2, "docker tag requires 2 arguments"),
        ("docker logs a b", 3, "docker logs requires 1 argument"),
        ("docker ps a", 2, "docker ps accepts no arguments"),
        ("docker images a b", 3, "docker images requires at most 1 argument"),
        ("docker port a 80 90", 4, "docker port requires at least 1 and at most 2 arguments"),
        ("docker run -p 99999:80 x", 3, "-p: 99999:80: invalid host port 99999"),
        ("docker run --memory 1q x", 3, "--memory: 1q: not a size"),
        ("docker run --gpus device= x", 3, "--gpus: device=: device= names no device"),
        ("docker run --gpus device=0,2 x", 3, "--gpus '\"device=0,2\"'"),
        ("docker run --rm=maybe x", 2, "--rm: maybe: not a boolean"),
        ("docker run -v a/b:/x y", 3, "neither a path nor the name of a volume"),
        ("docker run -v ~/a:/x y", 3, "~ stands for your home only at the start of a word"),
        ("docker run -v /a:b y", 3, "the path in the container must be absolute"),
        ("docker run --name a/b x", 3, "invalid name (a/b)"),
        ("docker run Foo", 2, "repository name (library/Foo) must be lowercase; write foo"),
        ("docker pull h:80/A/b:T", 2, "must be lowercase; write h:80/a/b:T"),
        ("docker pull a:b:c", 2, 'invalid image name "a:b:c"'),
        ("docker build -t me/X .", 3, "must be lowercase; write me/x"),
        ("docker cp a b", 2, "neither side names one; write CONTAINER:PATH"),
        ("docker cp a:/x b:/y", 2, "copying between containers is not supported"),
        ("docker inspect --type foo x", 3, "not a known value"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(text: str, word: int, found: str) -> None:
    caught = error(text)
    assert found in str(caught)
    assert caught.word == word


@pytest.mark.parametrize(
    ("written", "corrected"),
    [
        ("\u2013ti", "-ti"),
        ("\u2014name=a", "--name=a"),
        ("\u2013name=a", "--name=a"),
        ("\u2011\u2011name=a", "--name=a"),
        ("\u2212t", "-t"),
    ],
)
def test_a_dash_that_is_no_hyphen_is_answered_with_the_right_word(
    written: str, corrected: str
) -> None:
    caught = error(f"docker run {written} x")
    assert caught.hint == f"write {corrected}"
    assert caught.word == 2
    assert "not with a hyphen" in caught.message


def test_an_en_dash_after_flags_of_an_interspersed_verb_is_found_too() -> None:
    assert "en dash (U+2013)" in error("docker rm a \u2013f").message


def test_a_dash_in_the_containers_own_command_is_the_commands_business() -> None:
    assert read("docker run x apt install \u2013y vim").args[3] == "\u2013y"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("docker pull x", [("creates", "image x:latest", "x")]),
        ("docker push h:5000/me/x", [("uses", "image h:5000/me/x:latest", "h:5000/me/x")]),
        ("docker build -tme/x .", [("creates", "image me/x:latest", "me/x")]),
        (
            "docker tag docker.io/library/a me/b:1",
            [
                ("uses", "image a:latest", "docker.io/library/a"),
                ("creates", "image me/b:1", "me/b:1"),
            ],
        ),
        ("docker rmi a:1", [("destroys", "image a:1", "a:1")]),
        ("docker rmi 0123456789ab", [("destroys", "image 0123456789ab", "0123456789ab")]),
        (
            "docker save -o f a b",
            [("uses", "image a:latest", "a"), ("uses", "image b:latest", "b")],
        ),
        ("docker load -i f", []),
        ("docker import - me/x", [("creates", "image me/x:latest", "me/x")]),
        (
            "docker commit c me/x",
            [("uses", "container c", "c"), ("creates", "image me/x:latest", "me/x")],
        ),
        ("docker export -o f c", [("uses", "container c", "c")]),
        ("docker cp c:/a .", [("uses", "container c", "c")]),
        ("docker cp ./c:d e:/a", [("uses", "container e", "e")]),
        ("docker rm -v /c", [("destroys", "container c", "c")]),
        (
            "docker rename aa bb",
            [("destroys", "container aa", "aa"), ("creates", "container bb", "bb")],
        ),
        ("docker run --net=host x", [("uses", "image x:latest", "x")]),
        (
            "docker run --network=container:abc x",
            [("uses", "container abc", "abc"), ("uses", "image x:latest", "x")],
        ),
        (
            "docker run --network name=net1,alias=a --volumes-from abc:ro --link d:e x",
            [
                ("uses", "network net1", "net1"),
                ("uses", "container abc", "abc"),
                ("uses", "container d", "d"),
                ("uses", "image x:latest", "x"),
            ],
        ),
        (
            "docker run -vdata:/x -v /a:/b -v /c --mount type=volume,src=more,dst=/m x",
            [
                ("creates", "volume data", "data"),
                ("creates", "volume more", "more"),
                ("uses", "image x:latest", "x"),
            ],
        ),
        ("docker run --mount type=bind,src=/a,dst=/m x", [("uses", "image x:latest", "x")]),
        ("docker network create n", [("creates", "network n", "n")]),
        ("docker network connect n c", [("uses", "network n", "n"), ("uses", "container c", "c")]),
        ("docker network rm n", [("destroys", "network n", "n")]),
        ("docker volume create vv", [("creates", "volume vv", "vv")]),
        ("docker volume rm vv", [("destroys", "volume vv", "vv")]),
        (
            "docker inspect c me/x",
            [("uses", "container c", "c"), ("uses", "image me/x:latest", "me/x")],
        ),
        ("docker inspect --type network n", [("uses", "network n", "n")]),
        ("docker ps -f ancestor=a", [("uses", "image a:latest", "a")]),
        ("docker images me/*", []),
    ],
)
def test_a_line_says_what_it_creates_uses_and_destroys(
    text: str, names: list[tuple[str, str, str]]
) -> None:
    assert named(read(text)) == names


def test_a_quoted_csv_field_is_named_where_it_stands() -> None:
    line = parse(["docker", "run", "--mount", 'type=volume,"source=vol1",target=/b', "x"])
    assert named(line)[0] == ("creates", "volume vol1", "vol1")


def test_every_prune_is_refused_and_nothing_else_is() -> None:
    assert "remove yours by name" in (refusal(read("docker system prune -af")) or "")
    assert refusal(read("docker rm a")) is None


@pytest.mark.parametrize("value", ["", '"', 'dest="a'])
def test_an_output_that_is_no_line_of_csv_is_an_error(value: str) -> None:
    with pytest.raises(CommandError, match="impossible value of --output"):
        parse(["docker", "build", ".", f"--output={value}"])


@pytest.mark.parametrize(
    "line",
    [
        "docker volume create --label =x data",
        "docker network create --label =x lan",
        "docker run --label =x image",
        "docker build --label =x .",
        "docker volume create -o =x data",
        "docker network create -o =x lan",
        "docker run -e =x image",
        "docker run --sysctl =x image",
    ],
)
def test_a_pair_has_a_name_wherever_it_stands(line: str) -> None:
    assert "=x" in str(error(line)) or "name" in str(error(line))
