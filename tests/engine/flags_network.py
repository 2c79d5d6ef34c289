"""The containers and the rows of test_flags_network.py: what is true, and what is not."""

from __future__ import annotations

from tests.engine.held import Row

CONTAINERS = {
    "source": "-v FOLDER/open:/open -v MINE-v:/named -v FOLDER/open:/relabel:z",
    "bridge": (
        "--dns 192.0.2.53 --dns-option ndots:3 --dns-search lab.test --domainname lab.test"
        " --add-host nas:192.0.2.7 --add-host six:2001:db8::7 --link MINE-source:li"
        " --expose 81-82/udp -P -p 127.0.0.1::7001 -p 7002/udp --volumes-from MINE-source:ro"
        " --env-file FOLDER/env --label-file FOLDER/labels -e LOGNAME -u daemon:games"
        " --tmpfs /scratch:size=1m,mode=1770,uid=1,noexec,nosuid"
    ),
    "net": (
        "--network MINE-n --ip 172.31.77.9 --network-alias store"
        " --link-local-ip 169.254.8.8 --link MINE-bridge:li --dns 192.0.2.53"
        " -v MINE-w:/nocopy:nocopy"
        " --mount type=volume,target=/data,volume-nocopy,volume-label=a=b,volume-driver=local"
        " --mount type=tmpfs,target=/ram,tmpfs-size=2m,tmpfs-mode=700"
        " --mount type=bind,source=FOLDER/open,target=/private,bind-propagation=private,readonly"
        " --mount type=bind,source=FOLDER/open,target=/flat,bind-nonrecursive"
        " --mount type=volume,target=/made,volume-opt=type=tmpfs,volume-opt=device=tmpfs"
        " --volume-driver local"
    ),
    "long": (
        "--network name=MINE-n,alias=db,ip=172.31.77.10,link-local-ip=169.254.8.10,driver-opt=a=b"
    ),
    "six": "--network MINE-6 --ip6 fd31:79::9",
    "none": "--network none",
    "host": "--network host",
    "joined": "--network container:MINE-bridge",
    "spread": (
        "--mount type=bind,source=FOLDER/spread,target=/shared,bind-propagation=rshared"
        " --mount type=bind,source=FOLDER/spread,target=/slave,bind-propagation=slave"
        " -v FOLDER/spread:/both:shared"
    ),
    "again": "--dns 192.0.2.53 --dns-search .",
}
FILES = {
    "env": "\n# a comment\nMODE=train\n  SPACED=a b\nTWICE=1\n",
    "labels": "team=vision\nlonely\n",
    "env-other": "MODE=test\n",
    "labels-other": "team=audio\n",
}


ROWS = [
    Row("bridge", "--add-host nas:192.0.2.7", "--add-host nas:192.0.2.8"),
    Row("bridge", "--add-host nas=192.0.2.7", "--add-host other:192.0.2.7"),
    Row("bridge", "--add-host six:2001:db8::7", "--add-host six:2001:db8::8"),
    Row("again", "--dns 192.0.2.53", "--dns 192.0.2.54"),
    Row("bridge", "--dns-option ndots:3", "--dns-option ndots:4"),
    Row("bridge", "--dns-search lab.test", "--dns-search other.test"),
    Row("again", "--dns-search .", "--dns-search lab.test"),
    Row("bridge", "--domainname lab.test", "--domainname other.test"),
    Row("bridge", "--link MINE-source:li", "--link MINE-source:lo"),
    Row("net", "--link MINE-bridge:li", "--link MINE-bridge:lo", 1),
    Row("bridge", "--expose 81-82/udp", "--expose 83/udp", 2, 1),
    Row("bridge", "-p 127.0.0.1::7001", "-p 127.0.0.2::7001", 1),
    Row("bridge", "-p 7002/udp", "-p 7002/tcp", 1),
    Row("bridge", "-p 1024-65535:7002/udp", "-p 1-1023:7002/udp", 1),
    Row("bridge", "--volumes-from MINE-source:ro", "--volumes-from MINE-source"),
    Row("bridge", "--env-file FOLDER/env", "--env-file FOLDER/env-other", 6, 2),
    Row("bridge", "--label-file FOLDER/labels", "--label-file FOLDER/labels-other", 1),
    Row("bridge", "-u daemon:games", "-u daemon:bin"),
    Row("bridge", "--tmpfs /scratch:size=1m", "--tmpfs /scratch:size=2m", 4, 2),
    Row("bridge", "--tmpfs /scratch:mode=1770", "--tmpfs /scratch:mode=1777", 4, 2),
    Row("bridge", "--tmpfs /scratch:uid=1", "--tmpfs /scratch:uid=2", 4, 2),
    Row("bridge", "--tmpfs /scratch:noexec", "--tmpfs /scratch:noatime", 4, 2),
    Row("bridge", "--tmpfs /scratch", "--tmpfs /scratch:ro", 2),
    Row("net", "--ip 172.31.77.9", "--ip 172.31.77.10"),
    Row("net", "--link-local-ip 169.254.8.8", "--link-local-ip 169.254.8.9"),
    Row("net", "--network-alias store", "--network-alias shop", 1),
    Row("net", "--network MINE-n", "--network bridge", 2, 1),
    Row("long", "--network name=MINE-n,alias=db", "--network name=MINE-n,alias=da", 3, 1),
    Row("long", "--network alias=db,name=MINE-n", "--network name=bridge,alias=db", 3, 2),
    Row(
        "long",
        "--network name=MINE-n,ip=172.31.77.10",
        "--network name=MINE-n,ip=172.31.77.9",
        4,
        2,
    ),
    Row(
        "long",
        "--network name=MINE-n,link-local-ip=169.254.8.10",
        "--network name=MINE-n,link-local-ip=169.254.8.8",
        4,
        2,
    ),
    Row("six", "--ip6 fd31:79::9", "--ip6 fd31:79::8"),
    Row("none", "--network none", "--network host", 2, 1),
    Row("host", "--network host", "--network none", 1, 2),
    Row("joined", "--network container:MINE-bridge", "--network container:MINE-net"),
    Row("bridge", "--network bridge", "--network none"),
    Row("net", "-v MINE-w:/nocopy:nocopy", "-v MINE-w:/nocopy:ro", 3, 2),
    Row("net", "--volume-driver local", "--volume-driver nfs", 1),
    Row(
        "net",
        "--mount type=volume,target=/data,volume-nocopy",
        "--mount type=volume,target=/nocopy,volume-nocopy,source=MINE-x",
        3,
        1,
    ),
    Row(
        "net",
        "--mount type=volume,target=/data,volume-label=a=b",
        "--mount type=volume,target=/data,volume-label=a=c",
        3,
        1,
    ),
    Row(
        "net",
        "--mount type=volume,target=/data,volume-driver=local",
        "--mount type=volume,target=/data,volume-driver=nfs",
        3,
        1,
    ),
    Row(
        "net",
        "--mount type=tmpfs,target=/ram,tmpfs-size=2m",
        "--mount type=tmpfs,target=/ram,tmpfs-size=3m",
        4,
        2,
    ),
    Row(
        "net",
        "--mount type=tmpfs,target=/ram,tmpfs-mode=0700",
        "--mount type=tmpfs,target=/ram,tmpfs-mode=0711",
        4,
        2,
    ),
    Row(
        "net",
        "--mount type=bind,source=FOLDER/open,target=/private,bind-propagation=private,ro",
        "--mount type=bind,source=FOLDER/open,target=/private,bind-propagation=rshared,ro",
        4,
        2,
    ),
    Row(
        "net",
        "--mount type=bind,source=FOLDER/open,target=/flat,bind-nonrecursive",
        "--mount type=bind,source=FOLDER/open,target=/private,readonly,bind-nonrecursive",
        3,
        1,
    ),
    Row(
        "net",
        "--mount type=bind,source=FOLDER/open,target=/flat,bind-recursive=disabled",
        "--mount type=bind,source=FOLDER/open,target=/flat,bind-recursive=enabled",
        3,
        1,
    ),
    Row(
        "net",
        "--mount type=volume,target=/made,volume-opt=type=tmpfs",
        "--mount type=volume,target=/made,volume-opt=type=nfs",
        3,
        1,
    ),
    Row("source", "-v FOLDER/open:/relabel:z", "-v FOLDER/open:/relabel:Z", 3, 1),
    Row(
        "long",
        "--network name=MINE-n,driver-opt=a=b",
        "--network name=MINE-n,driver-opt=a=c",
        3,
        1,
    ),
    *(
        Row(
            "spread",
            f"--mount type=bind,source=FOLDER/spread,target=/{target},bind-propagation={is_so}",
            f"--mount type=bind,source=FOLDER/spread,target=/{target},bind-propagation={is_not}",
            4,
            2,
        )
        for target, is_so, is_not in (
            ("shared", "rshared", "rslave"),
            ("slave", "slave", "private"),
        )
    ),
    Row("spread", "-v FOLDER/spread:/both:shared", "-v FOLDER/spread:/both:rslave", 4, 2),
]
