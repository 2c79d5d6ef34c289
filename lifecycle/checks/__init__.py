"""Whether a promise was kept: judged from the facts alone, one file a subject."""
