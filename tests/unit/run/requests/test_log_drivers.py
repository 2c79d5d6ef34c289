"""Where a container's output goes: the engine's root speaks to no socket of the machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.run.requests.fakes import Run

LINE = "POST /containers/create?name=x"


def asked(driver: str, **options: str) -> Any:
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return {"HostConfig": {"LogConfig": {"Type": driver, "Config": config}}}


REFUSED: list[tuple[Any, str]] = [
    (asked("syslog", syslog_address="unixgram:///run/systemd/notify"), "speak as root"),
    (asked("syslog", syslog_address="unix:///dev/log"), "speak as root"),
    (asked("syslog", syslog_address="UNIX:///dev/log"), "speak as root"),
    (asked("syslog"), "this machine itself"),
    (asked("syslog", syslog_address="tcp://127.0.0.1:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://127.1:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://localhost:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://logs.example.org:514"), "by its number"),
    (asked("syslog", syslog_address="tcp://[::1]:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://[::ffff:127.0.0.1]:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://0.0.0.0:514"), "speak as root"),
    (asked("syslog", syslog_address="tcp://192.0.2.1@127.0.0.1:514"), "speak as root"),
    (asked("gelf", gelf_address="udp://169.254.169.254:80"), "speak as root"),
    (asked("fluentd"), "this machine itself"),
    (asked("fluentd", fluentd_address="unix:///run/x.sock"), "speak as root"),
    (asked("fluentd", fluentd_address="127.0.0.1:24224"), "speak as root"),
    (asked("splunk", splunk_url="https://localhost:8088"), "speak as root"),
    (
        asked("splunk", splunk_url="https://192.0.2.1:8088", splunk_capath="/etc/ssl/ca"),
        "reads that file as root",
    ),
    (
        asked("syslog", syslog_address="tcp+tls://192.0.2.1:1", syslog_tls_key="/home/bob/key"),
        "reads that file as root",
    ),
    (
        asked("syslog", syslog_address="udp://192.0.2.1:514", tag="x\nWATCHDOG=trigger"),
        "a control character",
    ),
    (asked("json-file", tag="x\ny"), "a control character"),
    (asked("journald", tag="x\ry"), "a control character"),
    *((asked(name), "is not known") for name in ("awslogs", "gcplogs", "etwlogs", "logentries")),
    (asked("somebody/plugin:latest"), "is not known"),
    (asked("JSON-FILE"), "is not known"),
    (
        {"hostconfig": {"logconfig": {"type": "syslog", "CONFIG": {}}}},
        "this machine itself",
    ),
]


@pytest.mark.parametrize(("body", "why"), REFUSED)
def test_output_goes_to_no_service_of_the_machine(run: Run, body: Any, why: str) -> None:
    call = run.ask(LINE, body)
    assert (call.status, call.relayed) == (403, "")
    assert why in call.refusal
    assert "`engine: as-written`" in call.refusal
    run.as_written = True
    assert run.ask(LINE, body).relayed


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"HostConfig": {"LogConfig": None}},
        asked(""),
        asked("none"),
        asked("local", max_size="1m"),
        asked("json-file", max_size="1m", tag="{{.Name}}/{{.ID}}"),
        asked("", max_size="1m"),
        asked("journald", tag="mine", labels="a,b"),
        asked("syslog", syslog_address="udp://192.0.2.1:514", tag="mine"),
        asked("syslog", syslog_address="tcp+tls://[2001:db8::1]:6514"),
        asked("gelf", gelf_address="udp://10.0.0.9:12201"),
        asked("fluentd", fluentd_address="192.168.0.5:24224"),
        asked("splunk", splunk_url="https://192.0.2.1:8088", splunk_token="t"),
    ],
)
def test_output_that_stays_here_or_goes_to_another_machine_is_let_through(
    run: Run, body: Any
) -> None:
    run.engine.info = {**run.engine.info, "LoggingDriver": "json-file"}
    assert run.ask(LINE, body).relayed


def test_options_without_a_driver_are_those_of_the_engine_s_usual_one(run: Run) -> None:
    run.engine.info = {**run.engine.info, "LoggingDriver": "syslog"}
    body = asked("", syslog_address="unixgram:///run/systemd/notify")
    assert "speak as root" in run.ask(LINE, body).refusal
    assert run.ask(LINE, asked("")).relayed


def test_old_engines_read_it_outside_of_its_place_where_it_is_refused(run: Run) -> None:
    assert run.ask(LINE, {"LogConfig": {"Type": "syslog"}}).status == 400
