"""An archive of images: all that it names is told, and what was read is what is sent."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import socket
import tarfile
import threading
from collections.abc import Callable
from typing import Any

import pytest

from lifecycle.gate.archive import Spool

TAG = "theirs/img:v1"


def tar(*files: tuple[str, bytes], global_headers: dict[str, str] | None = None) -> bytes:
    """An archive of files, in that order."""
    held = io.BytesIO()
    with tarfile.open(
        fileobj=held, mode="w", format=tarfile.PAX_FORMAT, pax_headers=global_headers
    ) as made:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return held.getvalue()


def manifest(tag: str = TAG, key: str = "RepoTags") -> bytes:
    """A manifest of one image."""
    return json.dumps([{"Config": "c.json", key: [tag]}]).encode()


def told(data: bytes) -> dict[str, Any]:
    """What is told of an archive."""
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

    reader = threading.Thread(target=read)
    reader.start()
    with Spool() as spool, ours:
        spool.take([data])
        spool.send(ours)
    reader.join(30)
    theirs.close()
    whole, rest = b"", bytes(got)
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        whole, rest = whole + rest[:count], rest[count + 2 :]
    return whole


def names(data: bytes) -> list[str]:
    """The files of an archive as another program reads them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


@pytest.mark.parametrize("key", ["RepoTags", "repotags", "REPOTAGS", "RepoTag\u017f"])
def test_a_tag_is_told_in_every_spelling_of_its_key(key: str) -> None:
    assert told(tar(("manifest.json", manifest(key=key)))) == {
        "manifest.json": [[{"config": "c.json", "repotags": [TAG]}]]
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_manifest_in_another_encoding_than_the_engine_s_is_a_problem(encoding: str) -> None:
    assert "problem" in told(tar(("manifest.json", manifest().decode().encode(encoding))))


@pytest.mark.parametrize("second", ["RepoTags", "repoTags"])
def test_a_key_that_stands_twice_is_a_problem(second: str) -> None:
    text = f'[{{"RepoTags": ["a:1"], "{second}": ["{TAG}"]}}]'
    assert "stands twice" in told(tar(("manifest.json", text.encode())))["problem"]


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"]
)
def test_every_manifest_is_told_however_it_is_packed(pack: Callable[[bytes], bytes]) -> None:
    made = tar(("manifest.json", manifest("a:1")), ("x/manifest.json", manifest()))
    assert [m[0]["repotags"] for m in told(pack(made))["manifest.json"]] == [["a:1"], [TAG]]
    assert names(sent(pack(made))) == ["manifest.json", "x/manifest.json"]


def test_the_engine_gets_the_name_that_was_read_where_a_global_header_gives_another() -> None:
    """One program goes by such a header, the engine does not."""
    made = tar(("manifest.json", manifest()), global_headers={"path": "other"})
    assert told(made) == {}
    assert names(sent(made)) == ["other"]


def test_what_comes_after_a_header_that_we_can_t_read_does_not_reach_the_engine() -> None:
    """A number that others take for nothing, in a header whose sum is right."""
    broken = bytearray(tar(("x", b"")))[:512]
    broken[108:116] = b"\x81" + b"\0" * 7
    broken[148:156] = b" " * 8
    broken[148:156] = b"%06o\0 " % sum(broken)
    made = tar(("a", b"1"))[:1024] + bytes(broken) + tar(("manifest.json", manifest()))
    assert told(made) == {}
    assert names(sent(made)) == ["a"]


def test_what_an_archive_holds_comes_whole() -> None:
    data = bytes(range(256)) * 5000
    made = tar(("l/layer.tar", data), ("manifest.json", manifest()))
    with tarfile.open(fileobj=io.BytesIO(sent(made))) as archive:
        layer = archive.extractfile("l/layer.tar")
        assert layer is not None
        assert layer.read() == data


def test_a_link_stays_one_and_a_device_is_a_problem() -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/layer.tar"
        archive.addfile(link)
    with tarfile.open(fileobj=io.BytesIO(sent(held.getvalue()))) as archive:
        assert archive.getmember("b/layer.tar").linkname == "../a/layer.tar"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        device = tarfile.TarInfo("b/disk")
        device.type = tarfile.BLKTYPE
        archive.addfile(device)
    assert "neither a file nor a folder nor a link" in told(held.getvalue())["problem"]
