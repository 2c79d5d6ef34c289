"""Making things on an engine: called where a request of a run's is judged only."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from lifecycle.engine.client import Client, mapped
from lifecycle.engine.events import Event


class Makings(Client):
    """What the harness makes itself, so that it can tell what it made, and what others did."""

    @mapped
    def create_volume(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        """Make a volume; one of this name that is there stays as it is, without these labels."""
        self._api.create_volume(name, driver or None, dict(options), dict(labels))

    @mapped
    def tag_image(self, image: str, name: str) -> None:
        """Give an image a tag, ``me/test:1``; whoever had it has it no more."""
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
