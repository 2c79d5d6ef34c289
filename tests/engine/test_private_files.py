"""What a run leaves on disk is its person's own, unless they publish the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.harness import Place, wait_until

pytestmark = pytest.mark.engine

SLOW = """
scenario: slow
steps:
  - docker run --rm --name=MINE-c ${{ lab.base_image }} sleep 3
"""


def modes(folder: Path) -> set[int]:
    """Of a folder and of all that is in it."""
    return {path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize(
    ("words", "of_report"), [((), {0o700, 0o600}), (("--publish",), {0o755, 0o644})]
)
def test_a_ledger_is_its_persons_own_and_a_report_until_it_is_published(
    place: Place, words: tuple[str, ...], of_report: set[int]
) -> None:
    with place.started(*place.run_words(str(place.write("a.yaml", SLOW)), *words)) as process:
        wait_until(lambda: place.is_up("MINE-c"))
        (ledger,) = place.ledgers()
        of_ledgers = modes(ledger.parent)
        ran = place.ended(process)
    assert ran.exit_code == 0, ran.said
    assert of_ledgers == {0o700, 0o600}
    assert modes(ran.folder) == of_report
