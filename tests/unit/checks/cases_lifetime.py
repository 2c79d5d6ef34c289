"""The rows of how a container lives; see cases.py for their form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lifecycle.command.values.basic import RestartPolicy
from lifecycle.facts.model import Facts
from lifecycle.machine.procfs import MountLine
from tests.unit.checks.cases import Case, config, host, state
from tests.unit.checks.cases_limits import ENDED, GONE, inside
from tests.unit.checks.samples import EXITED, IMAGE_ID, having, inspected, said, seeing

MASKED = MountLine("/proc/keys", "/null", "tmpfs", "tmpfs", frozenset({"rw"}), frozenset())


def health(**check: Any) -> Facts:
    return config(Healthcheck=check)


def made_of(**image: Any) -> Facts:
    return replace(having(inspected()), images={"me/test:latest": {"Id": IMAGE_ID, **image}})


LIVED = [
    Case(said("--init", "container.init", True), host(Init=True), host(Init=None)),
    Case(
        inside("--init", "container.init", True),
        seeing(pid1=("/sbin/docker-init", "--", "bash")),
        seeing(pid1=("bash",)),
        host(PidMode="host"),
        "process 1 is another's, as the container has no process numbers of its own",
    ),
    Case(
        said("--restart", "container.restart", RestartPolicy("on-failure", 3)),
        host(RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 3}),
        host(RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 0}),
    ),
    Case(
        said("--restart no", "container.restart", RestartPolicy("no", 0)),
        host(RestartPolicy={"Name": "", "MaximumRetryCount": 0}),
        host(RestartPolicy={"Name": "always", "MaximumRetryCount": 0}),
    ),
    Case(
        said("--stop-signal", "container.stop_signal", "INT"),
        config(StopSignal="INT"),
        config(StopSignal="TERM"),
    ),
    Case(
        said("--stop-timeout", "container.stop_timeout", 5),
        config(StopTimeout=5),
        config(StopTimeout=None),
    ),
    Case(
        said("--health-cmd", "container.health.command", "true"),
        health(Test=["CMD-SHELL", "true"]),
        health(Test=["CMD", "true"]),
    ),
    Case(
        said("--health-cmd", "container.health.watched", True),
        having(state(Health={"Status": "starting"})),
        having(state(Health=None)),
        having(state(**EXITED)),
        "it is not running",
    ),
    *(
        Case(
            said(f"--health-{name}", f"container.health.setting.{name}", 5),
            health(**{key: 5}),
            health(**{key: 6}),
        )
        for name, key in (
            ("interval", "Interval"),
            ("retries", "Retries"),
            ("start_interval", "StartInterval"),
            ("start_period", "StartPeriod"),
            ("timeout", "Timeout"),
        )
    ),
    Case(
        said("--no-healthcheck", "container.no_healthcheck", True),
        health(Test=["NONE"]),
        config(Healthcheck=None),
    ),
    Case(
        said("--log-driver", "container.log_driver", "local"),
        host(LogConfig={"Type": "local", "Config": {}}),
        host(LogConfig={"Type": "json-file", "Config": {}}),
    ),
    Case(
        said("--log-opt", "container.log_opt.max-size", "1m"),
        host(LogConfig={"Type": "local", "Config": {"max-size": "1m"}}),
        host(LogConfig={"Type": "local", "Config": None}),
    ),
    Case(
        said("--runtime", "container.runtime", "crun"), host(Runtime="crun"), host(Runtime="runc")
    ),
    Case(
        said("--platform", "container.platform", "linux/arm64"),
        made_of(Os="linux", Architecture="arm64", Variant="v8"),
        made_of(Os="linux", Architecture="amd64"),
        having(inspected()),
        "its image was not looked at",
    ),
    Case(
        said("--annotation", "container.annotations.a.b", "c"),
        host(Annotations={"a.b": "c"}),
        host(Annotations=None),
    ),
    Case(
        said("--storage-opt", "container.storage_opt.size", "1G"),
        host(StorageOpt={"size": "1G"}),
        host(StorageOpt=None),
    ),
    Case(
        said("--use-api-socket", "container.api_socket", True),
        host(Mounts=[{"Target": "/var/run/docker.sock"}]),
        host(Mounts=None),
    ),
    Case(
        inside("--use-api-socket", "container.api_socket", True),
        seeing(mounts=(replace(MASKED, target="/run/docker.sock"),)),
        seeing(),
        GONE,
        ENDED,
    ),
]
