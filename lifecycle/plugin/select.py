"""Selections keep a run whole: the steps before the chosen ones, ``finally`` and the clean-up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lifecycle.plugin.items import CleanupItem, ScenarioFile, StepItem

if TYPE_CHECKING:
    import pytest


def completed(chosen: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The chosen items with what they need, in order; other plugins' items stay as they are.

    ``-k``, ``--lf`` and single ids choose steps; a step alone would meet nothing of what the
    steps before it make.
    """
    result: list[pytest.Item] = []
    files: set[ScenarioFile] = set()
    listed = list(chosen)
    for item in listed:
        if not isinstance(item, StepItem | CleanupItem):
            result.append(item)
        elif item.parent not in files:
            files.add(item.parent)
            mine = [i for i in listed if i.parent is item.parent]
            result += _whole(item.parent, mine)
    return result


def _whole(file: ScenarioFile, chosen: list[pytest.Item]) -> list[pytest.Item]:
    # The clean-up alone would find nothing to clean, and pass.
    everything = len(file.items)
    last = max((i.index for i in chosen if isinstance(i, StepItem)), default=everything)
    return [
        i
        for i in file.items
        if i in chosen
        or isinstance(i, CleanupItem)
        or (isinstance(i, StepItem) and (i.index <= last or i.always))
    ]
