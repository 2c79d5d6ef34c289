"""Reports to test with, made of plain data as the plugin makes them."""

from __future__ import annotations

from typing import Any

from lifecycle.checks.check import Check, compare, unverified
from lifecycle.diagnosis.finding import Finding, Remedy
from lifecycle.report.model import RunReport, ScenarioReport
from lifecycle.run.outcome import Skip, StepResult

ENGINE = {
    "address": "unix:///var/run/docker.sock",
    "version": "28.5.1",
    "id": "8c3e8a4e-6a02-4e0c-9d0f-6a1f6f0d3b11",
    "storage": "overlay2",
    "cgroup": "2",
    "shares_machine": True,
    "equals_root": True,
}
HOST = {
    "name": "gpu-07",
    "kernel": "6.1.0-28-amd64",
    "gpus": ["NVIDIA H200"],
    "gpus_seen_by": "NVML",
}
SUBJECT = {
    "name": "mina",
    "uid": 10234,
    "gid": 10234,
    "groups": ["docker", "lab"],
    "home": "/home/mina",
    "synthetic": False,
}

FINDING = Finding(
    "mount.read_only",
    "The NAS is mounted read-only on this server",
    ("/mnt/nas100 is nfs4 ro,relatime", "root_squash is on"),
    (
        Remedy("user", "Try another server meanwhile", ("docker context use gpu-08",)),
        Remedy("admin", "Mount it writable", ("mount -o remount,rw /mnt/nas100",)),
    ),
)

PULL = StepResult(
    "Pull the base",
    8,
    command="docker pull python:3.12",
    ran=True,
    seconds=3.21,
    checks=[compare("image python:3.12 exists", True, True, "inspect")],
    screen="3.12: Pulling from library/python\nStatus: Downloaded newer image",
)
WRITE = StepResult(
    "Write dockerfile",
    10,
    command="write: dockerfile",
    ran=True,
    seconds=0.01,
    checks=[compare("file dockerfile exists", True, True, "host")],
)
RUN = StepResult(
    "Run it",
    15,
    command="docker run -ti --name=my_test_c -v '/mnt/my nas:/workspace' me/test",
    actual_command="docker run -ti --name=my_test_c-k3x9 -v '/mnt/my nas:/workspace' me/test-k3x9",
    ran=True,
    seconds=1.4,
    checks=[
        compare("--name my_test_c", "my_test_c", "my_test_c", "inspect .Name"),
        compare("-v /mnt/my nas:/workspace: writable", True, False, "test -w inside"),
        unverified("-p 8080:8080 answers", {"container": "8080/tcp"}, "nothing listens there"),
    ],
    findings=[FINDING],
    screen="mina@my_test_c:/$ touch /workspace/x\ntouch: Read-only file system",
)
GPU = StepResult(
    "See the GPUs", 20, command="docker exec my_test_c nvidia-smi", skipped=Skip("no GPU", "gpu")
)
STOP = StepResult("Stop it", 22, command="docker stop my_test_c", not_run="'Run it' failed")
PASSED = (PULL, WRITE)
FAILED = (PULL, WRITE, RUN, GPU, STOP)


def scenario(
    *steps: StepResult,
    name: str = "My environment, start to finish",
    file: str = "scenarios/my-env.yaml",
) -> ScenarioReport:
    """A scenario of these results."""
    return ScenarioReport(name, file, [step.to_json() for step in steps])


def report(*steps: StepResult, **changed: Any) -> RunReport:
    """A run of one scenario of these results, with fields changed."""
    fields: dict[str, Any] = {
        "run": "k3x9",
        "engine": ENGINE,
        "host": HOST,
        "subject": SUBJECT,
        "scenarios": [scenario(*steps)],
        "gpu_checks": {"real": 0, "simulated": 0, "skipped": 0},
        "options": {"strict": False, "gpu": "auto", "allow_foreign": []},
        **changed,
    }
    return RunReport(**fields)


HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</pre></details><iframe src=javascript:alert(1)></iframe>",
    "]]>",
    "<!-- --> --!>",
    "{{ 7 * 7 }} {% raw %} ${{ secret.x }}",
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m",
    "nul\x00and\x08bell\x07",
    "\u202egnp.exe\u2066",
    "lone \udce9 surrogate \uffff",
    "x\nrm -rf /\r\ny",
    "$(touch owned) `touch owned` ; touch owned",
    "[bold red]markup[/bold red] [link=file:///]x[/link]",
    "::error file=x::owned\n::add-mask::a",
    "| cell | *bold* @everyone [x](javascript:alert(1))",
    "한글 이름과 긴 설명",
)


def hostile(text: str) -> RunReport:
    """A run in which every text is this one."""
    step = StepResult(
        text,
        1,
        command=f"docker run {text}",
        actual_command=f"docker run {text} really",
        ran=True,
        seconds=0.1,
        checks=[
            Check(text, text, {text: [text]}, "broken", text),
            Check(text, text, None, "unverified", text),
        ],
        findings=[Finding(text, text, (text,), (Remedy("user", text, (text,)),))],
        screen=text,
    )
    skipped = StepResult(text, 2, skipped=Skip(text, "choice"))
    said = dict.fromkeys(("address", "version", "id", "storage", "cgroup"), text)
    return report(
        run=text,
        engine={**ENGINE, **said},
        host={"name": text, "kernel": text, "gpus": [text], "gpus_seen_by": text},
        subject={**SUBJECT, "name": text, "groups": [text], "home": text},
        scenarios=[scenario(step, skipped, name=text, file=text)],
        left_behind=[text],
        kept_on_purpose=[text],
        foreign_touched=[text],
    )
