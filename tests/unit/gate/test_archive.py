"""An archive is kept until its manifests are known, in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import socket
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from lifecycle.gate import archive
from lifecycle.gate.archive import Spool


def packed(*files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return made.getvalue()


def listed(data: bytes) -> dict[str, Any]:
    with Spool() as spool:
        spool.take([data])
        return spool.listed()


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
        "true": [],
    }


@pytest.mark.parametrize("name", [DIGEST, f"{DIGEST}.json", f"blobs/sha256/{DIGEST}"])
def test_a_file_whose_name_is_its_digest_is_told(name: str) -> None:
    assert listed(packed((name, CONTENT)))["true"] == [DIGEST]
    assert listed(packed((name, b"other")))["true"] == []
    assert listed(packed((name, CONTENT), (f"x/{DIGEST}", b"other")))["true"] == []
    assert listed(packed((f"x/{DIGEST}", b"other"), (name, CONTENT)))["true"] == []


def test_what_is_no_archive_has_a_problem() -> None:
    with Spool() as spool:
        assert spool.listed() == {"problem": "there is none"}
    assert listed(b"x" * 2000)["problem"]
    assert listed(gzip.compress(b"x" * 2000))["problem"]
    assert listed(b"\x28\xb5\x2f\xfd" + b"x" * 2000)["problem"], "zstd is not read"


@pytest.mark.parametrize(("name", "most"), [("MOST_TOLD", 3), ("MOST_FILES", 1)])
def test_what_an_archive_may_tell_is_bounded(
    monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    data = packed(("manifest.json", b"12"), ("index.json", b"34"))
    assert "problem" not in listed(data)
    monkeypatch.setattr(archive, name, most)
    assert listed(data)["problem"]


def test_a_large_file_is_not_held_against_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_HASHED", 1)
    assert listed(packed((DIGEST, CONTENT)))["true"] == []


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
def test_an_archive_is_sent_on_as_it_came(size: int) -> None:
    data = os.urandom(size)
    ours, theirs = socket.socketpair()
    with ours, theirs, Spool() as spool:
        spool.take([data[:100], data[100:]])
        assert spool.size == size
        got = bytearray()

        def read() -> None:
            while piece := theirs.recv(1 << 16):
                got.extend(piece)

        reading = threading.Thread(target=read)
        reading.start()
        spool.listed()
        spool.send(ours)
        ours.close()
        reading.join(60)
        assert bytes(got) == data


def test_an_engine_that_has_hung_up_ends_the_sending() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, Spool() as spool:
        spool.take([b"x" * 100_000])
        spool.send(ours)


def test_an_archive_has_no_name_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Spool() as spool:
        spool.take([b"x" * 100_000])
        assert list(tmp_path.iterdir()) == []
