"""Which addresses a network may not have: by them this machine finds others."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from lifecycle.machine import addresses
from lifecycle.machine.addresses import taken_by

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0000140A\t010200C0\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
a line that is cut
"""
ROUTES_6 = """\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo
"""  # noqa: E501 - as the kernel writes it
RESOLVER = (
    "search lab\nnameserver 198.51.100.53\nnameserver 127.0.0.53\nnameserver fd00:1::53%eth0\n"
)


@pytest.fixture(autouse=True)
def _this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("ROUTES", ROUTES), ("ROUTES_6", ROUTES_6), ("RESOLVER", RESOLVER)):
        file = tmp_path / name
        file.write_text(text)
        monkeypatch.setattr(addresses, name, file)


@pytest.mark.parametrize(
    ("subnet", "what"),
    [
        ("192.0.2.0/24", "the route to 192.0.2.0/24 by eth0"),
        ("192.0.0.0/16", "the route to 192.0.2.0/24 by eth0"),
        ("192.0.2.128/25", "the route to 192.0.2.0/24 by eth0"),
        ("10.20.7.1/24", "the route to 10.20.0.0/16 by eth0"),
        ("198.51.100.0/24", "the name server 198.51.100.53"),
        ("fd00::/96", "the route to fd00::/64 by eth0"),
        ("fd00:1::/64", "the name server fd00:1::53"),
        ("127.0.0.0/24", "127.0.0.0/8, the machine's own addresses,"),
        ("169.254.0.0/16", "169.254.0.0/16, the machine's own addresses,"),
        ("240.0.0.0/8", "224.0.0.0/3, the machine's own addresses,"),
        ("0.0.0.0/1", "127.0.0.0/8, the machine's own addresses,"),
        ("fe80::/64", "fe80::/10, the machine's own addresses,"),
    ],
)
def test_what_the_machine_finds_others_by_is_taken(subnet: str, what: str) -> None:
    assert taken_by(ip_network(subnet, strict=False)) == what


@pytest.mark.parametrize(
    "subnet",
    ["172.28.0.0/16", "172.17.0.0/16", "fd01::/64"],
)
def test_others_are_free(subnet: str) -> None:
    assert taken_by(ip_network(subnet, strict=False)) == ""


def test_a_machine_that_tells_nothing_has_all_of_them_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROUTES", "ROUTES_6", "RESOLVER"):
        monkeypatch.setattr(addresses, name, tmp_path / "none")
    assert taken_by(ip_network("192.0.2.0/24")) == ""
