"""`lifecycle promises` answers a line that is wrong with the place in it."""

from __future__ import annotations

import shlex

import pytest

from lifecycle.cli import main


@pytest.mark.parametrize(
    ("typed", "marked", "says"),
    [
        ("'docker run x'", "docker run x", "leave out the quotes round the line"),
        ("dokcer run x", "dokcer", "a docker line starts with docker"),
        ("docker rnu x", "rnu", "did you mean run?"),
        ("docker run --nmae c x", "--nmae", "did you mean --name?"),
        ("docker run -d --name", "--name", "flag needs an argument"),
        ("docker run -p 99999:80 x", "99999:80", "a port is a number up to 65535"),
        ("docker run --memory 1q x", "1q", "not a size"),
        ("docker run --gpus device= x", "device=", "names no device"),
        ("docker run --name cc 'me/Test:1'", "me/Test:1", "write me/test:1"),
        ("docker run x:y:z", "x:y:z", "invalid image name"),
        ("docker logs --since soon c", "soon", "not a time"),
        ("docker exec c", "c", "requires at least 2 arguments"),
    ],
)
def test_a_wrong_line_is_shown_with_its_wrong_word_marked(
    capsys: pytest.CaptureFixture[str], typed: str, marked: str, says: str
) -> None:
    code = main(["promises", "--", *shlex.split(typed)])
    out, err = capsys.readouterr()
    line, carets, message = err.splitlines()
    at = carets.index("^")
    assert (code, out, line[at : at + carets.count("^")]) == (4, "", marked)
    assert says in message
