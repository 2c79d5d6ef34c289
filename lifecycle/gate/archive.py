"""An archive of images on its way to the engine: kept on disk until it is known what it names.

The engine reads every manifest that an archive holds, wherever it stands, so all of them are told.
An archive can be written so that two programs read different names in it. So what could have two
names is not read at all, and the archive is made anew for the engine, of what was read here.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import posixpath
import socket
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from types import TracebackType
from typing import IO, Any, Self, cast

_MANIFEST_NAMES = ("manifest.json", "repositories", "index.json", "oci-layout")
MOST_MANIFEST_BYTES = 1 << 20
"""Bytes of all manifests."""
MOST_HASHED = 4 << 20
"""Bytes of a file whose digest is told: images' configurations are small."""
MOST_FILES = 1 << 16
MOST_HEAD = 1 << 20
"""Bytes of what stands before a file to tell more of it: a name that is long."""
_PIECE = 1 << 18
_KINDS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_LONGEST_NAME = 255
"""Characters of a file's name; no file of the engine's can have a longer one."""
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
        """Send the archive on, in chunks, made anew of what this module read."""
        if self._file is None:
            return
        with suppress(ConnectionError):  # an engine that has answered reads no more of it
            sink = _Chunks(engine)
            with closing(_opened(self._file)) as archive, closing(_written(sink)) as made:
                for member in archive:
                    made.addfile(_plain(member), _file(archive, member))
                    archive.members.clear()  # else each keeps the head of each
                    made.members.clear()
            sink.end()

    def listed(self) -> dict[str, Any]:
        """The texts of its manifests, by their names, or ``problem``: why they can't be read.

        ``digests`` are those of the images' configurations that are known for certain, by the
        names of their files.
        """
        if self._file is None:
            return {"problem": "there is none"}
        texts: dict[str, Any] = {}
        digests: dict[str, str] = {}
        try:
            with closing(_opened(self._file)) as archive:
                for name, text in _manifests(archive, digests):
                    texts.setdefault(name, []).append(text)
        except _UNREADABLE as error:
            return {"problem": str(error) or type(error).__name__}
        asked = {name for text in texts.get("manifest.json", ()) for name in _configurations(text)}
        return {**texts, "digests": {name: digests[name] for name in asked if digests.get(name)}}


def file_name(path: str) -> str:
    """The name of a file in whatever folder of an archive: a link may lead to each of them."""
    return posixpath.normpath(path).rpartition("/")[2]


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    first = file.read(6)
    file.seek(0)
    opened = next((how(file) for magic, how in _PACKED.items() if first.startswith(magic)), file)
    return cast("IO[bytes]", opened)


def _opened(file: IO[bytes]) -> Any:
    """An archive, read from its beginning to its end."""
    return tarfile.open(fileobj=_unpacked(file), mode="r|", bufsize=_PIECE, tarinfo=_Member)


def _written(sink: _Chunks) -> Any:
    to: Any = sink  # all that is asked of it is to write
    made: Any = tarfile.open(  # noqa: SIM115 - closed by whoever writes
        fileobj=to, mode="w|", bufsize=_PIECE, format=tarfile.PAX_FORMAT
    )
    made.copybufsize = _PIECE  # its own default is 16 KiB
    return made


class _Chunks:
    """A file that sends what is written to it as a request's body in chunks."""

    def __init__(self, engine: socket.socket) -> None:
        self._engine = engine

    def write(self, data: bytes) -> int:
        if data:
            self._engine.sendall(b"%x\r\n%b\r\n" % (len(data), data))
        return len(data)

    def end(self) -> None:
        self._engine.sendall(b"0\r\n\r\n")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A copy of a member, with only the parts that this module reads."""
    made = tarfile.TarInfo(member.name)
    made.type = tarfile.REGTYPE if member.isreg() else member.type
    made.size = member.size if member.isreg() else 0
    made.mode, made.mtime, made.linkname = member.mode, int(member.mtime), member.linkname
    return made


class _Member(tarfile.TarInfo):
    """A file of an archive; ``long`` says that its name stands in a header of GNU's kind."""

    long = False

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """As tarfile does; a head that tells more of a file is read whole, so it must be short."""
        if self.type not in _KINDS and self.size > MOST_HEAD:
            raise ValueError(f"a head of {self.size} bytes")
        following: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return following

    def _proc_gnulong(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        following: tarfile.TarInfo = super()._proc_gnulong(archive)  # type: ignore[misc]
        if isinstance(following, _Member):
            following.long = True
        return following


def _manifests(archive: Any, digests: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each manifest; raises ValueError for an archive that can't be read for certain.

    ``digests`` gets each file's digest by its name; empty where it is not known for certain.
    """
    left = MOST_MANIFEST_BYTES
    for count, member in enumerate(archive):
        _refuse_two_names(archive, member)
        name = file_name(member.name)
        if member.type not in _KINDS:
            raise ValueError(f"{name[:200]!r} is neither a file nor a folder nor a link")
        if name in _MANIFEST_NAMES:
            left -= member.size
            if not member.isreg() or left < 0:
                raise ValueError(f"{name} is no file of a usual size")
            yield name, _content(archive, member).decode("utf-8")
        elif len(name) <= _LONGEST_NAME and not member.isdir():
            digest = _digest(archive, member)
            digests[name] = digest if digests.get(name, digest) == digest else ""
        if count >= MOST_FILES:
            raise ValueError(f"it holds more than {MOST_FILES} files")
        archive.members.clear()  # else it keeps the head of each


def _refuse_two_names(archive: Any, member: tarfile.TarInfo) -> None:
    """Raise ValueError for a file that the engine, which is written in Go, calls otherwise."""
    twice = getattr(member, "long", False) and "path" in member.pax_headers
    sparse = any(key.startswith("GNU.sparse") for key in member.pax_headers)
    if twice or sparse or set(archive.pax_headers) - {"comment"}:
        raise ValueError(f"{member.name[:200]!r} has a second name")


def _digest(archive: Any, member: tarfile.TarInfo) -> str:
    """A file's digest; empty for a large one, and for a link, which may lead anywhere."""
    if not member.isreg() or member.size > MOST_HASHED:
        return ""
    return hashlib.sha256(_content(archive, member)).hexdigest()


def _configurations(manifest: str) -> Iterator[str]:
    """The names of the files that a manifest calls an image's configuration, and maybe others.

    The engine reads a key in whatever case. What the manifest says is judged elsewhere: here it is
    only asked which digests may matter.
    """
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        found.extend(
            file_name(v) for k, v in pairs if k.casefold() == "config" and isinstance(v, str)
        )

    with suppress(ValueError, RecursionError):
        json.loads(manifest, object_pairs_hook=look)
    yield from found


def _file(archive: Any, member: tarfile.TarInfo) -> IO[bytes] | None:
    """What a file holds; a link's is that of another one."""
    file: IO[bytes] | None = archive.extractfile(member) if member.isreg() else None
    return file


def _content(archive: Any, member: tarfile.TarInfo) -> bytes:
    file = _file(archive, member)
    content = file.read() if file else b""
    if len(content) != member.size:
        raise ValueError(f"{member.name[:200]!r} breaks off")
    return content
