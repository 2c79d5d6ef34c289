"""The keys that detach are read as Docker reads them."""

from __future__ import annotations

import pytest

from lifecycle.command.line import CommandError
from lifecycle.command.parse import parse
from lifecycle.command.values.detach_keys import keys_of


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("docker attach c", b"\x10\x11"),
        ("docker attach --detach-keys ctrl-a c", b"\x01"),
        ("docker run -ti --detach-keys=a x", b"a"),
        ("docker exec -ti --detach-keys ctrl-@,ctrl-[ c sh", b"\x00\x1b"),
        ("docker start -ai --detach-keys ctrl-p,x,DEL c", b"\x10x\x7f"),
        ("docker attach --detach-keys '' c", b"\x10\x11"),
        ("docker attach --detach-keys a --detach-keys b c", b"b"),
    ],
)
def test_the_detach_keys_are_those_of_the_line_or_docker_s_own(line: str, keys: bytes) -> None:
    assert keys_of(parse(line.replace("''", "").split(" "))) == keys


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ctrl+a", "`ctrl.a` is not a key; keys are single characters, .*; did you mean ctrl-a"),
        ("ctrl-A", "`ctrl-A` is not a key.*did you mean ctrl-a"),
        ("a,,b", "`` is not a key"),
        ("ctrl-p,escape", "`escape` is not a key"),
        ("é", "`é` is not a key"),
    ],
)
def test_what_is_no_key_is_refused_in_its_place(value: str, said: str) -> None:
    words = ["docker", "attach", "--detach-keys", value, "c"]
    with pytest.raises(CommandError, match=said) as caught:
        parse(words)
    assert caught.value.word == 3
