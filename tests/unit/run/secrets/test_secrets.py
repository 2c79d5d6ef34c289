"""A secret is a value for any name, and stands in nothing that is written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.run.secrets.secrets import HIDDEN, SecretError, Secrets
from lifecycle.text.credentials import SHORTEST

VALUE = "s3cret/pass word+é"


@pytest.fixture
def secrets() -> Secrets:
    made = Secrets({"LIFECYCLE_SECRET_PASSWORD": VALUE})
    assert made["password"] == VALUE
    return made


def test_a_secret_comes_from_the_environment() -> None:
    assert Secrets({"LIFECYCLE_SECRET_TOKEN": "from-the-env"})["token"] == "from-the-env"


def test_without_one_it_is_random_for_the_run_and_the_same_within_it() -> None:
    one, other = Secrets({}), Secrets({})
    assert one["password"] == one["password"] != other["password"]
    assert one["password"] != one["token"]
    kinds = (str.isupper, str.islower, str.isdigit)
    assert all(any(is_kind(c) for c in one["password"]) for is_kind in kinds)
    assert not one["password"].isalnum()


@pytest.mark.parametrize("value", ["", "a", "x" * (SHORTEST - 1)])
def test_a_short_secret_is_refused_since_it_can_not_be_hidden(value: str) -> None:
    secrets = Secrets({"LIFECYCLE_SECRET_PIN": value})
    with pytest.raises(SecretError, match="LIFECYCLE_SECRET_PIN has under 6 characters"):
        _ = secrets["pin"]


def test_the_shortest_secret_is_hidden_in_every_form() -> None:
    secrets = Secrets({"LIFECYCLE_SECRET_PIN": "x" * SHORTEST})
    _ = secrets["pin"]
    for before in (b"", b"a", b"ab"):
        coded = base64.b64encode(before + b"x" * SHORTEST + b"tail").decode()
        assert HIDDEN in secrets.redact(coded)


def test_private_names_are_no_secrets() -> None:
    with pytest.raises(KeyError):
        _ = Secrets({})["__class__"]


def test_nothing_lists_the_secrets(secrets: Secrets) -> None:
    assert not hasattr(secrets, "__iter__") or not hasattr(secrets, "keys")
    assert VALUE not in repr(secrets)


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        base64.b64encode(f"kim:{VALUE}".encode()).decode(),
        base64.urlsafe_b64encode(f"??>:{VALUE}".encode()).decode(),
    ],
)
def test_a_secret_is_redacted_in_every_form(secrets: Secrets, form: str) -> None:
    text = f"before {form} after"
    assert secrets.inside(text)
    redacted = secrets.redact(text)
    assert HIDDEN in redacted
    assert not secrets.inside(redacted)
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@given(
    value=st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=30),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_base64_hides_it_at_no_offset(value: str, before: bytes, after: bytes) -> None:
    secrets = Secrets({"LIFECYCLE_SECRET_A": value})
    _ = secrets["a"]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert HIDDEN in secrets.redact(encode(before + value.encode() + after).decode())


@given(st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=30), st.text(), st.text())
def test_no_text_keeps_a_secret(value: str, before: str, after: str) -> None:
    secrets = Secrets({"LIFECYCLE_SECRET_A": value})
    _ = secrets["a"]
    assert secrets.inside(f"{before}{value}{after}")
    redacted = secrets.redact(f"{before}{value}{after}")
    assert value not in redacted.replace(HIDDEN, "\0") or value in HIDDEN


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    values = {"LIFECYCLE_SECRET_A": "abcdef", "LIFECYCLE_SECRET_B": "abcdefghij"}
    secrets = Secrets(values)
    _ = secrets["a"], secrets["b"]
    assert secrets.redact("abcdefghij abcdef") == f"{HIDDEN} {HIDDEN}"


def test_innocent_text_is_left_as_it_is(secrets: Secrets) -> None:
    text = "docker exec -u 0 -ti my_test_c passwd kim"
    assert secrets.redact(text) == text
    assert not secrets.inside(text)


def test_a_secret_that_was_never_used_hides_nothing() -> None:
    assert Secrets({"LIFECYCLE_SECRET_A": "common word"}).redact("common word") == "common word"
