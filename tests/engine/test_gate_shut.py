"""A run's gate is shut to containers: to a colleague's, as root or with the person's own number."""

from __future__ import annotations

import json
import os

import pytest

from tests.engine.harness import Place, docker

pytestmark = pytest.mark.engine

ASK = r"""
use Socket;
socket(my $gate, AF_UNIX, SOCK_STREAM, 0);
connect($gate, pack_sockaddr_un($ARGV[0])) or print "closed: $!\n" and exit;
send($gate, "$ARGV[1] HTTP/1.1\r\nHost: docker\r\n\r\n", 0);
print while <$gate>;
"""
COLLEAGUE = """
gate=$(dirname $1)/gate/docker.sock
test -S $gate
c=$(docker ps -q --no-trunc --filter name=MINE-c)
for asked in "GET /info" "DELETE /containers/$c?force=1"; do
  docker run --rm --user $2 -v /tmp:/tmp -v FOLDER:/p:ro IMAGE perl /p/ask.pl $gate "$asked"
done > FOLDER/told
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for another person")
@pytest.mark.parametrize("words", [("--user", "root"), ()], ids=["root's", "a member's"])
@pytest.mark.parametrize("who", ["root", "the person"])
def test_a_container_that_reaches_the_gate_s_socket_is_not_served(
    place: Place, base_image: str, words: tuple[str, ...], who: str
) -> None:
    uid = "${{ me.uid }}" if who == "the person" else "0"
    place.write("ask.pl", ASK)
    script = COLLEAGUE.replace("FOLDER", str(place.folder)).replace("IMAGE", base_image)
    steps = [
        f"docker run -d --name=MINE-c {base_image} sleep 1000",
        f"{place.colleague(script)} ${{{{ run.folder }}}} {uid}",
        "docker exec MINE-c true",
    ]
    told = place.write("told", "")
    told.chmod(0o666)  # the colleague's script is a step of the person's
    file = place.write("a.yaml", f"scenario: shut\nsteps: {json.dumps(steps)}\n")
    ran = place.run(*words, str(file))
    assert ran.exit_code == 0, ran.said
    assert told.read_text().count("HTTP/1.1 403 Forbidden") == 2, told.read_text()
    assert told.read_text().count("is not served") == 2
    assert place.left() == []
    assert docker("ps", "-aq", "--filter", f"name={place.word}") == ""
