"""Whatever an engine answers, a command says it in a sentence and ends as documented."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.cli import main
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.engine.end_exec import end_exec
from lifecycle.run.ownership.build_layers import left_over
from lifecycle.run.ownership.inventory import take
from lifecycle.run.ownership.ledger import Entry
from tests.fake_engine import GOOD, ID, FakeEngine, fake_engine, mutations

SOON = 20.0
LINE = (
    "docker run -d --name web -p 8080:80 -v data:/data --network lan --network-alias web "
    "--ulimit nofile=1024:2048 --device /dev/fuse --health-cmd true --health-retries 3 "
    "--log-driver json-file --log-opt max-size=1m --restart on-failure:3 --gpus all "
    "--mount type=volume,source=more,target=/more --blkio-weight-device /dev/sda:10 "
    "--device-read-bps /dev/sda:1000 --dns 10.0.0.1 --add-host a:10.0.0.2 --cap-add NET_ADMIN "
    "--cap-drop CHOWN --tmpfs /t:size=1m --sysctl net.core.somaxconn=10 --memory 128m "
    "--cpus 1.5 --pids-limit 100 --init --user 1000 -w /work -e A=b --label a=b -h web "
    "--entrypoint /bin/sh --stop-signal SIGTERM --stop-timeout 3 --group-add 44 --expose 80 "
    "--ip 10.0.0.5 --volumes-from other --security-opt no-new-privileges --shm-size 64m "
    "--link other:db --link-local-ip 169.254.0.1 --mac-address 02:00:00:00:00:01 "
    "--cpuset-cpus 0 --oom-score-adj 5 --read-only --privileged -P -t -i img sleep 1"
)
COMMANDS: dict[str, list[str]] = {
    "hold": ["hold", "web"],
    "hold a line": ["hold", "web", "--", *LINE.split()],
    "hold all": ["hold", "--all", "--json"],
    "doctor": ["doctor", "--json"],
}
DOCUMENTED = {0, 1, 4}
MADE = Entry("container", "web", ID)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """What the commands of this process take for their engine."""
    with fake_engine(tmp_path) as made:
        monkeypatch.setenv("DOCKER_HOST", made.address)
        monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        yield made


def said(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_good_engine_is_understood(
    engine: FakeEngine, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers[f"containers/{ID}/json"] = engine.answers["containers/web/json"]
    assert main(COMMANDS[command]) in {0, 1}
    assert "answered with" not in said(capsys)


PAIRS = [
    *(("hold", path) for path in ("info", "containers/web/json", "images/img/json")),
    *(("hold a line", path) for path in ("containers/web/json", "images/img/json")),
    *(("hold all", path) for path in ("containers/json", "version")),
    *(("doctor", path) for path in ("info", "version", "containers/json")),
]


@pytest.mark.parametrize(("command", "path"), PAIRS)
def test_every_field_of_every_other_kind_ends_as_documented(
    engine: FakeEngine, command: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = list(mutations(GOOD[path]))
    chosen = made if len(made) <= 60 else random.Random(path + command).sample(made, 60)
    for name, answer in chosen:
        engine.answers[path] = answer
        begun = time.monotonic()
        code = main(COMMANDS[command])
        told = said(capsys)
        assert code in DOCUMENTED, (name, code, told[-2000:])
        assert time.monotonic() - begun < SOON, name
        assert len(told) < 1_000_000, name


ASKED: dict[str, Callable[[Daemon], object]] = {
    "info": lambda daemon: (daemon.shares_machine, daemon.remaps_users),
    "version": lambda daemon: daemon.version,
    "containers/json": take,
    "images/json": lambda daemon: (take(daemon), left_over(daemon, [MADE], [])),
    "images/img/json": lambda daemon: daemon.image("img"),
    "images/img/history": lambda daemon: daemon.history("img"),
    "volumes": take,
    "volumes/data": lambda daemon: daemon.volume("data"),
    "networks": take,
    "networks/lan": lambda daemon: daemon.network("lan"),
    "exec/e1/json": lambda daemon: end_exec(daemon, "e1"),
}


@pytest.mark.parametrize("path", ASKED)
def test_every_question_has_an_answer_or_an_error_of_ours(engine: FakeEngine, path: str) -> None:
    for name, answer in mutations(GOOD[path]):
        engine.answers[path] = answer
        daemon = Daemon(engine.address, {}, limit=5)
        try:
            ASKED[path](daemon)
        except EngineError as error:
            assert "\n" not in str(error), name
            assert len(str(error)) < 2000, name
        daemon.close()


@pytest.mark.parametrize(
    ("path", "change", "sentence"),
    [
        ("info", {"Driver": 5}, "answered with a number (5) at info.Driver, where text belongs"),
        ("info", {"SecurityOptions": [None]}, "nothing at info.SecurityOptions[0], where text"),
        ("version", {"ApiVersion": None}, "answered with None as its API's version"),
        ("containers/web/json", {"State": []}, "a list at container.State, where a mapping"),
        ("containers/web/json", {"Id": None}, "nothing at container.Id, where text belongs"),
        (
            "containers/web/json",
            {"RestartCount": "3"},
            "text (3) at container.RestartCount, where a whole number belongs",
        ),
    ],
)
def test_the_sentence_says_what_was_answered_and_what_belongs_there(
    engine: FakeEngine,
    path: str,
    change: dict[str, Any],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine.answers[path] = GOOD[path] | change
    assert main(["hold", "web"]) == 4
    assert sentence in said(capsys)


@pytest.mark.parametrize("field", ["Mounts", "NetworkSettings"])
def test_what_an_engine_leaves_null_is_as_what_it_leaves_out(
    engine: FakeEngine, field: str
) -> None:
    found = []
    for change in ({field: None}, {}):
        kept = {k: v for k, v in GOOD["containers/web/json"].items() if k != field}
        engine.answers["containers/web/json"] = kept | change
        found.append(Daemon(engine.address, {}).container("web"))
    assert found[0] == found[1]


def test_an_error_that_is_no_mapping_is_told(engine: FakeEngine) -> None:
    for body in ([1], None, "text", {"message": 5}, {"message": None}, {}):
        text = json.dumps(body)

        def serve(link: Any, _path: str, text: str = text) -> None:
            link.sendall(f"HTTP/1.1 500 X\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())

        engine.serve = serve
        with pytest.raises(EngineError):
            _ = Daemon(engine.address, {}).info


def test_there_are_hundreds_of_them() -> None:
    assert len(list(itertools.chain(*(mutations(GOOD[path]) for path in GOOD)))) > 2000
