"""Giving tags, and who gave which: by the engine's own events."""

from __future__ import annotations

import json
import time
from typing import Any

from lifecycle.engine.client import mapped
from lifecycle.engine.events import Event
from lifecycle.engine.removals import Removals


class Tags(Removals):
    """Whoever had a tag has it no more when it is given."""

    @mapped
    def tag_image(self, image: str, name: str) -> None:
        """Give an image a tag, ``me/test:1``."""
        repository, _, tag = name.rpartition(":")
        self._api.tag(image, repository, tag)

    @mapped
    def tags_given(self, since: float) -> list[Event]:
        """The events of tags that anybody gave since then (epoch seconds) and until now."""
        api: Any = self._api
        how = {
            "since": f"{since:.9f}",
            "until": f"{time.time():.9f}",
            "filters": json.dumps({"type": ["image"], "event": ["tag"]}),
        }
        answer = api._get(api._url("/events"), params=how)  # noqa: SLF001 - its own has no limit
        return [Event.read(json.loads(line)) for line in answer.text.splitlines() if line.strip()]
