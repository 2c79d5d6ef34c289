"""Every real message leads to exactly the findings that its text allows."""

import tomllib
from pathlib import Path

import pytest

from lifecycle.diagnosis import catalog, match, pasted_text

MESSAGES = tomllib.loads((Path(__file__).parent / "messages.toml").read_text("utf-8"))["message"]
IDS = [f"{message['findings'][0]}-{at}" for at, message in enumerate(MESSAGES)]
EACH = pytest.mark.parametrize("message", MESSAGES, ids=IDS)


def _ids(output: str) -> set[str]:
    return {found.entry.id for found in match.candidates(pasted_text.plain(output))}


@EACH
def test_a_real_message_matches_exactly_its_findings(message: dict[str, str]) -> None:
    assert _ids(message["text"]) == set(message["findings"])


@EACH
def test_a_message_is_found_among_prompts_and_korean_prose(message: dict[str, str]) -> None:
    pasted = f"안녕하세요, 이런 오류가 나요:\n{message['text']}\n어떻게 하나요?"
    assert _ids(pasted) == set(message["findings"])


@EACH
def test_a_message_is_found_through_colours_and_carriage_returns(message: dict[str, str]) -> None:
    coloured = "\r\n".join(f"\x1b[91m{line}\x1b[0m" for line in message["text"].split("\n"))
    assert _ids(coloured) == set(message["findings"])


def test_rivals_that_one_text_allows_are_rivals_in_the_catalogue() -> None:
    for message in MESSAGES:
        found = [catalog.entry(finding) for finding in message["findings"]]
        assert len({entry.rivals or entry.id for entry in found}) == 1, message["text"]


def test_every_finding_has_a_real_message() -> None:
    shown = {finding for message in MESSAGES for finding in message["findings"]}
    assert shown == {entry.id for entry in catalog.entries()}


@pytest.mark.parametrize(
    "output",
    [
        "",
        "hello",
        "Step 1/7 : FROM base:dev\n ---> 8e9f2f7370a0\nSuccessfully built 8e9f2f7370a0",
        "latest: Pulling from tensorflow/tensorflow\nStatus: Downloaded newer image",
        "my_test_c",
        "passwd: password updated successfully",
        "Unable to find image 'base:dev' locally",
        "Untagged: me/test:latest\nDeleted: sha256:8e9f2f7370a0083ce7e91604ced91d70",
        "dockerfile  id  docker.sock permission",
    ],
)
def test_what_is_no_failure_matches_nothing(output: str) -> None:
    assert _ids(output) == set()


def test_a_message_that_the_terminal_wrapped_is_found() -> None:
    wrapped = (
        "Cannot connect to the Docker daemon at\nunix:///var/run/docker.sock. Is the docker\n"
        "daemon running?"
    )
    assert _ids(wrapped) == {"daemon-not-running"}


def test_quotes_that_a_chat_bent_are_read_as_straight() -> None:
    assert _ids("groupadd: GID ‘100’ already exists") == {"gid-already-exists"}


def test_the_cause_outranks_what_follows_from_it() -> None:
    output = (
        "W: Failed to fetch http://mirror.example.org/debian/dists/bookworm/InRelease  "
        "Temporary failure resolving 'mirror.example.org'\nE: Unable to locate package sudo"
    )
    assert "apt-no-update" not in _ids(output)


def test_a_very_long_output_is_searched_at_both_ends() -> None:
    noise = "x" * 3_000_000
    assert _ids(f"groupadd: GID '100' already exists\n{noise}") == {"gid-already-exists"}
    assert _ids(f"{noise}\ngroupadd: GID '100' already exists") == {"gid-already-exists"}
