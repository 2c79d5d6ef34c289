from __future__ import annotations

import pytest

from lifecycle.command.line import DockerLine, Ref
from lifecycle.command.name_map import NameMap, isolate
from lifecycle.command.parse import parse

RUN = "k3x9q2"
BOTH = f"--network lab-{RUN} --network=other"
GUIDE = """
docker pull tensorflow/tensorflow
docker build -t myid-yo/test . -f dockerfile
docker run -ti --gpus all --name=my_test_c -v data:/workspace -p 8080:8080 myid-yo/test
docker network create lab
docker tag myid-yo/test 127.0.0.1:5000/me/test:1
"""


def read(text: str) -> list[DockerLine]:
    return [parse(line.split()) for line in text.strip().splitlines()]


def the_map(*more: str, as_written: bool = False) -> NameMap:
    lines = [*read(GUIDE), *(parse(text.split()) for text in more)]
    return NameMap(RUN, as_written, isolate(lines))


def applied(text: str, names: NameMap | None = None, step: int = 0) -> str:
    return " ".join((names or the_map()).apply(parse(text.split()), step))


def test_what_a_scenario_makes_is_isolated_and_what_it_pulls_is_not() -> None:
    assert isolate(read(GUIDE)) == {
        Ref("container", "my_test_c"),
        Ref("image", "myid-yo/test:latest"),
        Ref("image", "127.0.0.1:5000/me/test:1"),
        Ref("network", "lab"),
        Ref("volume", "data"),
    }


def test_a_pull_of_what_was_made_here_keeps_it_isolated() -> None:
    lines = read("docker tag a h:5000/b\ndocker push h:5000/b\ndocker pull h:5000/b")
    assert Ref("image", "h:5000/b:latest") in isolate(lines)


@pytest.mark.parametrize(
    ("ref", "real"),
    [
        (Ref("container", "my_test_c"), f"my_test_c-{RUN}"),
        (Ref("image", "myid-yo/test:latest"), f"myid-yo/test-{RUN}:latest"),
        (Ref("image", "127.0.0.1:5000/me/test:1"), f"127.0.0.1:5000/me/test-{RUN}:1"),
        (Ref("volume", "data"), f"data-{RUN}"),
        (Ref("image", "tensorflow/tensorflow:latest"), "tensorflow/tensorflow:latest"),
        (Ref("container", "theirs"), "theirs"),
    ],
)
def test_a_real_name_and_its_written_one_are_each_others_inverse(ref: Ref, real: str) -> None:
    names = the_map()
    assert names.real(ref) == real
    assert names.written(ref.kind, real) == ref.name


@pytest.mark.parametrize(
    ("written", "real"),
    [
        (
            "docker run --name=my_test_c -v data:/workspace myid-yo/test bash",
            f"docker run --name=my_test_c-{RUN} -v data-{RUN}:/workspace myid-yo/test-{RUN} bash",
        ),
        (
            "docker run --name my_test_c -vdata:/x docker.io/myid-yo/test:latest",
            f"docker run --name my_test_c-{RUN} -vdata-{RUN}:/x myid-yo/test-{RUN}:latest",
        ),
        ("docker exec -u 0 my_test_c passwd", f"docker exec -u 0 my_test_c-{RUN} passwd"),
        ("docker cp my_test_c:/a my_test_c", f"docker cp my_test_c-{RUN}:/a my_test_c"),
        ("docker rmi myid-yo/test", f"docker rmi myid-yo/test-{RUN}"),
        ("docker inspect myid-yo/test", f"docker inspect myid-yo/test-{RUN}"),
        ("docker inspect data lab", f"docker inspect data-{RUN} lab-{RUN}"),
        ("docker pull tensorflow/tensorflow", "docker pull tensorflow/tensorflow"),
        ("docker rmi 0123456789ab", "docker rmi 0123456789ab"),
        ("docker rm /my_test_c", f"docker rm /my_test_c-{RUN}"),
        (
            "docker run --name x9 --network container:my_test_c y",
            f"docker run --name x9 --network container:my_test_c-{RUN} y",
        ),
        (
            "docker network connect lab my_test_c",
            f"docker network connect --alias my_test_c lab-{RUN} my_test_c-{RUN}",
        ),
    ],
)
def test_only_the_name_itself_is_rewritten(written: str, real: str) -> None:
    assert applied(written) == real


def test_an_image_that_shares_the_name_of_a_container_is_told_apart() -> None:
    names = the_map("docker tag x only_image")
    assert applied("docker inspect only_image", names) == f"docker inspect only_image-{RUN}"


def test_a_container_without_a_name_is_given_one_right_after_the_verb() -> None:
    names = the_map()
    assert applied("docker container run --rm x", step=4) == (
        f"docker container run --name {RUN}-unnamed-4 --rm x"
    )
    assert names.unnamed(4) == f"{RUN}-unnamed-4"
    assert names.is_unnamed(parse(["docker", "create", "x"]))
    assert not names.is_unnamed(parse(["docker", "create", "--name", "aa", "x"]))


@pytest.mark.parametrize(
    ("network", "real"),
    [
        ("--network lab", f"--network-alias my_test_c --name my_test_c-{RUN} --network lab-{RUN}"),
        ("--network bridge", f"--name my_test_c-{RUN} --network bridge"),
        (
            "--network name=lab,alias=b",
            f"--name my_test_c-{RUN} --network name=lab-{RUN},alias=b,alias=my_test_c",
        ),
        (
            "--network lab --network=other",
            f"--network-alias my_test_c --name my_test_c-{RUN} {BOTH}",
        ),
    ],
)
def test_a_renamed_container_keeps_its_name_as_an_alias_on_networks_of_the_run_only(
    network: str, real: str
) -> None:
    assert applied(f"docker run --name my_test_c {network} x") == f"docker run {real} x"


def test_as_written_keeps_every_name_and_still_names_the_unnamed() -> None:
    names = the_map(as_written=True)
    text = "docker run --name my_test_c -v data:/x --network lab myid-yo/test"
    assert applied(text, names) == text
    assert applied("docker run x", names).endswith("-unnamed-0 x")


def test_a_text_is_restored_to_what_the_author_wrote() -> None:
    names = the_map()
    text = (
        f"naming to docker.io/myid-yo/test-{RUN}:latest\n"
        f'container "my_test_c-{RUN}" uses data-{RUN} on lab-{RUN}; theirs-{RUN}'
    )
    assert names.restore(text) == (
        "naming to docker.io/myid-yo/test:latest\n"
        f'container "my_test_c" uses data on lab; theirs-{RUN}'
    )
    assert NameMap(RUN, as_written=False, isolated=frozenset()).restore(text) == text


@pytest.mark.parametrize("line", read(GUIDE), ids=lambda line: line.verb)
def test_real_words_parse_and_restore_to_the_written_line(line: DockerLine) -> None:
    names = the_map()
    real = parse(names.apply(line))
    assert real.verb == line.verb
    assert {names.written(r.kind, r.name) for r in real.creates} == {r.name for r in line.creates}
    assert names.restore(" ".join(real.words)) == " ".join(line.words)
