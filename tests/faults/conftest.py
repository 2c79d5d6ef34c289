"""A corner of the engine for each test, as the tests of engines have."""

from tests.engine.conftest import base_image, in_sandbox, place, shared_place

__all__ = ["base_image", "in_sandbox", "place", "shared_place"]
