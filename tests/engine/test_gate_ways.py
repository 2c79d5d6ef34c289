"""The ways from the gate to an engine: a socket, tcp, tcp with TLS, ssh, and none at all."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lifecycle.gate.gate import Gate, GateProcess
from lifecycle.machine.subject import current_subject
from lifecycle.sandbox.info import SandboxInfo
from tests.engine.harness import Place
from tests.engine.people import Person, run_as

pytestmark = pytest.mark.engine

SSH = """#!/bin/sh
# Stands in for ssh and its server: runs here what it was to run there.
while [ "$1" != docker ]; do shift; done
unset DOCKER_HOST
exec env DOCKER_HOST={engine} "$@"
"""
Wrap = Callable[[socket.socket], socket.socket]


@dataclass(frozen=True)
class Way:
    """An address, and the environment that reaches it."""

    address: str
    environ: dict[str, str]


def forwarder(stack: ExitStack, engine: str, wrap: Wrap) -> int:
    """The port of one that passes connections on to the engine, half-closing as they do."""
    listener = socket.create_server(("127.0.0.1", 0))
    stack.callback(listener.close)

    def one(client: socket.socket) -> None:
        with suppress(OSError), wrap(client) as near, socket.socket(socket.AF_UNIX) as far:
            far.connect(engine)
            up = threading.Thread(target=copy, args=(near, far), daemon=True)
            up.start()
            copy(far, near)
            up.join(20)

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with suppress(OSError):
            # A half-close in TLS is a message of its own, which Python sends with unwrap only.
            if not isinstance(sink, ssl.SSLSocket):
                sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=one, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def certificates(folder: Path) -> ssl.SSLContext:
    """A certificate of its own for both sides, in the files that docker looks for."""
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    subprocess.run([*made, "-keyout", key, "-out", cert], check=True, capture_output=True)
    shutil.copy(cert, folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.load_verify_locations(cert)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(params=["unix", "tcp", "tls", "ssh"])
def way(request: pytest.FixtureRequest, in_sandbox: SandboxInfo, tmp_path: Path) -> Iterator[Way]:
    engine = in_sandbox.docker_host.removeprefix("unix://")
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "CURL_", "REQ"))}
    with ExitStack() as stack:
        if request.param == "unix":
            yield Way(in_sandbox.docker_host, plain)
        elif request.param == "tcp":
            yield Way(f"tcp://127.0.0.1:{forwarder(stack, engine, lambda c: c)}", plain)
        elif request.param == "tls":
            context = certificates(tmp_path)
            port = forwarder(stack, engine, lambda c: context.wrap_socket(c, server_side=True))
            tls = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
            yield Way(f"tcp://localhost:{port}", plain | tls)
        else:
            program = tmp_path / "ssh"
            program.write_text(SSH.format(engine=in_sandbox.docker_host))
            program.chmod(0o755)
            yield Way("ssh://nobody@server", plain | {"PATH": f"{tmp_path}:{plain['PATH']}"})


def test_commands_reach_an_engine_by_each_way(way: Way, tmp_path: Path, base_image: str) -> None:
    (tmp_path / "gate").mkdir(mode=0o700)
    gate = Gate(
        current_subject(),
        way.environ,
        way.address,
        tmp_path / "gate",
        lambda call: call.relay(),
        process=GateProcess(),
    )
    try:
        env = gate.environ(way.environ)
        assert env["DOCKER_HOST"].startswith("unix://")
        assert "DOCKER_TLS_VERIFY" not in env
        ask = ("docker", "version", "-f", "{{.Server.Version}}")
        assert subprocess.run(ask, env=env, check=True, capture_output=True).stdout.strip()
        # Its end is known only by the half-close of what it reads.
        cat = ("docker", "run", "--rm", "-i", base_image, "cat")
        ran = subprocess.run(cat, env=env, check=True, capture_output=True, input=b"x" * 100_000)
        assert ran.stdout == b"x" * 100_000
    finally:
        gate.close()


def test_who_may_not_use_the_engine_sees_its_own_words_and_harms_nothing(
    place: Place, base_image: str
) -> None:
    person = Person("minji", 4711, 4712, "minji")
    steps = f"docker ps, docker run --rm {base_image} true"
    file = place.write("a.yaml", f"scenario: no group\nsteps: [{steps}]\n")
    ran = run_as(place, person, str(file))
    assert ran.exit_code == 1, ran.said
    step = ran.scenario()["steps"][0]
    assert "permission denied while trying to connect" in step["screen"]
    assert os.environ["DOCKER_HOST"] in step["screen"]
    assert "gate/docker.sock" not in str(ran.report)
    assert place.left() == []
