"""The machine before any scenario: what every docker command will need, checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.diagnosis import catalog, match
from lifecycle.diagnosis.case import Case
from lifecycle.diagnosis.catalog import Lang
from lifecycle.diagnosis.finding import Finding, Symptom
from lifecycle.diagnosis.machine_facts import UNIX, MachineFacts
from lifecycle.text.json_object import Json

OLDEST_CLI = "19.03"
"""The first CLI with ``--gpus``."""

ROOM_GIB = 10
"""What a base image with a deep-learning library and one build on it need."""

_GIB = 1 << 30
_SLOW_DRIVERS = ("vfs", "devicemapper", "aufs")


@dataclass
class DoctorReport:
    """The checks, and the findings that explain the broken ones."""

    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not any(check.status == "broken" for check in self.checks)

    def to_json(self) -> Json:
        """The document that ``doctor --json`` prints."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "checks": [check.to_json() for check in self.checks],
        }


def doctor(
    facts: MachineFacts,
    engine: Callable[[], Mapping[str, Mapping[str, Any]] | str],
    *,
    gpus_promised: int | None = None,
    lang: Lang = "en",
) -> DoctorReport:
    """Examine the machine for the person of ``facts``.

    ``engine`` gives ``{"info": ..., "version": ...}`` as the daemon answers, or the error in its
    words. ``gpus_promised`` is the lab's ``gpus``.
    """
    return _Examination(facts, engine(), gpus_promised, lang).report()


class _Examination:
    """One doctor's visit; each method adds its checks and, where one is broken, the finding."""

    def __init__(
        self,
        facts: MachineFacts,
        answer: Mapping[str, Mapping[str, Any]] | str,
        gpus_promised: int | None,
        lang: Lang,
    ) -> None:
        self._facts = facts
        self._error = answer if isinstance(answer, str) else ""
        parts = {} if isinstance(answer, str) else answer
        self._info: Mapping[str, Any] = parts.get("info", {})
        self._version: Mapping[str, Any] = parts.get("version", {})
        self._gpus_promised = gpus_promised
        self._lang = lang
        self._report = DoctorReport()

    def report(self) -> DoctorReport:
        self._cli()
        self._socket()
        self._daemon()
        if not self._error:
            self._api()
            self._storage()
            self._cgroup()
            self._rights()
            self._disk()
        self._proxies()
        self._gpus()
        return self._report

    def _check(self, check: Check, *findings: str) -> None:
        """Add a check; adds the findings when it is broken."""
        self._report.checks.append(check)
        ids = {finding.id for finding in self._report.findings}
        if check.status != "broken" or ids & set(findings):
            return
        case = Case(Symptom(self._error), self._error, self._error, {}, self._facts)
        suspects = [(catalog.entry(finding), case) for finding in findings]
        self._report.findings += [
            match.tell(entry, case, self._lang) for entry, case in match.decide(suspects)
        ]

    def _cli(self) -> None:
        facts = self._facts
        path = str(facts.cli) if facts.cli else None
        self._check(
            _judged("docker CLI", "on PATH", path, "PATH", good=path is not None),
            "docker-cli-missing",
        )
        if not facts.cli:
            return
        version = facts.cli_version
        expected = f"{OLDEST_CLI} or newer"
        good = _numbers(version) >= _numbers(OLDEST_CLI)
        source = "docker --version"
        self._check(_judged("docker CLI version", expected, version, source, good=good))
        plugin = facts.cli_plugin("buildx")
        about, expected = "buildx (BuildKit builds)", "installed"
        self._check(
            Check(about, expected, str(plugin), "kept", "cli-plugins")
            if plugin
            else unverified(about, expected, "not installed: the legacy builder is used")
        )

    def _socket(self) -> None:
        facts = self._facts
        host, source = facts.address
        if not host.startswith(UNIX):
            self._check(unverified("engine socket", "may be used", f"{source} is {host}"))
            return
        path = host.removeprefix(UNIX)
        info = facts.socket(path)
        if not info.exists:
            return  # the daemon's own check says so
        name = facts.person.name
        permitted = facts.admitted(info)
        owner = facts.names.group_numbered(info.gid)
        group = owner.name if owner else str(info.gid)
        self._check(
            compare(f"{path}: may be used by {name} without sudo", True, permitted, "stat"),  # noqa: FBT003
            "docker-sock-permission-denied",
            "docker-group-needs-relogin",
            "docker-group-in-ldap",
        )
        about = f"{name} is in the socket's group ({group})"
        if facts.person.uid == 0:
            self._check(unverified(about, True, "root needs no group"))  # noqa: FBT003
        elif facts.login_groups:
            source = "this process and a new login (NSS)"
            member = {
                "now": info.gid in facts.person.groups,
                "after login": info.gid in facts.login_groups,
            }
            self._check(compare(about, {"now": True, "after login": True}, member, source))

    def _daemon(self) -> None:
        about, expected = "docker engine", "answers"
        source = f"GET /version at {self._facts.address[0]}"
        if self._error:
            self._check(
                Check(about, expected, self._error, "broken", source), *self._silent_because()
            )
            return
        actual = f"{self._version.get('Version', '?')} (API {self._version.get('ApiVersion', '?')})"
        self._check(Check(about, expected, actual, "kept", source))

    def _silent_because(self) -> tuple[str, ...]:
        """The findings that can be behind an engine that gave an error instead of an answer."""
        host = self._facts.address[0]
        info = self._facts.socket(host.removeprefix(UNIX)) if host.startswith(UNIX) else None
        if info and info.exists and not self._facts.admitted(info):
            return (
                "docker-sock-permission-denied",
                "docker-group-needs-relogin",
                "docker-group-in-ldap",
            )
        if any(candidate.entry.id == "engine-hangs" for candidate in match.candidates(self._error)):
            return ("engine-hangs",)
        return ("daemon-not-running", "wrong-docker-host")

    def _api(self) -> None:
        fixed = self._facts.environ.get("DOCKER_API_VERSION")
        if not fixed:
            return
        low, high = (self._version.get(key, "0") for key in ("MinAPIVersion", "ApiVersion"))
        good = _numbers(low) <= _numbers(fixed) <= _numbers(high)
        expected = f"{low} to {high}"
        self._check(
            _judged("DOCKER_API_VERSION", expected, fixed, "GET /version", good=good),
            "client-server-api-version",
        )

    def _storage(self) -> None:
        driver = self._info.get("Driver")
        expected = f"none of {', '.join(_SLOW_DRIVERS)}"
        good = driver not in _SLOW_DRIVERS
        self._check(_judged("storage driver", expected, driver, "docker info .Driver", good=good))

    def _cgroup(self) -> None:
        actual = self._info.get("CgroupVersion", "1")
        expected = self._facts.cgroup_version
        self._check(compare("cgroup version", expected, actual, "docker info, /sys/fs/cgroup"))

    def _rights(self) -> None:
        """A fact of every such server, which nobody's setting mends: told, and never broken."""
        options = " ".join(self._info.get("SecurityOptions") or [])
        remapped = "name=rootless" in options or "name=userns" in options
        about = "what the docker group gives"
        rights = (
            "a remapped user's rights on this machine"
            if remapped
            else "root's rights: any file of this machine, anybody's container"
        )
        self._check(Check(about, "known", rights, "kept", "docker info .SecurityOptions"))

    def _disk(self) -> None:
        root = str(self._info.get("DockerRootDir", ""))
        about, expected = f"free disk at {root}", f"at least {ROOM_GIB} GiB"
        free = self._facts.free_bytes(root) if root else None
        if free is None:
            self._check(unverified(about, expected, "that folder can't be seen from here"))
            return
        good = free >= ROOM_GIB * _GIB
        self._check(
            _judged(about, expected, f"{free / _GIB:.1f} GiB", "statvfs", good=good),
            "disk-full-docker-root",
        )

    def _proxies(self) -> None:
        shell = self._facts.proxies
        about = "proxy of the engine (pulls)"
        if not shell:
            self._check(unverified(about, "set where one is needed", "this shell has no proxy"))
            return
        if not self._error:
            there = any(self._info.get(key) for key in ("HttpProxy", "HttpsProxy"))
            source = "docker info .HttpProxy"
            self._check(
                _judged(about, "set, as this shell's is", there, source, good=there),
                "daemon-proxy-missing",
            )
        about, expected = "proxy of builds and containers", "in ~/.docker/config.json"
        configured = (self._facts.client_config.get("proxies") or {}).get("default")
        self._check(
            Check(about, expected, sorted(configured), "kept", "~/.docker/config.json")
            if configured
            else unverified(about, expected, "not there: give --build-arg http_proxy=... by hand")
        )

    def _gpus(self) -> None:
        count = self._facts.gpus or 0
        source = "/proc/driver/nvidia/gpus"
        if self._gpus_promised is not None:
            self._check(
                compare("GPUs of the server (lab.gpus)", self._gpus_promised, count, source),
                *(("gpu-driver-missing",) if not count and self._facts.gpu_hardware else ()),
            )
        elif not count and not self._facts.gpu_hardware:
            self._check(unverified("GPUs of the server", "any", "this machine has none"))
            return
        else:
            about, expected = "GPUs of the server", "seen by the driver"
            self._check(
                _judged(about, expected, count, source, good=count > 0), "gpu-driver-missing"
            )
        if count and not self._error:
            self._toolkit()

    def _toolkit(self) -> None:
        runtimes = sorted(self._info.get("Runtimes") or {})
        devices = [d.get("ID") for d in self._info.get("DiscoveredDevices") or []]
        parts = [str(path) for path in self._facts.toolkit]
        has_toolkit = "nvidia" in runtimes or bool(devices) or bool(parts)
        self._check(
            _judged(
                "NVIDIA Container Toolkit",
                "a runtime, CDI devices, or its hook",
                {"runtimes": runtimes, "cdi": devices, "on PATH": parts},
                "docker info, PATH",
                good=has_toolkit,
            ),
            "gpu-no-toolkit",
        )


def _judged(about: str, expected: Any, actual: Any, source: str, *, good: bool) -> Check:
    """A check whose verdict is not plain equality."""
    return Check(about, expected, actual, "kept" if good else "broken", source)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in version.split(".") if part.isdecimal())
