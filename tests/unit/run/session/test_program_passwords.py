"""A password in an address, however it is written there, stands in nothing that is told."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from lifecycle.run.secrets.secrets import HIDDEN, Secrets
from lifecycle.run.session.person import Person
from lifecycle.run.session.program_passwords import hide_all
from lifecycle.scenario.lab import Lab
from lifecycle.text.credentials import secrets_of
from tests.unit.checks.samples import ME

ADDRESSES = {
    "http://user:p@ss@proxy:3128": "p@ss",
    "http://user:pa/ss@proxy:3128": "pa/ss",
    "http://user:s3cret@word@proxy:3128": "s3cret@word",
    "http://user:s3cret/w@rd/x@proxy:3128/": "s3cret/w@rd/x",
    "http://TOKEN-of-mine@proxy:3128": "TOKEN-of-mine",
    "http://TOKEN-of-mine:@proxy:3128": "TOKEN-of-mine",
    "http://tok@proxy:3128": "tok@proxy",
    "user:pw@proxy:3128": "pw@",
    "user:s3cret-word@proxy:3128": "s3cret-word",
    "http://user:s3cret%40word@proxy:3128": "s3cret@word",
    "http://user:p%40s@proxy:3128": "p@s",
    "socks5h://user:s3cret-word@[::1]:1080": "s3cret-word",
    "https://user:s3cret-word@pypi.lab/simple/@scope": "s3cret-word",
    "http://a:b@p": "a:b@p",
    "  http://user:s3cret-word@proxy  ": "s3cret-word",
}
HARMLESS = ["", "http://proxy:3128", "proxy:3128", "localhost,.lab,10.0.0.0/8", "http://[::1]:3128"]


def person(tmp_path: Path, env: dict[str, str], lab: Lab | None = None) -> Person:
    return Person(ME, {"HOME": str(tmp_path), **env}, tmp_path, lab or Lab())


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", ["http_proxy", "HTTPS_PROXY", "All_Proxy"])
def test_what_is_secret_in_a_proxy_of_the_environment_is_redacted(
    tmp_path: Path, key: str, address: str
) -> None:
    secret, secrets = ADDRESSES[address], Secrets({})
    hide_all(secrets, [person(tmp_path, {key: address})])
    decoded = address.replace("%40", "@")
    for text in (address, decoded, quote(address), json.dumps(address), f"x {address}/path"):
        told = secrets.redact(f"before {text} after")
        assert HIDDEN in told
        assert secret not in told
        assert quote(secret) not in told
        assert told.startswith("before ")
        assert told.endswith(" after")


def test_what_is_sent_to_the_proxy_is_redacted_also_for_a_short_password(tmp_path: Path) -> None:
    for given in ("user:p@ss", "user:s3cret@word"):
        secrets = Secrets({})
        hide_all(secrets, [person(tmp_path, {"http_proxy": f"http://{given}@proxy:3128"})])
        coded = base64.b64encode(given.encode()).decode()
        assert coded not in secrets.redact(f"Proxy-Authorization: Basic {coded}")


@pytest.mark.parametrize("address", HARMLESS)
def test_an_address_without_a_secret_hides_nothing(address: str) -> None:
    assert secrets_of(address) == []


@pytest.mark.parametrize("key", ["apt_mirror", "pip_index", "outside"])
def test_other_addresses_of_the_lab_are_treated_so_as_well(tmp_path: Path, key: str) -> None:
    lab = Lab.model_validate({key: "https://me:s3cret-word@mirror.lab/x"})
    secrets = Secrets({})
    hide_all(secrets, [person(tmp_path, {}, lab)])
    assert secrets.redact("a s3cret-word") == f"a {HIDDEN}"
    assert secrets.inside("s3cret-word"), "in a command it is refused"


def test_what_a_persons_docker_configuration_holds_is_redacted(tmp_path: Path) -> None:
    logins = {
        "a.lab": {"auth": base64.b64encode(b"kim:registry-word").decode()},
        "b.lab": {"identitytoken": "a-long-token"},
        "c.lab": {},
        "d.lab": {"auth": "%%%"},
    }
    proxies = {"default": {"httpProxy": "http://u:conf/word@p:1", "noProxy": ".lab"}}
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(
        json.dumps({"auths": logins, "proxies": proxies})
    )
    secrets = Secrets({})
    hide_all(secrets, [person(tmp_path, {})])
    told = secrets.redact("registry-word a-long-token conf/word .lab")
    assert told == f"{HIDDEN} {HIDDEN} {HIDDEN} .lab"
    assert not secrets.inside("conf/word"), "the author of a command knows nothing of it"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"auths": 1}', '{"proxies": {"x": 1}}', "[" * 9999]
)
def test_a_configuration_that_is_none_hides_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    secrets = Secrets({})
    hide_all(secrets, [person(tmp_path, {"DOCKER_CONFIG": str(tmp_path)})])
    assert secrets.redact(text) == text


def test_the_name_of_a_person_is_hidden_in_the_address_only(tmp_path: Path) -> None:
    me = dataclasses.replace(ME, name="kimchi")
    env = {"http_proxy": "http://kimchi@proxy:3128"}
    secrets = Secrets({})
    hide_all(secrets, [Person(me, env, tmp_path, Lab())])
    assert secrets.redact("docker build -t kimchi/test .") == "docker build -t kimchi/test ."
    assert "kimchi" not in secrets.redact(env["http_proxy"])
