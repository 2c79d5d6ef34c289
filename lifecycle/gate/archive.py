"""An archive of images on its way to the engine: kept on disk until it is known what it names.

The engine reads every manifest that an archive holds, wherever it stands, so all of them are told.
An archive can be written so that two programs read different names in it. So it is made anew for
the engine, of what was read here, and of a manifest every key is told as if it had no case, since
to the engine it has none.
"""

from __future__ import annotations

import json
import socket
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing, suppress
from types import TracebackType
from typing import IO, Any, Self

_TOLD = ("manifest.json", "repositories", "index.json")
MOST_TOLD = 4 << 20
"""Bytes of one manifest."""
_PIECE = 1 << 18
_KINDS = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)


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
        """Send on, in chunks, what was read of it."""
        if self._file is not None:
            with suppress(BrokenPipeError):
                sink = _Chunks(engine)
                with (
                    closing(self._opened()) as archive,
                    closing(_written(sink)) as made,
                ):
                    for member in archive:
                        made.addfile(_plain(member), _content(archive, member))
                sink.end()

    def listed(self) -> dict[str, Any]:
        """What its manifests say, by their names, or ``problem``: why they can't be read."""
        if self._file is None:
            return {"problem": "there is none"}
        told: dict[str, Any] = {}
        try:
            with closing(self._opened()) as archive:
                for member in archive:
                    # In whatever folder: one may be a link to the folder where it counts.
                    name = member.name.rpartition("/")[2]
                    if not member.isreg() and member.type not in _KINDS:
                        return {"problem": f"{name} is neither a file nor a folder nor a link"}
                    if name not in _TOLD:
                        continue
                    if not member.isreg() or member.size > MOST_TOLD:
                        return {"problem": f"{name} is no file of a usual size"}
                    file = _content(archive, member)
                    told.setdefault(name, []).append(_read(file.read() if file else b""))
        except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError) as error:
            return {"problem": str(error) or type(error).__name__}
        return told

    def _opened(self) -> tarfile.TarFile:
        assert self._file is not None  # noqa: S101 - both callers have looked
        self._file.seek(0)
        return tarfile.open(fileobj=self._file, mode="r|*", bufsize=_PIECE)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return archive.extractfile(member) if member.isreg() else None


def _written(sink: _Chunks) -> tarfile.TarFile:
    to: Any = sink  # all that is asked of it is to write
    made = tarfile.open(  # noqa: SIM115 - closed by whoever writes
        fileobj=to, mode="w|", bufsize=_PIECE, format=tarfile.PAX_FORMAT
    )
    made.copybufsize = _PIECE  # type: ignore[attr-defined] # its own default is 16 KiB
    return made


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member with nothing but what was read of it."""
    made = tarfile.TarInfo(member.name)
    made.type = tarfile.REGTYPE if member.isreg() else member.type
    made.size = member.size if member.isreg() else 0
    made.mode, made.mtime, made.linkname = member.mode, int(member.mtime), member.linkname
    return made


def _read(manifest: bytes) -> Any:
    """A manifest, its keys without case; raises ValueError for one that has a key twice."""
    return json.loads(manifest.decode(), object_pairs_hook=_without_case)


def _without_case(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key.casefold() in made:
            raise ValueError(f"{key} stands twice")
        made[key.casefold()] = value
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
