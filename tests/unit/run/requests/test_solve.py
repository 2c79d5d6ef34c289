"""What a build asks of BuildKit is read as Go reads it, and what can't be is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.run.requests.bodies import BodyError
from lifecycle.run.requests.solve import Solve, read_recorded, read_solve, read_solved
from tests.unit.run.requests.protobuf import cache, export, field, mapped, solve, solved


@pytest.mark.parametrize("at", [13, 3])
@pytest.mark.parametrize("kind", ["moby", "image"])
def test_the_names_of_an_image_are_read_of_new_fields_and_old(kind: str, at: int) -> None:
    asked = read_solve(solve(export(kind, at, name="a:1,docker.io/library/b,a:1", push="true")))
    assert asked == Solve("build1", ("a:1", "docker.io/library/b"), stores=True)


def test_every_export_counts_and_of_one_attribute_the_last() -> None:
    twice = field(13, field(1, "image") + mapped(2, {"name": "x"}) + mapped(2, {"name": "b"}))
    again = field(13, field(1, "oci") + mapped(2, {"name": "c"}) + field(1, "image"))
    asked = read_solve(solve(export("moby", name="a"), twice, again, export("moby", 3, name="d")))
    assert asked.names == ("a", "b", "c", "d")


@pytest.mark.parametrize("kind", ["local", "tar", "oci", "docker"])
def test_what_is_sent_to_the_client_is_no_image_of_the_engine(kind: str) -> None:
    assert read_solve(solve(export(kind, name="theirs"))) == Solve("build1")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (export("containerd"), "type 'containerd'"),
        (export("Image", name="a"), "type 'Image'"),
        (export("image", name="*"), "whatever the build says"),
        (export("image", dangling_name_prefix="theirs"), "dangling-name-prefix"),
        (field(14, 1), "said elsewhere"),
    ],
)
def test_what_can_t_be_told_of_a_build_is_a_problem(part: bytes, why: str) -> None:
    assert why in read_solve(solve(part)).problem


def test_what_stands_for_no_is_no_problem() -> None:
    asked = read_solve(solve(field(14, 0), export("image", dangling_name_prefix="moby-dangling")))
    assert asked == Solve("build1", stores=True)


def test_the_tags_that_a_cache_goes_to_are_read_of_every_cache() -> None:
    old = field(8, field(1, "old:1"))
    asked = read_solve(
        solve(cache("registry", ref="a:1"), old, cache("local", dest="x"), cache("any", ref="b"))
    )
    assert asked.caches == ("a:1", "old:1", "b")


def test_the_id_of_an_image_is_read_of_either_answer() -> None:
    digests = {"containerimage.digest": "sha256:a", "containerimage.config.digest": "sha256:b"}
    assert read_solved(mapped(1, {**digests, "image.name": "x"})) == {"sha256:a", "sha256:b"}
    assert read_solved(field(2, mapped(1, digests))) == {"sha256:a", "sha256:b"}
    assert read_solved(b"") == read_solved(solved(image_name="x")) == frozenset()


def test_the_last_id_of_a_build_counts() -> None:
    assert read_solve(solve(field(1, "b"), ref="a")).build == "b"
    assert read_recorded(field(1, "a") + field(3, 1) + field(1, "b")) == "b"


@pytest.mark.parametrize(
    "message",
    [
        field(13, 1),
        field(1, 1),
        field(1, b"\xff"),
        field(1, "abc")[:-1],
        b"\x0b",
        b"\x0e",
        b"\x80",
        b"\x08" + b"\xff" * 10 + b"\x01",
        field(13, b"\x0b"),
        field(8, field(4, field(2, b"\x0a\x05"))),
        b"\x09\x00",
        b"\x0d\x00",
    ],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(BodyError):
        read_solve(message)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(message: bytes) -> None:
    for read in (read_solve, read_solved, read_recorded):
        try:
            read(message)
        except BodyError as error:
            assert "BuildKit" in str(error)


def test_fields_without_a_known_number_are_passed_over() -> None:
    fixed = b"\x81\x02" + bytes(8) + b"\x85\x02" + bytes(4)  # numbers 32, of 8 and 4 bytes
    asked = read_solve(fixed + solve(export("moby", name="a"), field(99, 7)))
    assert (asked.names, asked.problem) == (("a",), "")
