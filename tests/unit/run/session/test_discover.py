"""What steers a person's own docker CLI is read as it reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.machine.subject import current_subject
from lifecycle.run.session.discover import own_detach_keys

ME = current_subject()


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ('{"detachKeys": "ctrl-q,a"}', "ctrl-q,a"),
        ('{"detachKeys": "no key"}', ""),
        ('{"auths": {}}', ""),
        ('["detachKeys"]', ""),
        ("no json", ""),
        (None, ""),
    ],
)
def test_the_detach_keys_are_those_of_the_person_s_configuration(
    tmp_path: Path, config: str | None, keys: str
) -> None:
    folder = tmp_path / ".docker"
    folder.mkdir()
    if config is not None:
        (folder / "config.json").write_text(config)
    assert own_detach_keys({"HOME": str(tmp_path)}, ME) == keys
    assert own_detach_keys({"HOME": "/nonexistent", "DOCKER_CONFIG": str(folder)}, ME) == keys
