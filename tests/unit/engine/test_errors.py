"""What an exception on the way to an engine means."""

from __future__ import annotations

import pytest
from requests.exceptions import ChunkedEncodingError

from lifecycle.engine.errors import (
    EngineAbsent,
    EngineAway,
    EngineDeniedError,
    EngineError,
    EngineSilent,
    error_from,
)


def behind(error: Exception) -> Exception:
    """An error as libraries raise it: the system's is behind it."""
    outer = ValueError("('Connection aborted.', ...)")
    outer.__context__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (behind(ConnectionRefusedError(111, "Connection refused")), EngineAbsent, "refused"),
        (behind(FileNotFoundError(2, "No such file or directory")), EngineAbsent, "No such file"),
        (ChunkedEncodingError("broken off"), EngineAway, "broken off"),
        (behind(TimeoutError("timed out")), EngineSilent, "no answer within 7 s"),
        (behind(PermissionError(13, "Permission denied")), EngineDeniedError, "Permission denied"),
        (ValueError("no such option"), EngineError, "no such option"),
    ],
)
def test_refused_lost_silent_and_refusing_are_told_apart(
    error: Exception, kind: type[EngineError], said: str
) -> None:
    told = error_from(error, "unix:///e", 7)
    assert type(told) is kind
    assert said in str(told)
