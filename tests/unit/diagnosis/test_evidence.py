"""What is told as evidence: facts as they were looked up, one a line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.diagnosis.evidence import person, resolver

KIM = SimpleNamespace(name="kim", uid=1500, gid=1600)


def case(**files: str) -> Any:
    """A case on a machine with these files of /etc."""
    facts = SimpleNamespace(person=KIM, read=lambda path: files.get(path.rpartition("/")[2], ""))
    return SimpleNamespace(facts=facts)


@pytest.mark.parametrize(
    ("passwd", "where"),
    [
        ("root:x:0:0::/:/bin/sh\nkim:x:1500:1600::/:/bin/sh\n", "in"),
        ("root:x:0:0::/:/bin/sh\nkimchi:x:1:1::/:/bin/sh\n", "not in"),
        ("", "not in"),
    ],
)
def test_a_person_is_told_with_their_ids_and_where_they_are_known(passwd: str, where: str) -> None:
    assert person(case(passwd=passwd)) == [
        f"kim is uid 1500, gid 1600 on the host, {where} /etc/passwd"
    ]


def test_the_name_servers_are_those_of_the_host() -> None:
    text = "# a comment\nnameserver 10.0.0.1\nsearch x\nnameserver   10.0.0.2 \nnameserver\n"
    told = resolver(case(**{"resolv.conf": text}))
    assert told == ["name servers of the host: 10.0.0.1, 10.0.0.2"]
    assert resolver(case()) == ["name servers of the host: none"]
