"""What is known of the host's own programs: data for ``host_line``."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_SOCKET = "/var/run/docker.sock"

DOCKERS = frozenset({"docker", "docker-compose", "docker-buildx", "nvidia-docker"})
"""Programs that ask an engine as docker does, where ``DOCKER_HOST`` says."""

_PLAIN = """
[ arch b2sum base32 base64 basename cal cat chgrp chmod chown cksum clear cmp column comm cp
csplit cut date df diff dir dircolors dirname du echo expand expr factor false file fmt fold
free getconf getent getfacl getfattr grep egrep fgrep groups gunzip gzip head hexdump hostid
hostname id iostat join jq last link ln locale logname ls lsb_release lsblk lscpu lsmem lsof
lspci lsusb md5sum mkdir mkfifo mktemp mpstat mv nl nproc numfmt nvidia-smi od paste pathchk
pgrep ping pinky pr printenv printf ps ptx pwd quota readlink realpath rm rmdir seq setfacl
sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort ss stat strings sum sync
tac tail tee test touch tr tree true truncate tsort tty uname unexpand uniq unlink uptime users
vdir vmstat w wc which who whoami xxd yes zcat
: break cd case continue declare dirs do done elif else esac exit export fg fi for getopts hash
help history if in jobs let local popd pushd read readonly return set shift shopt suspend then
times type typeset ulimit umask unset until wait while } {
"""
PLAIN = frozenset(_PLAIN.split())
"""Programs and words of a shell that neither run another program nor ask an engine."""

SHELLS = frozenset({"ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "rbash", "sh", "zsh"})

RESERVED = frozenset({"!", "{", "do", "elif", "else", "if", "then", "until", "while"})
"""Words of a shell after which a command stands."""


@dataclass(frozen=True)
class Wrapper:
    """A program that runs another one.

    ``values`` are its short options that take a value, ``longs`` the long ones that take it as
    the next word, ``operands`` how many words stand before the program, ``script`` the options
    whose value is a line for a shell.
    """

    values: str = ""
    longs: frozenset[str] = frozenset()
    operands: int = 0
    script: frozenset[str] = frozenset()


def _wraps(values: str = "", longs: str = "", operands: int = 0, script: str = "") -> Wrapper:
    return Wrapper(values, frozenset(longs.split()), operands, frozenset(script.split()))


WRAPPERS: dict[str, Wrapper] = {
    "builtin": _wraps(),
    "busybox": _wraps(),
    "chronic": _wraps(),
    "chrt": _wraps("TPD", "--sched-runtime --sched-period --sched-deadline", 1),
    "command": _wraps(),
    "coproc": _wraps(),
    "dbus-run-session": _wraps(),
    "env": _wraps("uCS", "--unset --chdir --split-string", script="-S --split-string"),
    "eatmydata": _wraps(),
    "exec": _wraps("a"),
    "fakeroot": _wraps("lsib"),
    "faketime": _wraps("", "", 1),
    "flock": _wraps("wEc", "--timeout --wait --conflict-exit-code --command", 1, "-c --command"),
    "ionice": _wraps("cn", "--class --classdata"),
    "ltrace": _wraps("aeFlnopSsuwXx"),
    "nice": _wraps("n", "--adjustment"),
    "nohup": _wraps(),
    "numactl": _wraps("iNCmpP", "--interleave --cpunodebind --physcpubind --membind --preferred"),
    "parallel": _wraps("jaIN", "--jobs --arg-file --colsep --joblog"),
    "perf": _wraps("eoF", "", 1),
    "prlimit": _wraps(),
    "rlwrap": _wraps(),
    "script": _wraps("cEImOBT", "--command", 0, "-c --command"),
    "setarch": _wraps("", "", 1),
    "setsid": _wraps(),
    "ssh-agent": _wraps("aEPt"),
    "stdbuf": _wraps("ioe", "--input --output --error"),
    "strace": _wraps("abeEIoOPSsuX"),
    "taskset": _wraps("", "", 1),
    "time": _wraps("fo", "--format --output"),
    "timeout": _wraps("sk", "--signal --kill-after", 1),
    "toybox": _wraps(),
    "unbuffer": _wraps(),
    "watch": _wraps("nq", "--interval --equexit"),
    "xargs": _wraps(
        "adEILnPs",
        "--arg-file --delimiter --max-args --max-procs --max-lines --max-chars --process-slot-var",
    ),
    "xvfb-run": _wraps("efnpsw"),
}

_AS_ANOTHER = "runs what follows as somebody else, with an environment of its own"
_ELSEWHERE = "runs what follows outside this run, with an environment of its own"
_OTHER_VIEW = "runs what follows with another view of the machine"
_OTHER_ENGINE = "is another engine's tool"
_CHOOSES = "chooses another engine"
_ITSELF = "acts on the engine itself, not through it"

_LIKE_OTHER_WORDS = {
    "at": _ELSEWHERE,
    "batch": _ELSEWHERE,
    "screen": _ELSEWHERE,
    "service": _ITSELF,
    "sg": _AS_ANOTHER,
    "ssh": _ELSEWHERE,
    "su": _AS_ANOTHER,
}
_UNLIKE_OTHER_WORDS = {
    **dict.fromkeys(
        ("sudo", "sudoedit", "doas", "pkexec", "runuser", "setpriv", "newgrp"), _AS_ANOTHER
    ),
    **dict.fromkeys(("capsh", "gosu", "su-exec", "setuidgid", "chpst", "run0"), _AS_ANOTHER),
    **dict.fromkeys(("systemd-run", "crontab", "machinectl", "tmux", "mosh", "busctl"), _ELSEWHERE),
    **dict.fromkeys(("dbus-send", "gdbus", "flatpak-spawn", "pdsh", "zellij"), _ELSEWHERE),
    **dict.fromkeys(("nsenter", "unshare", "chroot", "bwrap", "systemd-nspawn"), _OTHER_VIEW),
    **dict.fromkeys(("podman", "podman-compose", "podman-remote", "nerdctl", "ctr"), _OTHER_ENGINE),
    **dict.fromkeys(("crictl", "buildah", "skopeo", "buildctl", "kubectl", "k3s"), _OTHER_ENGINE),
    **dict.fromkeys(("docker-machine", "minikube", "oc", "crun", "runc", "kpod"), _OTHER_ENGINE),
    **dict.fromkeys(("systemctl", "dockerd", "containerd", "rc-service", "initctl"), _ITSELF),
    **dict.fromkeys(("docker-init", "docker-proxy", "dockerd-rootless.sh", "buildkitd"), _ITSELF),
}

AS_ANOTHER = frozenset({"sudo", "doas"})
"""Those of them behind which people type a docker line as it is."""
AROUND: dict[str, str] = {**_LIKE_OTHER_WORDS, **_UNLIKE_OTHER_WORDS}
"""Programs that get round the gate, and how."""
UNMISTAKABLE = frozenset(_UNLIKE_OTHER_WORDS)
"""Those of them whose name is no word that an argument would be."""

MENTIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (r"\b(?:unix|npipe|fd)://\S*", "is an engine's own address"),
        (
            r"(?:docker|podman|containerd|buildkitd|crio|cri-dockerd)\.sock\b",
            "is an engine's own socket",
        ),
        (
            r"/(?:var/)?run/(?:docker|containerd|podman|crio)\b|/var/lib/(?:docker|containerd)\b",
            "is the engine's own folder",
        ),
        (
            r"(?<!\d):237[56]\b|\.\d{1,3}:237[56]\b|/dev/tcp/[^/\s]{1,255}/237[56]\b",
            "is the port of an engine's own address",
        ),
        (r"\bDOCKER_(?:HOST|CONTEXT|CONFIG|TLS|TLS_VERIFY|CERT_PATH)\b", _CHOOSES),
        (r"\b(?:BUILDKIT_HOST|BUILDX_(?:BUILDER|CONFIG))\b", _CHOOSES),
        (r"\bCONTAINER(?:_HOST|_CONNECTION|D_ADDRESS|D_NAMESPACE)\b", _CHOOSES),
    )
)
"""Texts that, anywhere in a line, name the engine by another way than the run's own."""

ENGINE_FOLDERS = ("/run/docker", "/run/containerd", "/var/lib/docker", "/var/lib/containerd")
"""Folders in which an engine keeps its sockets and everybody's data."""
