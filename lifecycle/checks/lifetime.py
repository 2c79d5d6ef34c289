"""Promises about how a container lives: its init, health, restarts, end, logs and runtime."""

from __future__ import annotations

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.checks.inspect_fields import from_inspect, held_in, host_config, keyed, value
from lifecycle.checks.rules import PHRASE, Rule
from lifecycle.command.promise import Promise
from lifecycle.command.values.basic import RestartPolicy
from lifecycle.facts.inside import FIRST, MOUNTS
from lifecycle.facts.model import ContainerFacts, Facts
from lifecycle.text.json_object import Json

_INITS = ("/sbin/docker-init", "/dev/init", "/run/podman-init")
"""Where engines put the init that they bring."""
_HEALTH = {
    "interval": "Interval",
    "retries": "Retries",
    "start_interval": "StartInterval",
    "start_period": "StartPeriod",
    "timeout": "Timeout",
}


def _config(c: ContainerFacts) -> Json:
    return dict((c.inspect or {})["Config"])


def init(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--init``: declared, and the engine's init is process 1."""
    if promise.where == "inspect":
        return from_inspect(promise, bool(host_config(c).get("Init")), "HostConfig.Init")
    hidden = c.inside.hides(FIRST)
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    if host_config(c).get("PidMode"):
        reason = "process 1 is another's, as the container has no process numbers of its own"
        return unverified(PHRASE, promise.expected, reason)
    program = c.inside.pid1[0] if c.inside.pid1 else ""
    actual = True if program in _INITS else f"process 1 is {program}"
    return compare(PHRASE, promise.expected, actual, c.inside.place(FIRST))


def restart(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--restart``: the policy, and how often it tries where it counts."""
    policy = host_config(c).get("RestartPolicy") or {}
    actual = RestartPolicy(policy.get("Name") or "no", policy.get("MaximumRetryCount", 0))
    return from_inspect(promise, actual, "HostConfig.RestartPolicy")


def stop_signal(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--stop-signal``: what `stop` sends first."""
    return from_inspect(promise, _config(c).get("StopSignal"), "Config.StopSignal")


def stop_timeout(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--stop-timeout``: the seconds that `stop` waits."""
    return from_inspect(promise, _config(c).get("StopTimeout"), "Config.StopTimeout")


def health_command(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--health-cmd``: the command that is asked, in a shell."""
    test = (_config(c).get("Healthcheck") or {}).get("Test") or []
    actual = test[1] if test[:1] == ["CMD-SHELL"] and test[1:] else test
    return from_inspect(promise, actual, "Config.Healthcheck.Test")


def health_watched(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--health-cmd``: the engine asks it, so that the running container has a health."""
    if not c.is_up:
        return unverified(PHRASE, promise.expected, "it is not running")
    health = (c.now or {})["State"].get("Health") or {}
    actual = health.get("Status", "none") != "none"
    return from_inspect(promise, actual, "State.Health")


def health_setting(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--health-interval`` and its like, in nanoseconds, and ``--health-retries``."""
    key = _HEALTH[keyed(promise).removeprefix("setting.")]
    actual = (_config(c).get("Healthcheck") or {}).get(key) or 0
    return from_inspect(promise, actual, f"Config.Healthcheck.{key}")


def no_healthcheck(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--no-healthcheck``: the image's own is switched off."""
    test = (_config(c).get("Healthcheck") or {}).get("Test") or []
    return from_inspect(promise, test == ["NONE"], "Config.Healthcheck.Test")


def log_driver(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--log-driver``: where its output goes."""
    actual = (host_config(c).get("LogConfig") or {}).get("Type")
    return from_inspect(promise, actual, "HostConfig.LogConfig.Type")


def platform(promise: Promise, c: ContainerFacts, facts: Facts) -> Check:
    """``--platform``: the operating system and architecture of the image that it was made of."""
    image_id = (c.inspect or {}).get("Image")
    image = next((i for i in facts.images.values() if i and i.get("Id") == image_id), None)
    if image is None:
        return unverified(PHRASE, promise.expected, "its image was not looked at")
    parts = [str(image.get(key) or "") for key in ("Os", "Architecture", "Variant")]
    actual = "/".join(parts[: promise.expected_as(str).count("/") + 1])
    return compare(PHRASE, promise.expected, actual, "inspect of the image")


def api_socket(promise: Promise, c: ContainerFacts, _: Facts) -> Check:
    """``--use-api-socket``: the engine's socket is mounted."""
    target = "/var/run/docker.sock"
    if promise.where == "inspect":
        targets = [m.get("Target") for m in host_config(c).get("Mounts") or []]
        return from_inspect(promise, target in targets, "HostConfig.Mounts")
    hidden = c.inside.hides(MOUNTS)
    if hidden:
        return unverified(PHRASE, promise.expected, hidden)
    there = c.inside.mount(target) is not None
    return compare(PHRASE, promise.expected, there, c.inside.place(MOUNTS))


RULES: dict[str, Rule] = {
    "container.annotations": Rule(
        held_in("`--annotation`: declared.", "HostConfig", "Annotations")
    ),
    "container.api_socket": Rule(api_socket),
    "container.health.command": Rule(health_command),
    "container.health.setting": Rule(health_setting),
    "container.health.watched": Rule(health_watched, "is asked for its health"),
    "container.init": Rule(init, "has an init as process 1"),
    "container.log_driver": Rule(log_driver),
    "container.log_opt": Rule(
        held_in("`--log-opt`: declared.", "HostConfig", "LogConfig", "Config")
    ),
    "container.no_healthcheck": Rule(no_healthcheck, "is not asked for its health"),
    "container.platform": Rule(platform),
    "container.restart": Rule(restart),
    "container.runtime": Rule(value("`--runtime`: the program that runs it.", "Runtime")),
    "container.stop_signal": Rule(stop_signal),
    "container.stop_timeout": Rule(stop_timeout),
    "container.storage_opt": Rule(
        held_in("`--storage-opt`: declared.", "HostConfig", "StorageOpt")
    ),
}
