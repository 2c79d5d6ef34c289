"""The fuzz in small: 150 random lines and as many requests, and nobody else's thing has changed.

``nox -s faults`` tries 2,000. What either found is kept as a case, in ``test_fuzz_cases``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from lifecycle.sandbox.open import open_sandbox
from tests.engine.fuzzing import Fuzz, moved_in, tried
from tests.engine.harness import Place
from tests.engine.neighbourhood import Neighbourhood
from tests.engine.whole_picture import CHANGES, differences, look

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("in_sandbox")]
START = 1
LINES = 150


@contextmanager
def nobody_else_starts_one() -> Iterator[None]:
    """While a sandbox starts or ends, no other test looks at this machine's state."""
    folder = os.open(Path(__file__).parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    yield
    os.close(folder)


@pytest.fixture(scope="module")
def own_engine() -> Iterator[SandboxInfo]:
    """An engine of this module's own: a line that got through would hit other tests, too."""
    with nobody_else_starts_one():
        opened = open_sandbox(say=print)
        info = opened.__enter__()
    yield info
    with nobody_else_starts_one():
        opened.__exit__(None, None, None)


@pytest.fixture(scope="module")
def own_place(own_engine: SandboxInfo) -> Iterator[Place]:
    # Not tmp_path: a person of the run must be able to come in.
    folder = Path(tempfile.mkdtemp(prefix="lifecycle-test-"))
    folder.chmod(0o755)
    yield Place(folder, environ=own_engine.environ())
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def there(own_engine: SandboxInfo, own_place: Place) -> Neighbourhood:
    """Thirty things of others, of every kind."""
    return moved_in(own_place, own_engine)


def test_150_random_lines_change_nothing_of_others_and_leave_nothing(
    there: Neighbourhood, own_place: Place
) -> None:
    assert there.size >= 30
    tried(Fuzz(there, own_place, START), LINES, LINES)


def test_the_comparison_notices_every_kind_of_change(there: Neighbourhood) -> None:
    """This changes what the others have, so it comes last."""
    before = look(there)
    assert differences(before, look(there)) == []
    for change in CHANGES:
        there.engine.docker(*change.words(there))
    told = differences(before, look(there))
    missed = [c.line for c in CHANGES if not any(c.told(there) in one for one in told)]
    assert missed == [], told
