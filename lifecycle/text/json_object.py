"""What a JSON object is once it is read, where nothing narrower is known of it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""Names to values. What the engine answers is held to a shape when it is read (engine/answers)."""
