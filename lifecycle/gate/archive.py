"""An archive of images on its way to the engine: kept on disk until it is known what it names.

The engine reads every manifest that an archive holds, wherever it stands, so all of them are told.
"""

from __future__ import annotations

import json
import socket
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

_TOLD = ("manifest.json", "repositories", "index.json")
MOST_TOLD = 4 << 20
"""Bytes of one manifest."""


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
        """What its manifests say, by their names, or ``problem``: why they can't be read."""
        if self._file is None:
            return {"problem": "there is none"}
        self._file.seek(0)
        told: dict[str, Any] = {}
        try:
            with tarfile.open(fileobj=self._file, mode="r|*") as archive:
                for member in archive:
                    # In whatever folder: one may be a link to the folder where it counts.
                    name = member.name.rpartition("/")[2]
                    if name not in _TOLD:
                        continue
                    if not member.isfile() or member.size > MOST_TOLD:
                        return {"problem": f"{name} is no file of a usual size"}
                    file = archive.extractfile(member)
                    told.setdefault(name, []).append(json.loads(file.read() if file else b""))
        except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError) as error:
            return {"problem": str(error) or type(error).__name__}
        return told
