"""The CLI itself says which lines it takes; it reads a whole line before it looks for a daemon."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from lifecycle.command.line import CommandError
from lifecycle.command.parse import parse

Cli = Callable[..., subprocess.CompletedProcess[str]]

DIGEST = "sha256:" + "0123456789abcdef" * 4
FLAGS = {
    "-p": "80 8080:80/udp 127.0.0.1::80 [::1]:8080:80 ::1:80:80 1-3:80 80-82:80-82 80-83:80-82"
    " abc:80 80/foo 80/SCTP : host:80:80 target=80,published=81 a=b 70000 80:65536 80-79 +80 80/",
    "--expose": "80/udp 80-90 a",
    "-v": "rel:/x ./a:/x ../a:/x /a:/b:ro,z /a /a: :/a",
    "--mount": "type=bind,source=/a,target=/b source=vv,target=/b source=vv foo"
    " Type=bind,src=/a,dst=/b,RO type=volume,src=vv,dst=/b,readonly=maybe"
    " type=volume,dst=/b,zzz=1 type=tmpfs,dst=/b,tmpfs-size=1q",
    "--memory": "512m 1.5g 1.5kb -1 1GiB 1e3 .5g infm 1kbb 1q",
    "--memory-swap": "-1 5m -2",
    "--cpus": "1.5 a 1/2 1e2 1.0000000001",
    "--gpus": 'all 2 -1 "device=0,2" device=0 all,capabilities=utility foo foo=bar all,all all,'
    ' "device=0 all,"capabilities=utility,compute" count=x driver=nvidia,count=2 ALL',
    "--ulimit": "nofile=1:2 nofile=2:1 foo=1 nofile nofile=-1 nofile=-1:5 nofile=5:-1 nofile=1:",
    "--restart": "always on-failure:3 on-failure:x",
    "--network": "container:foo name=foo,alias=bar name=foo,bogus=bar bridge,alias=b alias=b",
    "--attach": "stdin STDOUT foo",
    "--add-host": "a a:1.2.3.4 a=1.2.3.4 a:bogus a:host-gateway a:[::1] a:::1",
    "--dns": "a 1.2.3.4 ::1",
    "--mac-address": "x 92:d0:c6:0a:29:33",
    "-e": "=a A A=b=c",
    "--label": "=a a a=b",
    "--link": "a a:b a:b:c",
    "--pid": "foo host container:a container:",
    "--uts": "foo host",
    "--userns": "foo host",
    "--cgroupns": "foo host private",
    "--pull": "foo always",
    "--sysctl": "a=b net.a=1 kernel.shmmax=1 kernel.sem=1 fs.mqueue.a=1 kernel.hostname=1 a",
    "--device-read-bps": "/dev/sda:1mb sda:1mb /dev/sda:1q /dev/sda",
    "--device-read-iops": "/dev/sda:1000 /dev/sda:1k",
    "--blkio-weight": "70000 0x10 -1 300",
    "--blkio-weight-device": "/dev/sda:100 /dev/sda:5",
    "--health-interval": "5s 5 1h2m 0 1.5h .5s",
    "--memory-swappiness": "101 100 0",
    "--pids-limit": "a 0x10 010 09 1_000 1__0 +5 99999999999999999999",
    "--storage-opt": "a a=b",
    "--security-opt": "no-new-privileges label=disable seccomp=unconfined seccomp apparmor"
    " systempaths=unconfined",
    "--health-start-period": "1.s .5h 1h2 -1s 0",
    "--health-retries": "-1 0",
    "--cpuset-cpus": "0-2,4",
    "--cap-add": "ALL net_admin CAP_KILL",
    "--log-opt": "a a=b",
    "--annotation": "a a=b",
}
IMAGES = (
    "a/b/c:tag docker.io/library/x x@sha256:abc x: :x x//y localhost/x localhost:5000/x UPPER/x"
    " UPPER.com/x x/UPPER FOO x:TAG a..b a__b a___b a--b a.-b http://a/b [::1]:80/a 012345678901 -"
    f" x@{DIGEST} x:1@{DIGEST} {DIGEST} {DIGEST[7:]}"
)
LINES = (
    "run --network name=a,alias=b --network-alias c x",
    "run --network name=a,ip=1.2.3.4 --ip 1.2.3.5 x",
    "run --network name=a,ip6=::1 --ip6 ::2 x",
    "run --network name=a,link-local-ip=169.254.8.8 --link-local-ip 169.254.8.9 x",
    "run --network a --network name=b,alias=b --network-alias c x",
    "run --network name=a,alias=b --ip 1.2.3.5 x",
    "network create --gateway x n",
    "run -- x",
    "run x -- y",
    "run -dti --rm=false x",
    "run --tty=yes x",
    "run -t false",
    "run --=x",
    "run ---x y",
    "run -=x",
    "run --rm= x",
    "run -p= x",
    "run -p8080:80 x",
    "run -name a x",
    "run -entrypoint bash x",
    "pull A",
    "pull a b",
    f"tag {DIGEST} b",
    f"tag a b@{DIGEST}",
    f"push a@{DIGEST}",
    "commit a B",
    "commit a",
    "exec a",
    "exec -- a ls",
    "exec a -- ls",
    "stop -t x a",
    "stop -t -1 a",
    "rm a -f",
    "rm -- -f",
    "cp a b",
    "cp a:/x c:/d",
    "cp a:/x -",
    "cp :a b",
    "network create a b",
    "network create --ipv6 false a",
    "network connect a",
    "volume create aa b",
    "volume create --name aa",
    "logs -n5 -f a",
    "ps -n x",
    "ps --filter x",
    "port a 80 90",
    "top -o pid a",
    "top a -o pid",
    "inspect --type foo a",
    "stats a b",
    "system foo",
    "image rmi a",
    "-D run x",
)
CASES = (
    *(("run", flag, value, "x") for flag, held in FLAGS.items() for value in held.split()),
    *(("run", image) for image in IMAGES.split()),
    *(tuple(line.split(" ")) for line in LINES),
)


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_a_line_is_taken_exactly_when_the_cli_takes_it(cli28: Cli, words: tuple[str, ...]) -> None:
    said = cli28(*words)
    taken = "Cannot connect to the Docker daemon" in said.stderr
    if taken:
        parse(["docker", *words])
    else:
        with pytest.raises(CommandError):
            parse(["docker", *words])
