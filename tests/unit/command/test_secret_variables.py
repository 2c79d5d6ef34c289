"""A line that would take a secret out of its environment is refused, and told what to write."""

from __future__ import annotations

import shlex

import pytest

from lifecycle.command.line import CommandError
from lifecycle.command.parse import parse
from lifecycle.command.secret_variables import refuse_wanted, refuse_wanted_in_files

WANTED = [
    "docker run -e LIFECYCLE_SECRET_P x",
    "docker run -eLIFECYCLE_SECRET_P x",
    "docker create --env=LIFECYCLE_SECRET_P x",
    "docker exec -e LIFECYCLE_SECRET_P c env",
    "docker exec -ti -e A=1 --env LIFECYCLE_SECRET_LONGER_NAME c bash",
    "docker build --build-arg LIFECYCLE_SECRET_P .",
    "docker build --secret id=p,env=LIFECYCLE_SECRET_P .",
    "docker build --secret type=env,id=p,src=LIFECYCLE_SECRET_P .",
    "docker build --secret id=LIFECYCLE_SECRET_P .",
    "docker run x bash -c 'echo $LIFECYCLE_SECRET_P'",
    "docker exec c sh -c 'echo ${LIFECYCLE_SECRET_P:-none}'",
    "docker run -e 'A=${LIFECYCLE_SECRET_P}' x",
    "bash -c 'curl -u me:$LIFECYCLE_SECRET_P x'",
    "bash -c 'echo ${#LIFECYCLE_SECRET_P}'",
]
HARMLESS = [
    "docker run -e LIFECYCLE_LAB x",
    "docker run -e LIFECYCLE_SECRET_P=known x",
    "docker run -e LIFECYCLE_SECRET_P=known x sh -c 'echo $LIFECYCLE_SECRET_P'",
    "docker run --name LIFECYCLE_SECRET_P x",
    "docker run x echo LIFECYCLE_SECRET_P",
    "docker run x sh -c 'echo $MY_LIFECYCLE_SECRET_P'",
    "docker build --secret id=LIFECYCLE_SECRET_P,src=file .",
    "docker build --secret id=p,env=TOKEN .",
    "printenv LIFECYCLE_SECRET_P",
]


def read(text: str) -> None:
    words = shlex.split(text)
    refuse_wanted(words, parse(words) if words[0] == "docker" else None)


@pytest.mark.parametrize("text", WANTED)
def test_what_wants_a_secret_is_refused_with_what_to_write_instead(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(text)
    assert "LIFECYCLE_SECRET_" in str(caught.value)
    assert 'mode: "0600"' in caught.value.hint
    assert "LIFECYCLE_SECRET_" in shlex.split(text)[caught.value.word]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_wants_none_is_let_through(text: str) -> None:
    read(text)


@pytest.mark.parametrize("listed", ["LIFECYCLE_SECRET_P", "A=1\n  LIFECYCLE_SECRET_P\r\nB"])
def test_a_lone_name_in_a_file_of_variables_is_one_too(listed: str) -> None:
    line = parse(shlex.split("docker run --env-file f x"))
    with pytest.raises(CommandError, match="LIFECYCLE_SECRET_P in f passes on nothing"):
        refuse_wanted_in_files(line, lambda _: listed)


@pytest.mark.parametrize(
    "listed", ["", "# LIFECYCLE_SECRET_P", "LIFECYCLE_SECRET_P=known", "=", "A"]
)
def test_other_files_of_variables_are_let_through(listed: str) -> None:
    refuse_wanted_in_files(parse(shlex.split("docker run --env-file f x")), lambda _: listed)
