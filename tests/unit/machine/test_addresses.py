"""Which addresses a network may not have: by them this machine finds others."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from lifecycle.machine import addresses, peers
from lifecycle.machine.addresses import objection, taken_by

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

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 050200C0:9C40 05047ECF:0016 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   2: 050200C0:9C41 06057ECF:0016 06 00000000:00000000 00:00000000 00000000     0        0 3 1 0
   3: 050200C0:9C41 zz
"""
TCP_6 = """\
  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF0000050200C0:0016 0000000000000000FFFF00000705780A:D431 01 0 0
   1: 000000FD000000000000000001000000:0016 090000FD000000000000000008000000:D431 01 0 0
"""
MOUNTS = """\
36 25 0:41 / /home rw,relatime - nfs4 nas:/home rw,vers=4.2,clientaddr=10.90.0.1,addr=10.91.0.2
37 25 0:42 / /data rw,relatime - nfs 10.92.0.3:/data rw,mountaddr=10.93.0.4
38 25 0:43 / /share rw,relatime - cifs //10.94.0.5/share rw,username=me
39 25 0:44 / /ceph rw,relatime - ceph 10.95.0.6:6789,10.95.1.7:6789:/ rw
40 25 0:45 / /six rw,relatime - nfs4 [fd00:95::8]:/x rw
41 25 0:46 / / rw,relatime - overlay overlay rw,lowerdir=/10.96.0.1:/y
cut
"""
HOSTS = "127.0.0.1 localhost\n10.97.0.9 gitlab # 10.98.0.1\n# 10.99.0.1 old\nname 10.99.0.2\n\n"


@pytest.fixture(autouse=True)
def _this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("ROUTES", ROUTES), ("ROUTES_6", ROUTES_6), ("RESOLVER", RESOLVER)):
        file = tmp_path / name
        file.write_text(text)
        monkeypatch.setattr(addresses, name, file)
    for name, text in (("MOUNTS", MOUNTS), ("HOSTS", HOSTS)):
        file = tmp_path / name
        file.write_text(text)
        monkeypatch.setattr(peers, name, file)
    files = [tmp_path / name for name in ("tcp", "tcp6", "none")]
    for file, text in zip(files, (TCP, TCP_6), strict=False):
        file.write_text(text)
    monkeypatch.setattr(peers, "CONNECTIONS", files)


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


CONNECTED = "to which it has a connection,"


@pytest.mark.parametrize(
    ("subnet", "what"),
    [
        ("207.126.4.0/24", f"207.126.4.5, {CONNECTED}"),
        ("10.120.0.0/16", f"10.120.5.7, {CONNECTED}"),
        ("fd00:9::/32", f"fd00:9::8, {CONNECTED}"),
        ("10.91.0.0/24", "10.91.0.2, the server of /home,"),
        ("10.92.0.0/24", "10.92.0.3, the server of /data,"),
        ("10.93.0.0/24", "10.93.0.4, the server of /data,"),
        ("10.94.0.0/24", "10.94.0.5, the server of /share,"),
        ("10.95.0.0/24", "10.95.0.6, the server of /ceph,"),
        ("10.95.1.0/24", "10.95.1.7, the server of /ceph,"),
        ("fd00:95::/64", "fd00:95::8, the server of /six,"),
    ],
)
def test_whom_the_machine_talks_to_is_taken(subnet: str, what: str) -> None:
    assert taken_by(ip_network(subnet, strict=False)) == what


def test_whom_it_has_a_name_of_is_taken() -> None:
    assert "10.97.0.9, which stands in" in taken_by(ip_network("10.97.0.0/16"))


@pytest.mark.parametrize(
    "server", ["http://10.100.0.7:3128/", "10.100.0.7:5000", "https://u@10.100.0.7", "10.100.0.7"]
)
def test_a_server_that_the_engine_is_set_to_is_taken(server: str) -> None:
    taken = taken_by(ip_network("10.100.0.0/16"), ["registry.lab:5000", "docker.io", "", server])
    assert taken == f"{server}, which the engine is set to,"
    assert taken_by(ip_network("10.101.0.0/16"), [server, "http://[::1", "//"]) == ""


@pytest.mark.parametrize(
    "subnet",
    ["207.126.5.0/24", "10.90.0.0/24", "10.96.0.0/24", "10.98.0.0/24", "10.99.0.0/24"],
)
def test_whom_it_does_not_talk_to_is_not(subnet: str) -> None:
    assert taken_by(ip_network(subnet)) == ""


@pytest.mark.parametrize(
    "subnet",
    [
        *("203.0.113.0/24", "32.0.0.0/3", "193.0.0.0/8", "100.64.0.0/10", "0.0.0.0/0"),
        *("9.0.0.0/7", "172.0.0.0/8", "192.168.0.0/15", "169.254.0.0/16", "198.18.0.0/24"),
        *("2001:db8::/64", "fe80::/64", "::ffff:10.0.0.0/104", "fec0::/64", "::/0"),
    ],
)
def test_addresses_that_others_have_in_the_world_are_no_network_s(subnet: str) -> None:
    assert "are others' in the world" in objection(ip_network(subnet, strict=False))


@pytest.mark.parametrize("subnet", ["10.0.0.0/8", "10.0.0.0/15", "172.16.0.0/12", "fd00::/47"])
def test_nor_more_of_them_than_one_can_need(subnet: str) -> None:
    assert "it is so large" in objection(ip_network(subnet))


@pytest.mark.parametrize(
    "subnet",
    ["10.1.0.0/16", "172.31.0.0/16", "192.168.0.0/16", "192.168.7.0/28", "fd00::/48", "fd01::/64"],
)
def test_private_ones_may_be_one_s(subnet: str) -> None:
    assert objection(ip_network(subnet)) == ""
