"""A promise gives what it expects as the type of its field, and to programs as JSON."""

from __future__ import annotations

import pytest

from lifecycle.command.line import Ref
from lifecycle.command.promise import Promise
from lifecycle.command.values.limits import Ulimit
from lifecycle.command.values.ports import PublishedPort

PORT = PublishedPort("80/tcp", "", "8080")
PUBLISHED = Promise("-p", "container.port", PORT, "inspect", Ref("container", "c"))


def test_what_is_expected_is_given_as_the_type_of_its_field_and_as_no_other() -> None:
    assert PUBLISHED.expected_as(PublishedPort) is PORT
    with pytest.raises(TypeError, match=r"^container.port of -p is no Ulimit: PublishedPort\("):
        PUBLISHED.expected_as(Ulimit)


def test_a_program_is_given_the_reason_only_of_what_can_not_be_observed() -> None:
    expected = {"container": "80/tcp", "host_ip": "", "host_port": "8080"}
    told = {"flag": "-p", "field": "container.port", "expected": expected, "where": "inspect"}
    unseen = Promise("-p", "container.port", PORT, "inspect", unverified="SCTP")
    assert PUBLISHED.to_json() == told
    assert unseen.to_json() == {**told, "unverified": "SCTP"}
