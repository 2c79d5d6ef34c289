"""How long an engine is waited for, in seconds, before it counts as hung."""

ANSWER_LIMIT = 20.0
"""Seconds of a question; most take milliseconds."""
PING_LIMIT = 5.0
"""Seconds of whether it is there at all, and of any question after one that it left unanswered."""
REMOVAL_LIMIT = 60.0
"""Seconds of removing a container, whose layers may be many."""
END_LIMIT = 5.0
"""Seconds of the end of an exec whose processes were killed."""
