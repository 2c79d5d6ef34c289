from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lifecycle.command.references import familiar, has_tag, parse_reference
from lifecycle.command.values import basic, limits, ports

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (basic.size, "512m", 512 * 2**20),
        (basic.size, "1.5g", 3 * 2**29),
        (basic.size, "64kb", 64 * 2**10),
        (basic.size, "1 GiB", 2**30),
        (basic.size, "100", 100),
        (basic.size, "100b", 100),
        (basic.size, ".5k", 512),
        (basic.swap_size, "-1", -1),
        (basic.integer, "010", 8),
        (basic.integer, "0x10", 16),
        (basic.integer, "-5", -5),
        (basic.integer, "1_000", 1000),
        (basic.decimal, "1.5", 1_500_000_000),
        (basic.decimal, "1/2", 500_000_000),
        (basic.boolean, "T", True),
        (basic.pair, "a=b=c", ("a", "b=c")),
        (basic.variable, "A", ("A", None)),
    ],
)
def test_a_value_is_read_as_go_reads_it(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (basic.size, "1e99m"),
        (basic.size, "9" * 5000),
        (basic.integer, "9" * 5000),
        (basic.integer, "٣"),
        (basic.decimal, "1/0"),
        (basic.decimal, "1e99999999"),
        (limits.ulimit, "nofile=" + "9" * 5000),
        (ports.published, "9" * 5000),
    ],
)
def test_a_monstrous_number_is_only_impossible(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(basic.ImpossibleError):
        read(text)


def test_a_host_port_is_a_range_only_for_a_single_port() -> None:
    assert ports.published("8000-8010:80")[0].host_port == "8000-8010"
    assert [p.host_port for p in ports.published("80-81")] == ["", ""]
    assert ports.published("0:80")[0].host_port == ""
    assert ports.published("[::1]:81:80")[0].host_ip == "::1"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("x", "x:latest"),
        ("docker.io/library/x", "x:latest"),
        ("index.docker.io/x:1", "x:1"),
        ("library/x", "x:latest"),
        ("docker.io/me/x", "me/x:latest"),
        ("localhost/x", "localhost/x:latest"),
        ("h:5000/library/x", "h:5000/library/x:latest"),
        (f"x@{DIGEST}", f"x@{DIGEST}"),
        (f"docker.io/library/x:1@{DIGEST}", f"x:1@{DIGEST}"),
        ("0123456789ab", "0123456789ab"),
        (DIGEST, DIGEST),
        (DIGEST.removeprefix("sha256:"), DIGEST.removeprefix("sha256:")),
    ],
)
def test_an_image_has_one_familiar_name(written: str, name: str) -> None:
    assert familiar(written) == name


def test_the_familiar_name_is_a_fixed_point() -> None:
    for written in ("x", "h:5000/me/x", f"me/x:1@{DIGEST}", "localhost/library/x"):
        once = str(parse_reference(written))
        assert str(parse_reference(once)) == once


def test_a_port_is_no_tag() -> None:
    assert not has_tag("h:5000/x")
    assert has_tag("h:5000/x:1")
    assert has_tag(f"x@{DIGEST}")
