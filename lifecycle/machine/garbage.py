"""When to look for garbage: not in what a short-lived process loads, which stays until its end.

To look through it, while it is loaded and once more at the end, took a fifth of the time of a
short command, and each long round of a run 20 ms.
"""

from __future__ import annotations

import atexit
import gc


def spare_what_is_loaded() -> None:
    """Collect nothing from here on, and at the end let go of everything as it is."""
    gc.disable()
    atexit.register(gc.freeze)


def all_is_loaded() -> None:
    """Collect again, but look at nothing of what there is now."""
    gc.freeze()
    gc.enable()
