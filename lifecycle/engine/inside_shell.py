"""A shell of ours that stays in a container, so that one exec serves many looks.

To start an exec costs ten times what a look itself does. The shell reads one script after the
other from its standard input, and ends when we hang up, or die.
"""

from __future__ import annotations

import secrets
import time

from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.errors import left
from lifecycle.engine.stream import MOST_BYTES, ExecStream, taken


class Resident:
    """One such shell; :meth:`ask` may be called by one thread at a time."""

    def __init__(self, stream: ExecStream, limit: float) -> None:
        """``limit`` is how many seconds an answer may take."""
        self._stream, self._limit = stream, limit

    @classmethod
    def open(cls, daemon: Daemon, container: str, user: str, mark: str, limit: float) -> Resident:
        """Start one; ``mark`` stands among its arguments. Raises EngineError."""
        argv = ["/bin/sh", "-s", "--", mark]
        return cls(daemon.open_inside(container, argv, user=user), limit)

    def ask(self, script: str) -> str:
        """What a script prints; it must not end the shell. Raises EngineError without an answer."""
        end = f"@@over-{secrets.token_hex(8)}"
        # The script gets nothing of what we say next.
        asked = f"{{\n{script}\n}} </dev/null 2>/dev/null\nprintf '{end}'\n"
        pieces, text = bytearray(), bytearray()
        deadline = time.monotonic() + left(self._limit)
        try:
            self._stream.expect_within(left(self._limit))
            self._stream.send(asked.encode())
            while not text.endswith(end.encode()):
                if len(pieces) + len(text) > MOST_BYTES:
                    raise EngineError(f"the shell inside printed more than {MOST_BYTES} bytes")
                # In all, not for each piece: a program inside may print for ever.
                self._stream.expect_within(max(0.001, deadline - time.monotonic()))
                piece = self._stream.read()
                if not piece:
                    raise EngineError("the shell inside has ended")
                pieces += piece
                text += taken(pieces)
        except OSError as error:
            raise EngineError(f"the shell inside did not answer: {error}") from error
        return text.decode("utf-8", "replace").removesuffix(end)

    def close(self) -> None:
        """Hang up, which ends it."""
        self._stream.close()
