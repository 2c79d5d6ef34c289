"""An archive of images on its way to the engine: kept on disk until it is known what it names.

The engine reads every manifest that an archive holds, wherever it stands, so all of them are told.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import posixpath
import re
import socket
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self, cast

_TOLD = ("manifest.json", "repositories", "index.json", "oci-layout")
MOST_TOLD = 1 << 20
"""Bytes of all manifests."""
MOST_HASHED = 4 << 20
"""Bytes of a file whose name is held against its content: images' configurations are small."""
MOST_FILES = 1 << 16
_BY_DIGEST = re.compile(r"([0-9a-f]{64})(?:\.json)?")
_PACKED: Mapping[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b\x08": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""How an archive may be packed, by its first bytes, as the engine tells it.

Of several packed pieces one after the other all are read, as the engine does.
"""
_UNREADABLE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class Spool:
    """A body that lies on disk; without a name there, so that it goes with the process."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._file: IO[bytes] | None = None
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def take(self, pieces: Iterable[bytes]) -> None:
        """Keep a body."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        for piece in pieces:
            self._file.write(piece)
            self.size += len(piece)

    def send(self, engine: socket.socket) -> None:
        """Send it on."""
        if self._file is not None:
            self._file.seek(0)
            with suppress(BrokenPipeError):
                engine.sendfile(self._file)

    def listed(self) -> dict[str, Any]:
        """The texts of its manifests, by their names, or ``problem``: why they can't be read.

        ``true`` are the digests by which files are named that have them.
        """
        if self._file is None:
            return {"problem": "there is none"}
        told: dict[str, Any] = {}
        known: dict[str, bool] = {}
        try:
            file = _unpacked(self._file)
            with tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as archive:
                for name, text in _told(archive, known):
                    told.setdefault(name, []).append(text)
        except _UNREADABLE as error:
            return {"problem": str(error) or type(error).__name__}
        return {**told, "true": [digest for digest, right in known.items() if right]}


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    first = file.read(6)
    file.seek(0)
    opened = next((how(file) for magic, how in _PACKED.items() if first.startswith(magic)), file)
    return cast("IO[bytes]", opened)


class _Member(tarfile.TarInfo):
    """A file of an archive; ``long`` says that its name stands in a header of GNU's kind."""

    long = False

    def _proc_gnulong(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        following: tarfile.TarInfo = super()._proc_gnulong(archive)  # type: ignore[misc]
        if isinstance(following, _Member):
            following.long = True
        return following


def _told(archive: Any, known: dict[str, bool]) -> Iterator[tuple[str, str]]:
    """Each manifest; raises ValueError for what can't be told."""
    left = MOST_TOLD
    for count, member in enumerate(archive):
        _refuse_two_names(archive, member)
        # In whatever folder: one may be a link to the folder where it counts.
        name = posixpath.normpath(member.name).rpartition("/")[2]
        if name in _TOLD:
            left -= member.size
            if not member.isreg() or left < 0:
                raise ValueError(f"{name} is no file of a usual size")
            yield name, _content(archive, member).decode("utf-8")
        elif (named := _BY_DIGEST.fullmatch(name)) and not member.isdir():
            known[named[1]] = known.get(named[1], True) and _is_true(archive, member, named[1])
        if count >= MOST_FILES:
            raise ValueError(f"it holds more than {MOST_FILES} files")
        archive.members.clear()  # else it keeps the head of each


def _refuse_two_names(archive: Any, member: tarfile.TarInfo) -> None:
    """Raise ValueError for a file that the engine, which is written in Go, calls otherwise."""
    twice = getattr(member, "long", False) and "path" in member.pax_headers
    sparse = any(key.startswith("GNU.sparse") for key in member.pax_headers)
    if twice or sparse or set(archive.pax_headers) - {"comment"}:
        raise ValueError(f"{member.name[:200]!r} has a second name")


def _is_true(archive: Any, member: tarfile.TarInfo, digest: str) -> bool:
    """Whether a file is what its name says; a link may lead anywhere."""
    if not member.isreg() or member.size > MOST_HASHED:
        return False
    return hashlib.sha256(_content(archive, member)).hexdigest() == digest


def _content(archive: Any, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    content = file.read() if file else b""
    if len(content) != member.size:
        raise ValueError(f"{member.name[:200]!r} breaks off")
    return content
