"""What one look inside prints, from three shells, and whatever a hostile image may print."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.facts.inside import MOST_TEXT, NOT_ASKED, FileFact, Inside, Probe
from lifecycle.facts.inside_output import is_long, parse
from lifecycle.facts.inside_script import script
from lifecycle.facts.kernel_files import Account
from lifecycle.machine.procfs import MountLine

CAPTURED = Path(__file__).parent / "captured"
SHELLS = ("bash", "dash", "busybox")
ODD = "/workspace/a b 'c' $(id)"
PROBE = Probe(
    token="abcd",
    write_in=("/data", "/ro", "/etc/passwd", "/nope"),
    keep_in=("/workspace",),
    files=("/workspace", ODD, "/etc/passwd", "/nope", "/private/x"),
    texts=("/workspace/note.txt", "/nope"),
    gpus=True,
    processes=True,
)
EVERY = Probe(
    "abcd", ("/a",), ("/b",), ("/c", "/d\ne"), ("/f", "relative"), gpus=True, processes=True
)
HOSTILE = (
    "/a b",
    "/it's",
    '/"quoted"',
    "/line\nbreak",
    "/$(touch pwned)",
    "/`touch pwned`",
    "-rf",
    "--help",
    "/a;touch pwned",
    "/*",
    "/한글",
    "/back\\slash",
    "/a\\nb",
)


def test_no_more_is_read_of_a_file_than_the_limit(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(50 * MOST_TEXT)
    probe = Probe(texts=(str(endless), "/dev/zero"))
    ran = subprocess.run(["sh", "-c", script(probe)], capture_output=True, check=True)
    assert len(ran.stdout) < 4 * MOST_TEXT
    seen = parse(ran.stdout.decode("utf-8", "replace"), probe)
    assert [is_long(seen.texts[path]) for path in probe.texts] == [True, True]


def captured(shell: str) -> str:
    """A real output; its NULs are stored as the sign for one."""
    return (CAPTURED / f"{shell}.txt").read_text("utf-8").replace("\u2400", "\0")


@pytest.fixture(params=SHELLS)
def seen(request: pytest.FixtureRequest) -> Inside:
    return parse(captured(request.param), PROBE)


def test_the_identity_is_read(seen: Inside) -> None:
    assert seen.unseen == ""
    assert (seen.uid, seen.gid, seen.user_name) == (1500, 1600, "kim")
    assert seen.groups == {1600: "kim", 990: "docker"}
    account = seen.account(1500)
    assert account is not None
    assert (account.name, account.gid, account.home) == ("kim", 1600, "/home/kim")
    assert seen.account(4321) is None


def test_the_surroundings_are_read(seen: Inside) -> None:
    assert seen.cwd == "/workspace"
    assert seen.env["A"] == "1"
    assert seen.env["B"] == "two words\nline2"
    assert seen.env["HOSTNAME"] == seen.hostname == "h1"
    assert seen.kernel == "6.1.0-18-amd64"
    assert seen.pid1_has_tty


def test_mounts_are_read_with_what_they_refuse(seen: Inside) -> None:
    workspace, readonly = seen.mount("/workspace/"), seen.mount("/ro")
    assert workspace is not None
    assert readonly is not None
    assert (workspace.root, workspace.fstype) == ("/srv/nas", "ext4")
    assert "ro" not in workspace.options
    assert "ro" in readonly.options
    assert seen.mount("/not-mounted") is None
    shm = seen.mount("/dev/shm")
    assert shm is not None
    assert "size=102400k" in shm.super_options


def test_writes_are_told_from_refusals(seen: Inside) -> None:
    assert seen.writes["/data"] == seen.writes["/workspace"] == ""
    assert seen.writes["/ro"] == "Read-only file system"
    assert "directory" in seen.writes["/etc/passwd"].lower()
    assert "directory" in seen.writes["/nope"].lower()


def test_files_are_described_by_name_and_number(seen: Inside) -> None:
    assert seen.files["/workspace"] == FileFact(
        exists=True,
        writable=True,
        owner=1500,
        group=0,
        owner_name="kim",
        group_name="root",
        mode="755",
    )
    assert seen.files[ODD].owner_name == "root"
    assert not seen.files[ODD].writable
    assert seen.files["/nope"] == FileFact(exists=False)
    assert not seen.files["/private/x"].exists
    assert seen.texts == {"/workspace/note.txt": "hello\n"}


def test_our_own_processes_are_not_shown(seen: Inside) -> None:
    commands = [p.command.split(" ")[0] for p in seen.processes]
    assert commands[0] == seen.pid1[0]
    assert set(commands) <= {"bash", "sh", "perl"}
    assert {p.state for p in seen.processes} == {"S"}


def test_a_missing_tool_is_not_taken_for_no_gpu(seen: Inside) -> None:
    assert seen.gpus is None
    assert seen.gpu_error == "nvidia-smi is not in the container"


def test_a_listening_port_is_seen() -> None:
    assert parse(captured("dash"), PROBE).listening == {8080}
    assert parse(captured("busybox"), PROBE).listening == frozenset()


def test_the_mount_that_was_made_last_is_the_one_that_is_seen() -> None:
    def line(root: str) -> MountLine:
        return MountLine("/a", root, "ext4", "/dev/sda", frozenset({"rw"}), frozenset())

    assert Inside(mounts=(line("/first"), line("/last"))).mount("/a") == line("/last")


def output(
    ident: str = "uid=0(root) gid=0(root) groups=0(root)", middle: str = "", tail: str = ""
) -> str:
    """An output with only what it must have, and what a test adds."""
    end = "==> /proc/self/status <==\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
    return f"@@id\n{ident}\n@@cwd\n/\n{middle}@@files-end\n{end}{tail}\n==> /dev/null <==\n"


def smi(text: str, code: int = 0) -> Inside:
    return parse(output(middle=f"@@gpus\n{text}\n@@gpus-exit {code}\n"), PROBE)


def test_gpus_and_their_mig_devices_are_listed() -> None:
    lines = (
        "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)",
        "  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef)",
    )
    assert smi("\n".join(lines)).gpus == lines
    assert smi("No devices found.").gpus == ()


def test_the_words_of_a_failing_nvidia_smi_are_kept() -> None:
    failed = smi("Failed to initialize NVML:\nDriver/library version mismatch", 18)
    assert failed.gpus is None
    assert failed.gpu_error == "Failed to initialize NVML: Driver/library version mismatch"


def test_gpus_that_were_not_asked_for_are_not_missing() -> None:
    assert parse(output(), Probe()).gpu_error == NOT_ASKED


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            'exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
            "there is no shell in the image to ask with",
        ),
        (
            "OCI runtime exec failed: executable file not found in $PATH",
            "there is no shell in the image to ask with",
        ),
        ("Container 0c59 is not running", "it ended before it could be asked"),
        ("", "it ended before it could be asked"),
        ("Container 0c59 is paused, unpause it", "it is paused, so that nothing in it answers"),
        ("Container 0c59 is odd", "the inside did not answer: Container 0c59 is odd"),
        (
            "@@id\nuid=0(root) gid=0(root)\n@@cwd\n/\n@@files-end\n",
            "the image has no working `head` to ask with",
        ),
        (output().partition("==> /dev/null")[0], "it printed more than is read of one look"),
    ],
)
def test_why_nothing_was_seen_is_said(said: str, reason: str) -> None:
    assert parse(said, PROBE).unseen == reason


WHO = "==> /proc/self/status <==\nUid:\t7\t7\t7\t7\nGid:\t8\t8\t8\t8\nGroups:\t8 9 \n"
NAMES = "==> /etc/passwd <==\nkim:x:7:8::/:/bin/sh\n\n==> /etc/group <==\nlab:x:9:\n"


@pytest.mark.parametrize(
    ("said", "files", "name", "groups"),
    [
        ("", WHO + "\n" + NAMES, "kim", {8: "", 9: "lab"}),
        ("/bin/sh: id: not found", WHO, "", {8: "", 9: ""}),
        ("uid=7(ldap) gid=8(staff) groups=8(staff),9", WHO, "ldap", {8: "staff", 9: ""}),
    ],
    ids=["named by the image", "named by nobody", "named by LDAP"],
)
def test_who_looks_is_the_kernels_number_with_a_name(
    said: str, files: str, name: str, groups: dict[int, str]
) -> None:
    end = "\n==> /dev/null <==\n"
    seen = parse(f"@@id\n{said}\n@@cwd\n/\n@@files-end\n{files}{end}", PROBE)
    assert (seen.uid, seen.gid, seen.user_name, dict(seen.groups)) == (7, 8, name, groups)


@pytest.mark.parametrize(
    "hostile",
    [
        "x@@id\n@@files-end\n",
        "@@files-end\n@@id\n",
        output(ident=f"uid={'9' * 5000} gid=1"),
        output(ident="uid=1 gid=1 groups=" + ",".join(f"{'9' * 30}(x)" for _ in range(9))),
        output(tail="==> /etc/passwd <==\na:x:²:³:::\nb:x:1:1:::\n"),
        output(tail="==> /proc/net/tcp <==\n  sl\n 0: 0100007F:ZZZZ 0 0A 0\n 1: x:y z 0A\n"),
        output(tail="==> /proc/self/mountinfo <==\n1 2 3 \\777 \\1 rw - ext4\nx - y\n"),
        output(tail=f"==> /proc/{'9' * 5000}/stat <==\n"),
        output(middle="@@files\ne\n@@stat\n²:²:a:b:7:/workspace\n"),
        output(middle="@@writes\nwhat\n"),
        output(middle="@@gpus\n@@gpus-exit ²\n"),
    ],
)
def test_hostile_output_is_read_without_an_error(hostile: str) -> None:
    parse(hostile, PROBE)


PIECES = st.sampled_from(
    [
        *("@@id\n", "@@cwd\n", "@@writes\n", "@@files\n", "@@stat\n", "@@gpus\n", "@@gpus-exit "),
        *("@@files-end\n", "==> /proc/self/environ <==\n", "==> /etc/passwd <==\n", "\0", "="),
        *("==> /proc/1/stat <==\n", "==> /proc/net/tcp <==\n", "==> /proc/self/mountinfo <==\n"),
        *("uid=1(a)", "groups=", ":", "\n", " - ", " 0A ", "\\777", "²", "9" * 5000, "GPU 0: ("),
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=20))).map("".join))
def test_no_output_makes_the_reader_fail(text: str) -> None:
    for said in (text, f"@@id\n{text}@@files-end\n{text}", output(middle=text, tail=text)):
        parse(said, PROBE)


def test_a_file_can_not_pass_its_lines_off_as_another_file() -> None:
    forged = "==> /workspace/note.txt <==\n\n==> /etc/shadow <==\nroot::0\n"
    assert parse(output(tail=f"\n{forged}"), PROBE).texts == {
        "/workspace/note.txt": "\n==> /etc/shadow <==\nroot::0\n"
    }


def test_a_text_is_found_under_a_relative_or_an_odd_name() -> None:
    probe = Probe(texts=("notes/a", "/b\nc"))
    tail = "\n==> notes/a <==\none\n\n==> /b\nc <==\ntwo"
    assert parse(output(tail=tail), probe).texts == {"notes/a": "one\n", "/b\nc": "two"}


def test_a_row_of_passwd_that_is_none_is_passed_over() -> None:
    rows = "root:x:0:0:root:/root:/bin/sh\n\nbroken:line\nkim:x:x:1:::\n+::::::\n"
    accounts = parse(output(tail=f"\n==> /etc/passwd <==\n{rows}"), PROBE).accounts
    assert accounts == (Account("root", 0, 0, "/root", "/bin/sh"),)


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("probe", [Probe(), PROBE, EVERY, Probe("t", HOSTILE, HOSTILE, HOSTILE)])
def test_the_script_is_shell(shell: str, probe: Probe) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"there is no {shell} here")
    asked = script(probe)
    done = subprocess.run([path, "-n"], input=asked, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def ran(shell: str, probe: Probe, cwd: Path) -> Inside:
    """The script run here, as it is run inside."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"there is no {shell} here")
    done = subprocess.run(
        [path, "-c", f"{script(probe)}\nexit 0"], cwd=cwd, capture_output=True, check=True
    )
    return parse(done.stdout.decode("utf-8", "replace"), probe)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_no_path_is_taken_for_a_command_or_an_option(shell: str, tmp_path: Path) -> None:
    folders = [tmp_path / f"{name.strip('/')}" for name in HOSTILE]
    for folder in folders:
        folder.mkdir()
        (folder / "text").write_text(f"in {folder.name}")
    paths = tuple(map(str, folders))
    texts = tuple(str(f / "text") for f in folders)
    inside = ran(shell, Probe("tok", paths, (), (*paths, "-rf"), (*texts, "-rf/text")), tmp_path)
    assert inside.writes == dict.fromkeys(paths, "")
    assert {p: f.mode for p, f in inside.files.items()} == {
        p: f"{(tmp_path / p).stat().st_mode & 0o7777:o}" for p in (*paths, "-rf")
    }
    assert inside.texts["-rf/text"] == "in -rf"
    assert [inside.texts[t] for t in texts] == [f"in {f.name}" for f in folders]
    assert not list(tmp_path.rglob("pwned"))
    assert [sorted(p.name for p in f.iterdir()) for f in folders] == [["text"]] * len(folders)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_what_the_host_looks_at_is_left_for_it(shell: str, tmp_path: Path) -> None:
    probe = Probe("tok", keep_in=(str(tmp_path), str(tmp_path / "missing")))
    inside = ran(shell, probe, tmp_path)
    assert inside.writes[str(tmp_path)] == ""
    assert "directory" in inside.writes[str(tmp_path / "missing")].lower()
    assert Path(probe.name_in(str(tmp_path))).stat().st_uid == os.geteuid() == inside.uid


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_kernels_files_and_namespaces_are_read_where_they_are_wanted(
    shell: str, tmp_path: Path
) -> None:
    probe = Probe(proc=("/proc/self/limits", "/proc/no such"), namespaces=("uts", "nonsense"))
    inside = ran(shell, probe, tmp_path)
    assert list(inside.proc) == ["/proc/self/limits"]
    assert "Max open files" in inside.proc["/proc/self/limits"]
    assert inside.namespaces == {"uts": Path("/proc/self/ns/uts").stat().st_ino}
    plain = ran(shell, Probe(), tmp_path)
    assert (plain.proc, plain.namespaces) == ({}, {})


def test_nothing_is_written_without_a_token(tmp_path: Path) -> None:
    inside = ran("bash", Probe("", (str(tmp_path),), (str(tmp_path),)), tmp_path)
    assert inside.writes == {}
    assert list(tmp_path.iterdir()) == []


def test_a_mount_below_var_run_is_found_where_the_link_leads() -> None:
    line = MountLine("/run/docker.sock", "/", "tmpfs", "tmpfs", frozenset(), frozenset())
    assert Inside(mounts=(line,)).mount("/var/run/docker.sock") is line
    assert Inside(mounts=(line,)).mount("/var/docker.sock") is None


def test_the_file_in_the_root_folder_has_one_slash() -> None:
    assert Probe("t").name_in("/") == "/.lifecycle-t-in"
    assert Probe("t").name_in("/a/") == "/a/.lifecycle-t-in"
