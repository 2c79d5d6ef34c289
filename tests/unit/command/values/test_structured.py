"""What reports and programs are given of a value with several parts: these keys, in this order."""

from __future__ import annotations

import json
import shlex
from typing import get_args

import pytest

from lifecycle.command.parse import parse
from lifecycle.command.promise import Expected
from lifecycle.command.promises import promises
from lifecycle.command.values.basic import RestartPolicy
from lifecycle.command.values.changes import Change
from lifecycle.command.values.gpus import GpuRequest
from lifecycle.command.values.limits import DeviceRate, Ulimit
from lifecycle.command.values.logs import LogsOptions
from lifecycle.command.values.mounts import BindEnds, Mount, MountAccess, MountOption, VolumesFrom
from lifecycle.command.values.networks import ExtraHost, Link, NetworkAlias
from lifecycle.command.values.ports import PublishedPort
from lifecycle.command.values.security import CdiDevice, Device
from lifecycle.command.values.structured import Structured, as_json

BIND = "run -v /a:/b:Z x"
EVERY_OPTION = "logs --details -ft --until 2024-01-31 --since 10m -n 5 c"
ALL_OF_THEM = (
    '{"lines": 5, "since": "10m", "until": "2024-01-31", '
    '"timestamps": true, "details": true, "follow": true}'
)
GIVEN: list[tuple[type[Structured], str, str]] = [
    (BindEnds, BIND, '{"source": "/a", "target": "/b"}'),
    (CdiDevice, "run --device a.b/gpu=0 x", '{"cdi": "a.b/gpu=0"}'),
    (Change, "commit -c 'USER me' c", '{"instruction": "USER", "value": "me"}'),
    (Change, "commit -c 'CMD [\"a\"]' c", '{"instruction": "CMD", "value": ["a"]}'),
    (Change, "commit -c 'ENV a=' c", '{"instruction": "ENV", "key": "a", "value": ""}'),
    (
        Device,
        "run --device /dev/a:/dev/b x",
        '{"source": "/dev/a", "target": "/dev/b", "permissions": "rwm"}',
    ),
    (DeviceRate, "run --device-read-iops /dev/a:7 x", '{"device": "/dev/a", "rate": 7}'),
    (ExtraHost, "run --add-host h:1.2.3.4 x", '{"host": "h", "address": "1.2.3.4"}'),
    (
        GpuRequest,
        "run --gpus '\"device=0,1\"' x",
        '{"count": 0, "devices": ["0", "1"], "capabilities": ["gpu"]}',
    ),
    (Link, "run --link a x", '{"container": "a", "alias": "a"}'),
    (LogsOptions, "logs c", '{"lines": "all"}'),
    (LogsOptions, "logs --tail 0 -f c", '{"lines": 0, "follow": true}'),
    (
        LogsOptions,
        EVERY_OPTION,
        ALL_OF_THEM,
    ),
    (Mount, BIND, '{"source": "/a", "target": "/b", "type": "bind", "readonly": false}'),
    (MountAccess, BIND, '{"target": "/b", "readonly": false}'),
    (MountOption, BIND, '{"target": "/b", "option": "relabel", "value": "Z"}'),
    (NetworkAlias, "run --network-alias a x", '{"network": "", "alias": "a"}'),
    (PublishedPort, "run -p 80 x", '{"container": "80/tcp", "host_ip": "", "host_port": ""}'),
    (RestartPolicy, "run --restart always x", '{"name": "always", "retries": 0}'),
    (Ulimit, "run --ulimit nofile=1:2 x", '{"soft": 1, "hard": 2}'),
    (VolumesFrom, "run --volumes-from a:ro x", '{"container": "a", "readonly": true}'),
]


@pytest.mark.parametrize(("kind", "line", "text"), GIVEN)
def test_a_value_of_several_parts_is_given_as_this_mapping(
    kind: type[Structured], line: str, text: str
) -> None:
    made = promises(parse(["docker", *shlex.split(line)]))
    given = {json.dumps(as_json(p.expected)) for p in made if isinstance(p.expected, kind)}
    assert given == {text}


def test_every_type_of_several_parts_that_a_promise_may_expect_is_among_them() -> None:
    types = {t for t in get_args(Expected) if isinstance(t, type) and issubclass(t, Structured)}
    assert types == {kind for kind, _, _ in GIVEN}


def test_the_parts_of_a_list_are_given_too_and_what_is_json_stays_as_it_is() -> None:
    assert as_json([Ulimit(1, 2), ("a", None)]) == [{"soft": 1, "hard": 2}, ["a", None]]
    assert as_json({"count": 1}) == {"count": 1}
