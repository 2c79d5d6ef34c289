"""Making things on an engine: called where a request of a run's is judged only."""

from __future__ import annotations

from collections.abc import Mapping

from lifecycle.engine.client import Client, mapped


class Makings(Client):
    """What the harness makes itself, so that it can tell what it made."""

    @mapped
    def create_volume(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        """Make a volume; one of this name that is there stays as it is, without these labels."""
        self._api.create_volume(name, driver or None, dict(options), dict(labels))
