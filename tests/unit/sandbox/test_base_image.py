"""The base image is of the lab's packages, else of the machine's own; no host is built in."""

from __future__ import annotations

import tomllib

import pytest

from lifecycle.sandbox.base_image import Mirrors, chosen
from lifecycle.sandbox.open import lab_of_sandbox
from lifecycle.scenario.lab import Lab

DEBIAN = "Debian main http://mirror.example.org/debian/"
SECURITY = "Debian-Security main http://mirror.example.org/debian-security/"
UBUNTU = "Ubuntu main http://mirror.example.org/ubuntu/"
UNFETCHED = "$(LABEL) main http://mirror.example.org/debian/"
UNFETCHED_SECURITY = "$(LABEL) main http://mirror.example.org/debian-security/"


def lines(*told: str) -> str:
    return "\n".join(told)


def test_the_machines_own_mirrors_are_the_images() -> None:
    assert chosen("", lines(UBUNTU, DEBIAN, SECURITY)).sources == (
        "deb http://mirror.example.org/debian/ bookworm main",
        "deb http://mirror.example.org/debian/ bookworm-updates main",
        "deb http://mirror.example.org/debian-security/ bookworm-security main",
    )


def test_a_mirror_is_known_by_its_label_wherever_its_packages_lie() -> None:
    assert chosen("", "Debian main http://mirror.example.org/deb").debian.endswith("/deb")


def test_a_mirror_whose_lists_were_never_fetched_is_known_by_its_address() -> None:
    found = chosen("", lines(UNFETCHED, UNFETCHED_SECURITY))
    assert found == chosen("", lines(DEBIAN, SECURITY))


def test_the_labs_mirror_comes_first_and_is_written_as_without_its_last_part() -> None:
    found = chosen("http://lab.example.org/", lines(DEBIAN, SECURITY))
    assert found.debian == "http://lab.example.org/debian"
    assert found.security == "http://lab.example.org/debian-security"


@pytest.mark.parametrize(
    "address",
    ["https://m.example.org/debian", "http://me:word@m.example.org/debian", "file:/srv/debian"],
)
def test_what_would_not_work_in_a_bare_image_is_passed_over(address: str) -> None:
    assert chosen("", f"Debian main {address}") == Mirrors()
    assert chosen(address, DEBIAN).debian == "http://mirror.example.org/debian/"


@pytest.mark.parametrize("told", ["", UBUNTU, DEBIAN.replace("main", "contrib")])
def test_without_a_mirror_of_debian_there_are_no_sources(told: str) -> None:
    assert chosen("", told).sources == ()


def test_without_one_of_security_updates_the_image_has_none() -> None:
    assert [line.split()[2] for line in chosen("", DEBIAN).sources] == [
        "bookworm",
        "bookworm-updates",
    ]


def of_sandbox(lab: Lab, monkeypatch: pytest.MonkeyPatch, **environ: str) -> Lab:
    """The sandbox's lab as a run reads it, on a machine that installs from one mirror."""
    mirror = chosen("", UBUNTU).any
    monkeypatch.setattr("lifecycle.sandbox.base_image.own_mirror", lambda: mirror)
    return Lab.model_validate(tomllib.loads(lab_of_sandbox(environ, lab)))


def test_a_sandbox_asks_outside_where_the_machine_gets_its_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = of_sandbox(Lab(), monkeypatch)
    assert (lab.outside, lab.apt_mirror) == ("http://mirror.example.org/ubuntu/", "")


def test_a_sandbox_has_the_labs_mirrors_and_address_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = Lab(
        apt_mirror="http://a.example.org",
        pip_index="http://p.example.org/simple",
        outside="http://o.example.org",
    )
    found = of_sandbox(mine, monkeypatch, http_proxy="http://192.0.2.1:3128")
    assert (found.apt_mirror, found.pip_index) == (mine.apt_mirror, mine.pip_index)
    assert found.outside == mine.outside
    assert found.proxy.http == "http://192.0.2.1:3128"
    without = of_sandbox(mine.model_copy(update={"outside": ""}), monkeypatch)
    assert without.outside == mine.apt_mirror
