"""Removing things from an engine: called by the ledger's owner only."""

from __future__ import annotations

from typing import Any

from docker.errors import NotFound

from lifecycle.engine.client import Client, mapped, within
from lifecycle.engine.limits import ANSWER_LIMIT, REMOVAL_LIMIT


class Removals(Client):
    """What is not there any more is no error."""

    @within(REMOVAL_LIMIT / ANSWER_LIMIT)
    def remove_container(self, container: str) -> None:
        """Force-remove a container with its anonymous volumes."""
        try:
            # Its layers may be many: longer than other questions may take.
            api: Any = self._api
            url, how = api._url("/containers/{0}", container), {"v": True, "force": True}  # noqa: SLF001
            api._raise_for_status(api._delete(url, params=how, timeout=REMOVAL_LIMIT))  # noqa: SLF001
        except NotFound:
            return

    @mapped
    def remove_image(self, name: str, *, alone: bool = False) -> None:
        """Remove a tag, and the image when it was the last tag.

        Unless it goes ``alone``, the images without a tag that it stands on go with it.
        """
        try:
            self._api.remove_image(name, noprune=alone)
        except NotFound:
            return

    @mapped
    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        try:
            self._api.remove_volume(name)
        except NotFound:
            return

    @mapped
    def remove_network(self, name: str) -> None:
        """Remove a network."""
        try:
            self._api.remove_network(name)
        except NotFound:
            return
