"""A step whose things a skipped step would have made does not run."""

from __future__ import annotations

from lifecycle.command.line import Ref
from lifecycle.run.steps.guard import missing


def test_what_a_skipped_step_would_have_made_is_missing() -> None:
    skipped = {Ref("container", "c"): "step 2 was skipped"}
    uses = [Ref("image", "i"), Ref("container", "c")]
    assert missing(uses, skipped) == "container c was never made: step 2 was skipped"
    assert missing(uses[:1], skipped) == ""
