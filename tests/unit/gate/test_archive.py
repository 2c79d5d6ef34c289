"""An archive is kept until its manifests are known, in bounded memory; what was read is sent."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import socket
import tarfile
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifecycle.gate import archive
from lifecycle.gate.archive import Spool
from tests.unit.gate.fakes import OK, Engine, Heard, Opened, request

TAGS = b'[{"Config": "c.json", "RepoTags": ["theirs/img:v1"]}]'


def packed(*files: tuple[str, bytes], global_headers: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(
        fileobj=made, mode="w", format=tarfile.PAX_FORMAT, pax_headers=global_headers
    ) as out:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return made.getvalue()


def one_of(kind: bytes, name: str, to: str = "", size: int = 0) -> bytes:
    """An archive of one thing that is no file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, to, size
    return member.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 1024


def listed(data: bytes) -> dict[str, Any]:
    with Spool() as spool:
        spool.take([data])
        return spool.listed()


def sent(data: bytes) -> bytes:
    """The archive as the engine gets it."""
    ours, theirs = socket.socketpair()
    got = bytearray()

    def read() -> None:
        while piece := theirs.recv(1 << 16):
            got.extend(piece)

    reading = threading.Thread(target=read)
    reading.start()
    with theirs:
        with ours, Spool() as spool:
            spool.take([data[:100], data[100:]])
            assert spool.size == len(data)
            spool.listed()
            spool.send(ours)
        reading.join(60)
    return unchunked(got)


def unchunked(got: bytearray) -> bytes:
    """A body that came in chunks."""
    whole, rest = b"", bytes(got)
    assert rest.endswith(b"0\r\n\r\n")
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        whole, rest = whole + rest[:count], rest[count + 2 :]
    return whole


def held(data: bytes) -> dict[str, bytes]:
    """The files of an archive as another program reads them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        files = ((one, opened.extractfile(one)) for one in opened if one.isreg())
        return {one.name: file.read() for one, file in files if file is not None}


CONTENT = b"{}"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_every_manifest_is_told_wherever_it_stands() -> None:
    files = [
        ("a/manifest.json", b"1"),
        ("layer.tar", os.urandom(100_000)),
        ("./manifest.json", b"2"),
        ("index.json", b"3"),
        ("manifest.json.bak", b"4"),
        ("repositories", b"5"),
        ("oci-layout", b"6"),
    ]
    assert listed(packed(*files)) == {
        "manifest.json": ["1", "2"],
        "index.json": ["3"],
        "repositories": ["5"],
        "oci-layout": ["6"],
        "digests": {},
    }


def naming(*configs: object, key: str = "Config") -> tuple[str, bytes]:
    """A manifest that names files as images' configurations."""
    return "manifest.json", json.dumps([{key: config} for config in configs]).encode()


@pytest.mark.parametrize(
    "name", [DIGEST, f"{DIGEST}.json", f"blobs/sha256/{DIGEST}", "c0.json", "./a//c0.json", "/c"]
)
@pytest.mark.parametrize("key", ["Config", "config", "CONFIG"])
def test_a_configuration_s_digest_is_told_whatever_it_is_called(name: str, key: str) -> None:
    base = name.rpartition("/")[2]
    told = {base: DIGEST}
    for files in ([(name, CONTENT), naming(name, key=key)], [naming(name, key=key), (name, b"{}")]):
        assert listed(packed(*files))["digests"] == told
    assert listed(packed((name, CONTENT)))["digests"] == {}, "no manifest names it"
    twice = [(name, CONTENT), (f"x/{base}", CONTENT), naming(name), naming(name)]
    assert listed(packed(*twice))["digests"] == told, "it is the same in both places"


@pytest.mark.parametrize("last", [True, False])
def test_what_one_name_could_mean_in_two_ways_has_no_digest(*, last: bool) -> None:
    """A folder may be a link to the one where the other file lies."""
    files = [("a/c.json", CONTENT), ("b/c.json", b"other"), ("b/c.json", CONTENT)]
    made = packed(*(files if last else reversed(files)), naming("a/c.json"))
    assert listed(made)["digests"] == {}


def test_several_images_have_a_digest_each() -> None:
    files = [("c0.json", CONTENT), ("x/c1.json", b"other"), ("l.tar", b"a layer")]
    named = [naming("c0.json", "x/c1.json", "c0.json"), naming("none.json", 1, None, {})]
    other = hashlib.sha256(b"other").hexdigest()
    assert listed(packed(*files, *named))["digests"] == {"c0.json": DIGEST, "c1.json": other}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_configuration_that_is_a_link_has_no_digest(kind: bytes) -> None:
    link = one_of(kind, "c.json", "x")[:512]
    made = link + packed(("x", CONTENT), naming("c.json"))
    assert listed(made)["digests"] == {}


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"[1", b"[]", b'"c.json"'])
def test_a_manifest_that_is_none_names_nothing(text: bytes) -> None:
    assert listed(packed(("c.json", CONTENT), ("manifest.json", text)))["digests"] == {}


def test_what_is_no_archive_has_a_problem() -> None:
    with Spool() as spool:
        assert spool.listed() == {"problem": "there is none"}
    assert listed(b"x" * 2000)["problem"]
    assert listed(gzip.compress(b"x" * 2000))["problem"]
    assert listed(b"\x28\xb5\x2f\xfd" + b"x" * 2000)["problem"], "zstd is not read"


@pytest.mark.parametrize(("name", "most"), [("MOST_MANIFEST_BYTES", 3), ("MOST_FILES", 1)])
def test_what_an_archive_may_tell_is_bounded(
    monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    data = packed(("manifest.json", b"12"), ("index.json", b"34"))
    assert "problem" not in listed(data)
    monkeypatch.setattr(archive, name, most)
    assert listed(data)["problem"]


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_head_that_is_too_long_is_not_read(kind: bytes) -> None:
    assert "head of 6000000000 bytes" in listed(one_of(kind, "x", size=6_000_000_000))["problem"]


def test_a_large_file_has_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_HASHED", 1)
    assert listed(packed((DIGEST, CONTENT), naming(DIGEST)))["digests"] == {}


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"]
)
def test_what_an_archive_holds_comes_whole_however_it_is_packed(
    size: int, pack: Callable[[bytes], bytes]
) -> None:
    files = {
        "l/layer.tar": os.urandom(size),
        "manifest.json": TAGS,
        "x" * 300: b"",
        "ü\udcff": b"1",
    }
    made = sent(pack(packed(*files.items())))
    assert held(made) == files
    assert made.startswith(b"l/layer.tar"), "not packed"


def test_links_and_folders_stay_what_they_are() -> None:
    folder = one_of(tarfile.DIRTYPE, "a")[:512]
    hard = one_of(tarfile.LNKTYPE, "c", "manifest.json")
    data = folder + packed(("manifest.json", TAGS))[:1024]
    data += one_of(tarfile.SYMTYPE, "b/layer.tar", "../a/layer.tar")[:512] + hard
    with tarfile.open(fileobj=io.BytesIO(sent(data))) as made:
        assert made.getmember("a").isdir()
        assert made.getmember("b/layer.tar").linkname == "../a/layer.tar"
        assert (made.getmember("c").type, made.getmember("c").linkname) == (
            tarfile.LNKTYPE,
            "manifest.json",
        )


@pytest.mark.parametrize(
    "kind",
    [tarfile.BLKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"7", b"Z"],
)
def test_what_is_neither_a_file_nor_a_folder_nor_a_link_is_a_problem(kind: bytes) -> None:
    assert "neither a file nor a folder nor a link" in listed(one_of(kind, "b/disk"))["problem"]


def test_a_header_that_gives_every_file_another_name_is_a_problem() -> None:
    """One program goes by such a header, the engine does not."""
    made = packed(("manifest.json", TAGS), global_headers={"path": "other"})
    assert "second name" in listed(made)["problem"]
    assert "problem" not in listed(packed(("x", b""), global_headers={"comment": "of git"}))


def test_what_comes_after_a_header_that_we_can_t_read_does_not_reach_the_engine() -> None:
    """A number that others take for nothing, in a header whose sum is right."""
    broken = bytearray(packed(("x", b"")))[:512]
    broken[108:116] = b"\x81" + b"\0" * 7
    broken[148:156] = b" " * 8
    broken[148:156] = b"%06o\0 " % sum(broken)
    made = packed(("a", b"1"))[:1024] + bytes(broken) + packed(("manifest.json", TAGS))
    assert listed(made) == {"digests": {}}
    assert held(sent(made)) == {"a": b"1"}


def test_what_a_file_is_beside_its_content_does_not_reach_the_engine() -> None:
    """A key of a header that one program knows and another one does not."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as out:
        member = tarfile.TarInfo("x")
        member.pax_headers = {"SCHILY.xattr.user.a": "b", "vendor.path": "manifest.json"}
        member.uname = "lee"
        out.addfile(member)
    assert b"vendor" in made.getvalue()
    assert not {b"vendor", b"SCHILY", b"lee"} & set(sent(made.getvalue()).split(b"\0"))
    assert b"vendor" not in sent(made.getvalue())


def test_an_engine_that_has_hung_up_ends_the_sending() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, Spool() as spool:
        spool.take([packed(("x", b"x" * 100_000))])
        spool.send(ours)


def test_an_archive_has_no_name_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Spool() as spool:
        spool.take([b"x" * 100_000])
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("much", ["files", "bytes"])
def test_little_memory_is_needed_however_much_it_holds(much: str) -> None:
    files = [(f"f{i}", b"") for i in range(8000)] if much == "files" else [("l", b"x" * (32 << 20))]
    data = packed(*files)
    del files
    ours, theirs = socket.socketpair()

    def read() -> None:
        piece = bytearray(1 << 16)
        while theirs.recv_into(piece):
            pass

    reading = threading.Thread(target=read)
    reading.start()
    with theirs, Spool() as spool:
        spool.take([data])
        tracemalloc.start()
        try:
            with ours:
                assert spool.listed() == {"digests": {}}
                spool.send(ours)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        reading.join(60)
    assert most < 4 << 20


def test_an_archive_is_judged_by_its_manifests_and_sent_whole(gate: Opened, engine: Engine) -> None:
    files = {"manifest.json": b"[]", "layer": b"x" * 3_000_000}
    body = packed(*files.items())
    got = bytearray()

    def handle(heard: Heard) -> None:
        assert heard.header("transfer-encoding") == ["chunked"]
        assert heard.header("content-length") == []
        got.extend(heard.rest)
        while not got.endswith(b"\r\n0\r\n\r\n"):
            got.extend(heard.channel.recv(1 << 16))
        heard.send(OK)

    engine.handler = handle
    answer = gate.ask(request("POST /v1.41/images/load", body=body))
    assert answer == OK
    assert gate.calls[0].archive == {"manifest.json": ["[]"], "digests": {}}
    assert held(unchunked(got)) == files
