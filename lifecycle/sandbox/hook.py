"""The hook that stands in for NVIDIA's: it gives a container a simulated ``nvidia-smi``.

Run by runc, with the container's state on standard input and the list of GPUs as its argument.
It runs outside of any environment of ours, so it uses the standard library alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """#!/bin/sh
# SIMULATED: no GPU is behind this.
case "$*" in
  -L|--list-gpus) printf '%s\\n' {listed} ;;
  "") printf '%s\\n' 'SIMULATED NVIDIA-SMI' {listed} ;;
  *) echo "SIMULATED nvidia-smi: only -L is simulated, not: $*" >&2; exit 2 ;;
esac
"""


def main() -> int:
    """Put the program into the container that is about to start."""
    gpus: list[dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())
    bundle = Path(json.load(sys.stdin)["bundle"])
    config = json.loads((bundle / "config.json").read_text())
    asked = [e.partition("=")[2] for e in config["process"]["env"] if e.startswith(_VISIBLE)]
    words = asked[-1].split(",") if asked else []
    known = {str(g["index"]): g for g in gpus} | {g["uuid"]: g for g in gpus}
    if words == ["all"]:
        visible = gpus
    elif set(words) <= {"", "none", "void"}:
        return 0
    elif unknown := [word for word in words if word not in known]:
        sys.stderr.write(f"SIMULATED nvidia-container-cli: device error: {unknown[0]}: unknown\n")
        return 1
    else:
        visible = [known[word] for word in words]
    # Under the container's root, so that no link in the image leads to a file of the host.
    os.chroot(bundle / config["root"]["path"])
    program = Path("/usr/bin/nvidia-smi")
    program.parent.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    lines = [f"'GPU {g['index']}: {g['name']} (UUID: {g['uuid']})'" for g in visible]
    program.write_text(_PROGRAM.format(listed=" ".join(lines)))
    program.chmod(0o755)
    return 0


_VISIBLE = "NVIDIA_VISIBLE_DEVICES="

if __name__ == "__main__":
    sys.exit(main())
