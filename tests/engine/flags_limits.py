"""Flags of ``docker run`` that limit, secure or time a container: true of one, and untrue.

A row is what is true of a container of ``CONTAINERS``, what is not, and how many promises of the
flag are kept by the true line and broken by the other.
"""

from __future__ import annotations

from tests.engine.held import Row

CONTAINERS = {
    "limits": """
--memory 64m --memory-swap 96m --memory-reservation 32m --memory-swappiness 10
--cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 --cpu-rt-period 900000
--cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 50 --oom-kill-disable --oom-score-adj 100
--ulimit nofile=1024:2048 --ulimit core=0 --ulimit nproc=1000 --ulimit memlock=65536
--device-read-bps DISK:1m --device-read-iops DISK:200
--device-write-bps DISK:2m --device-write-iops DISK:100
""",
    "cpus": "--cpus 1.5 --memory 50000001 --memory-swap -1 --cgroupns private --kernel-memory 50m",
    "rights": """
--cap-add net_admin --cap-add CAP_SYS_TIME --cap-drop CHOWN --cap-drop MKNOD
--security-opt no-new-privileges --security-opt seccomp=unconfined
--security-opt label=disable --security-opt apparmor=unconfined
--security-opt systempaths=unconfined --read-only
--device /dev/fuse:/dev/xfuse:r --device /dev/null:/dev/xnull
--sysctl net.ipv4.ip_unprivileged_port_start=1000 --sysctl kernel.shmmax=1000000
--sysctl kernel.msgmax=9000 --group-add 44 --group-add audio
""",
    "user": "--user 1000 --cap-drop all --cap-add net_raw --cap-add kill --ipc none "
    "--device-cgroup-rule 'c 42:* rwm' --security-opt no-new-privileges=false",
    "life": """
--init --restart on-failure:3 --stop-signal SIGUSR1 --stop-timeout 5
--health-cmd 'exit 0' --health-interval 1s --health-retries 2 --health-start-period 500ms
--health-timeout 1m1.5s --log-driver local --log-opt max-size=1m --log-opt max-file=2
--runtime runc --platform PLATFORM --ipc shareable --cgroup-parent /MINE
""",
    "host": "--pid host --ipc host --uts host --userns host --cgroupns host --no-healthcheck "
    "--ulimit nofile=512 --cap-add net_admin --oom-score-adj 7",
    "socket": "--use-api-socket",
    "joined": "--pid container:MINE-life --ipc container:MINE-life",
}
"""Each is made and left running; MINE stands for a word of its own, DISK for a block device."""


ROWS = (
    Row("limits", "--memory 64m", "--memory 65m"),
    Row("limits", "--memory-swap 96m", "--memory-swap 97m"),
    Row("limits", "--memory-reservation 32m", "--memory-reservation 33m"),
    Row("limits", "--memory-swappiness 10", "--memory-swappiness 11"),
    Row("limits", "--cpu-shares 512", "--cpu-shares 513"),
    Row("limits", "--cpu-period 50000", "--cpu-period 50001"),
    Row("limits", "--cpu-quota 25000", "--cpu-quota 25001"),
    Row("limits", "--cpu-rt-period 900000", "--cpu-rt-period 900001"),
    Row("limits", "--cpuset-cpus 0-1", "--cpuset-cpus 0"),
    Row("limits", "--cpuset-mems 0", "--cpuset-mems 0-1"),
    Row("limits", "--pids-limit 50", "--pids-limit 51"),
    Row("limits", "--oom-kill-disable", "--oom-kill-disable=false", 2, 1),
    Row("limits", "--oom-score-adj 100", "--oom-score-adj 101"),
    Row("limits", "--ulimit nofile=1024:2048", "--ulimit nofile=1024"),
    Row("limits", "--ulimit core=0", "--ulimit core=1"),
    Row("limits", "--ulimit nproc=1000", "--ulimit nproc=-1"),
    Row("limits", "--ulimit memlock=65536", "--ulimit memlock=65535:65536"),
    Row("limits", "--device-read-bps DISK:1m", "--device-read-bps DISK:2m"),
    Row("limits", "--device-read-iops DISK:200", "--device-read-iops DISK:201"),
    Row("limits", "--device-write-bps DISK:2m", "--device-write-bps DISK:1m"),
    Row("limits", "--device-write-iops DISK:100", "--device-write-iops DISK:101"),
    Row("cpus", "--cpus 1.5", "--cpus 1.6"),
    Row("cpus", "--memory 50000001", "--memory 0", 2, 1),
    Row("cpus", "--memory-swap -1", "--memory-swap 100m"),
    Row("cpus", "--cgroupns private", "--cgroupns host"),
    Row("rights", "--cap-add NET_ADMIN", "--cap-add SYS_ADMIN"),
    Row("rights", "--cap-add sys_time", "--cap-add ALL"),
    Row("rights", "--cap-drop cap_chown", "--cap-drop KILL"),
    Row("rights", "--cap-drop MKNOD", "--cap-drop ALL"),
    Row(
        "rights",
        "--security-opt no-new-privileges:true",
        "--security-opt no-new-privileges",
        untrue_on="cpus",
    ),
    Row(
        "rights",
        "--security-opt no-new-privileges",
        "--security-opt no-new-privileges=false",
        2,
        1,
    ),
    Row("rights", "--security-opt seccomp=unconfined", "--security-opt seccomp=profile.json"),
    Row("rights", "--security-opt label=disable", "--security-opt label=user:me", 1),
    # Whether there is AppArmor is the kernel's affair: inside it may be unverified.
    Row("rights", "--security-opt apparmor=unconfined", "--security-opt apparmor=mine", 1),
    Row(
        "rights",
        "--security-opt systempaths=unconfined",
        "--security-opt systempaths=unconfined",
        untrue_on="cpus",
    ),
    Row("rights", "--read-only", "--read-only=false", 2, 1),
    Row("rights", "--device /dev/fuse:/dev/xfuse:r", "--device /dev/fuse:/dev/yfuse:r"),
    Row("rights", "--device /dev/null:/dev/xnull", "--device /dev/null:/dev/xnull:r", 2, 1),
    Row(
        "rights",
        "--sysctl net.ipv4.ip_unprivileged_port_start=1000",
        "--sysctl net.ipv4.ip_unprivileged_port_start=1001",
    ),
    Row("rights", "--sysctl kernel.shmmax=1000000", "--sysctl kernel.shmmax=1000001"),
    Row("rights", "--sysctl kernel.msgmax=9000", "--sysctl kernel.msgmnb=9000"),
    Row("rights", "--group-add 44", "--group-add 45"),
    Row("rights", "--group-add audio", "--group-add games"),
    Row("socket", "--use-api-socket", "--use-api-socket=false", 2, 1),
    Row("user", "--cap-drop ALL", "--cap-drop net_raw"),
    Row("user", "--cap-add NET_RAW", "--cap-add CHOWN"),
    Row("user", "--cap-add KILL", "--cap-add ALL"),
    Row("user", "--device-cgroup-rule 'c 42:* rwm'", "--device-cgroup-rule 'c 43:* rwm'"),
    Row("user", "--ipc none", "--ipc host"),
    Row(
        "user",
        "--security-opt no-new-privileges=false",
        "--security-opt no-new-privileges",
        1,
        2,
    ),
    Row("life", "--init", "--init=false", 2, 1),
    Row("life", "--restart on-failure:3", "--restart on-failure", 1),
    Row("life", "--restart=on-failure:3", "--restart always", 1),
    Row("life", "--stop-signal SIGUSR1", "--stop-signal SIGUSR2", 1),
    Row("life", "--stop-timeout 5", "--stop-timeout 6", 1),
    Row("life", "--health-cmd 'exit 0'", "--health-cmd 'exit 1'", 2, 1),
    Row("life", "--health-interval 1000ms", "--health-interval 1001ms", 1),
    Row("life", "--health-retries 2", "--health-retries 3", 1),
    Row("life", "--health-start-period .5s", "--health-start-period 5s", 1),
    Row("life", "--health-timeout 61.5s", "--health-timeout 61s", 1),
    Row("life", "--log-driver local", "--log-driver json-file", 1),
    Row("life", "--log-opt max-size=1m", "--log-opt max-size=2m", 1),
    Row("life", "--log-opt max-file=2", "--log-opt mode=2", 1),
    Row("life", "--runtime runc", "--runtime crun", 1),
    Row("life", "--platform PLATFORM", "--platform linux/s390x", 1),
    Row("life", "--ipc shareable", "--ipc host"),
    Row("life", "--cgroup-parent /MINE", "--cgroup-parent /other"),
    Row("host", "--pid host", "--pid host", untrue_on="life"),
    Row("host", "--ipc host", "--ipc host", untrue_on="life"),
    Row("host", "--uts host", "--uts host", untrue_on="life"),
    Row("host", "--userns host", "--userns host", 2, 1, "life"),
    Row("host", "--cgroupns host", "--cgroupns private"),
    Row("joined", "--pid container:MINE-life", "--pid host", 1, 2),
    Row("joined", "--ipc container:MINE-life", "--ipc host", 1, 2),
    Row("host", "--no-healthcheck", "--no-healthcheck=false", 1),
    Row("host", "--ulimit nofile=512", "--ulimit nofile=511"),
    Row("host", "--cap-add net_admin", "--cap-add sys_time"),
    Row("host", "--oom-score-adj 7", "--oom-score-adj 8"),
)

UNTRUE = (
    ("host", "--annotation a=b", 1),
    ("host", "--blkio-weight 300", 2),
    ("host", "--blkio-weight-device DISK:300", 2),
    ("host", "--cpu-rt-runtime 1000", 2),
    ("host", "--health-start-interval 1s", 1),
    ("host", "--init", 1),
    ("host", "--privileged", 2),
    ("host", "--storage-opt size=1G", 1),
    ("life", "--no-healthcheck", 1),
    ("cpus", "--kernel-memory 50m", 1),
    ("cpus", "--kernel-memory 51m", 2),
    ("cpus", "--health-cmd true", 2),
    ("cpus", "--read-only", 2),
    ("cpus", "--device /dev/fuse", 2),
    ("cpus", "--security-opt seccomp=unconfined", 2),
    ("cpus", "--oom-kill-disable", 2),
    ("cpus", "--use-api-socket", 2),
    ("cpus", "--init", 2),
)
"""What is not true of a container, and how many promises show it: also what can't be kept here."""
