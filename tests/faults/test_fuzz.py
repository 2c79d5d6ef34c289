"""Two thousand random lines of every verb and flag, and nobody else's thing has changed.

Other ones each time; ``LIFECYCLE_FUZZ=NUMBER`` draws those of a run again whose number is told.
"""

from __future__ import annotations

import os
import secrets

import pytest

from lifecycle.command.flags import VERBS
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.fuzzing import Fuzz, flags_of, moved_in, tried
from tests.engine.harness import Place

pytestmark = pytest.mark.engine
LINES = 2000
REQUESTS = 2000


def test_2000_random_lines_change_nothing_of_others_and_leave_nothing(
    own_engine: SandboxInfo, own_place: Place
) -> None:
    start = int(os.environ.get("LIFECYCLE_FUZZ") or secrets.randbelow(10**6))
    there = moved_in(own_place, own_engine)
    fuzz = Fuzz(there, own_place, start)
    lines = tried(fuzz, LINES, REQUESTS)
    every = {(verb.name, flag.long) for verb in VERBS.values() for flag in verb.flags}
    assert sorted(every - flags_of(lines)) == []
