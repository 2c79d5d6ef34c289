"""Why it failed, and who can mend it."""
