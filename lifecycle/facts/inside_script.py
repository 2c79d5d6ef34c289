"""The shell script of one look inside a container.

It is POSIX shell for bash, dash and busybox. It forks as little as it can (one ``stat`` and one
``head`` that prints many files, each up to a limit), because forks are what an exec's time goes to.
"""

from __future__ import annotations

import shlex

from lifecycle.facts.inside import ENVIRON, MOST_TEXT, Probe

_NAMED = """\
while read -r k v _; do [ "$k" = Uid: ] && break; done </proc/self/status
n=; while IFS=: read -r a _ b _; do [ "$b" = "$v" ] && n=$a && break; done 2>/dev/null </etc/passwd
printf '@@id\\n'; [ -n "$n" ] || id 2>&1"""
"""``id`` knows more names than the files do (LDAP), but to start it costs as much as all else."""
PROC = (
    "/proc/self/status",
    "/proc/self/environ",
    "/proc/self/mountinfo",
    "/etc/passwd",
    "/etc/group",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/osrelease",
    "/proc/1/stat",
    "/proc/1/cmdline",
    "/proc/net/tcp",
    "/proc/net/tcp6",
)
LAST = "/dev/null"
"""Shown last, empty: what came before it is whole."""
PROCESS = r"/proc/[0-9]+/(?:stat|cmdline|environ)"
_SHOW = f"head -c {MOST_TEXT + 1} --"
OURS = f"{_SHOW} {PROC[0]}"


def script(probe: Probe) -> str:
    """The shell script of a probe."""
    lines = [_NAMED, "printf '@@cwd\\n'; pwd"]
    if probe.listeners:
        lines += ["printf '@@listeners\\n'", probe.listeners]
    folders = probe.write_in + probe.keep_in
    if probe.token and folders:
        lines.append("printf '@@writes\\n'")
        for folder in folders:
            path = shlex.quote(probe.name_in(folder))
            lines.append(
                # In English, whatever the image speaks: the error is read by a check.
                f"if e=$( LC_ALL=C; {{ : > {path}; }} 2>&1 ); "
                'then echo ok; else echo "no ${e##*: }"; fi'
            )
        if probe.write_in:
            drop = " ".join(shlex.quote(probe.name_in(f)) for f in probe.write_in)
            lines.append(f"rm -f -- {drop} 2>/dev/null")
    paths = [shlex.quote(f) for f in probe.files]
    if paths:
        lines.append("printf '@@files\\n'")
        lines.append(
            f'for f in {" ".join(paths)}; do r=-; [ -e "$f" ] && r=e; [ -w "$f" ] && r=w; '
            'echo "$r"; done'
        )
    if paths or probe.namespaces:
        named = [*paths, *map(namespace_file, probe.namespaces)]
        lines.append("printf '@@stat\\n'")
        lines.append(f"stat -L -c '%u:%g:%U:%G:%a:%i:%n' -- {' '.join(named)} 2>/dev/null")
    if probe.gpus:
        lines.append("printf '@@gpus\\n'; nvidia-smi -L 2>&1; echo \"@@gpus-exit $?\"")
    # The shell's own environment: some pass on no name that isn't a shell's, such as `a.b`.
    proc = (p if p != ENVIRON else "/proc/$$/environ" for p in PROC)
    shown = [*proc, *(shlex.quote(t) for t in probe.texts + probe.proc)]
    if probe.processes:
        shown += ["/proc/[0-9]*/stat", "/proc/[0-9]*/cmdline"]
    lines.append(f"printf '@@files-end\\n'; {_SHOW} {' '.join(shown)} {LAST} 2>/dev/null")
    return "\n".join(lines)


def namespace_file(name: str) -> str:
    """Where the kernel tells of a namespace of the look itself."""
    return f"/proc/self/ns/{name}"
