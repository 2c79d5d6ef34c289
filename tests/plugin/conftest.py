"""The plugin is tested on a real engine, with the corner that the engine tests use."""

from tests.engine.conftest import base_image, in_sandbox, place, shared_place

__all__ = ["base_image", "in_sandbox", "place", "shared_place"]
