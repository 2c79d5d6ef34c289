"""The lab's proxy takes effect in the build and in the container, and leaves no trace."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.sandbox.info import SandboxInfo
from tests.engine import proxy
from tests.engine.harness import Place, Ran, broken

pytestmark = pytest.mark.engine

PASSWORD = secrets.token_hex(8)
FETCH = "/usr/lib/apt/apt-helper -q download-file http://{}.invalid/x /tmp/{}"
"""apt's own way of fetching a file, which goes through http_proxy; it is in every Debian."""
PASSED_ON = f"""
scenario: passed on
vars:
  build_proxy: "${{{{ ['--build-arg', 'http_proxy'] if lab.proxy.http else [] }}}}"
  run_proxy: "${{{{ ['-e', 'http_proxy'] if lab.proxy.http else [] }}}}"
steps:
  - write: dockerfile
    content: |
      FROM ${{{{ lab.base_image }}}}
      RUN {FETCH.format("build", "b")}
  - {{name: Build, command: "docker build ${{{{ build_proxy }}}} -t MINE/p . -f dockerfile"}}
  - name: Run
    command: docker run --rm --name=MINE-p ${{{{ run_proxy }}}} MINE/p {FETCH.format("run", "r")}
"""
NO_TRACE = """
  - name: History
    command: docker history --no-trunc MINE/p
    expect: {output: '(?s)\\A(?!.*PASSWORD).*\\Z'}
  - name: Config
    command: docker image inspect MINE/p
    expect: {output: '(?s)\\A(?!.*(PASSWORD|_proxy)).*\\Z'}
"""
IN_NO_BYTE = """
  - docker save -o image.tar MINE/p
  - {write: password, content: PASSWORD, mode: "0600"}
  - {name: Every byte, command: grep -c -f password image.tar, fails: {exit: 1}}
"""
LEAKS = """
scenario: leaks
steps:
  - write: dockerfile
    content: |
      FROM ${{ lab.base_image }}
      ENV http_proxy="${{ lab.proxy.http }}"
    mode: "0600"
  - {name: Build, command: "docker build -t MINE/p . -f dockerfile"}
"""


@dataclass
class Proxy:
    """A proxy of the sandbox's network: its address with the password, and what it was asked."""

    url: str
    log: Path

    def asked(self) -> str:
        """Each URL that was asked of it, a line each."""
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def through(place: Place, in_sandbox: SandboxInfo) -> Iterator[Proxy]:
    """A proxy that runs in the engine's own network."""
    log = place.folder / "proxy.log"
    words = [proxy.__file__, in_sandbox.address, f"lab:{PASSWORD}", str(log)]
    net = ["nsenter", f"--net={in_sandbox.netns}", "--", sys.executable, *words]
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with subprocess.Popen(net, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        yield Proxy(f"http://lab:{PASSWORD}@{in_sandbox.address}:{port}", log)
        process.send_signal(signal.SIGTERM)


def run(place: Place, text: str, through: Proxy, *words: str) -> Ran:
    path = place.write("a.yaml", text.replace("PASSWORD", PASSWORD))
    return place.run("--set", f"lab.proxy.http={through.url}", *words, str(path))


def test_build_and_container_go_through_it_and_the_image_knows_nothing_of_it(
    place: Place, through: Proxy
) -> None:
    ran = run(place, PASSED_ON + NO_TRACE + IN_NO_BYTE, through)
    assert ran.exit_code == 0, ran.said
    assert "http://build.invalid/x" in through.asked()
    assert "http://run.invalid/x" in through.asked()


def test_a_proxy_that_is_not_passed_on_is_not_used(place: Place, through: Proxy) -> None:
    text = PASSED_ON.replace("${{ build_proxy }}", "")
    ran = run(place, text, through)
    assert broken(ran.step("Build")) == ["exit code"]
    assert through.asked() == ""


def test_a_proxy_of_the_dockerfile_is_found_in_the_image(place: Place, through: Proxy) -> None:
    ran = run(place, LEAKS + NO_TRACE, through)
    assert ran.step("Build")["status"] == "passed"
    assert broken(ran.step("History")) == ["output"]


def test_the_proxys_password_is_in_no_artifact(place: Place, through: Proxy) -> None:
    ran = run(place, PASSED_ON, through)
    assert PASSWORD not in ran.said
    written = [p for p in ran.folder.rglob("*") if p.is_file()]
    assert written
    assert [p for p in written if PASSWORD in p.read_text("utf-8", "replace")] == []


def test_my_own_environment_is_installed_through_it(place: Place, through: Proxy) -> None:
    ran = place.run("--set", f"lab.proxy.http={through.url}", "@my-env")
    assert ran.exit_code == 0, ran.said
    assert "/dists/" in through.asked()
