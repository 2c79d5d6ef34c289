#!/usr/bin/env bash
# The commands of scenarios/guide.yaml as a plain shell script: the same docker lines in the same
# order, each awaited by its output or its end, and nothing checked. `nox -s bench` times it beside
# `lifecycle run`; by hand (as root or in the docker group):
#
#   time BASE_IMAGE=debian:bookworm DOCKERFILE=./dockerfile NAME=kim NAS=$(mktemp -d) \
#     tests/bench/guide.sh
#
# GPUS=all adds --gpus all; PORT, IMAGE, CONTAINER and PASSWORD have defaults.
set -euo pipefail
export LC_ALL=C
: "${BASE_IMAGE:?}" "${DOCKERFILE:?}" "${NAME:?}" "${NAS:?}"
IMAGE=${IMAGE:-$NAME/test} CONTAINER=${CONTAINER:-my_test_c} PORT=${PORT:-8080}
PASSWORD=${PASSWORD:-correct-horse-$RANDOM$RANDOM}

on_terminal() { # COMMAND...: on a terminal of its own, which stays open
  # The words become one command line for a shell, as `script` wants it.
  coproc TTY { exec script --quiet --return --flush --command "${*@Q}" /dev/null; }
  pid=$TTY_PID
  # Copies: bash takes its own away as soon as the command has ended, read or not.
  exec {screen}<&"${TTY[0]}" {keys}>&"${TTY[1]}"
}

see() { # TEXT: wait until the terminal shows it
  local shown='' character
  until [[ $shown == *"$1"* ]]; do
    IFS= read -r -t 60 -N 1 -u "$screen" character || {
      echo "guide.sh: '$1' never came, only: $shown" >&2
      exit 1
    }
    shown+=$character
  done
}

press() { printf '%b' "$1" >&"$keys"; }
type_line() { printf '%s\r' "$1" >&"$keys"; }

ends() { # wait until the terminal's command has ended
  wait "$pid"
  exec {screen}<&- {keys}>&-
}

docker pull "$BASE_IMAGE"
id
mkdir docker
cp "$DOCKERFILE" docker/dockerfile
docker build -t "$IMAGE" docker -f docker/dockerfile

on_terminal docker run -ti ${GPUS:+--gpus "$GPUS"} --name="$CONTAINER" \
  -v "$NAS":/workspace -p "$PORT":8080 "$IMAGE"
see '$ '
# shellcheck disable=SC2016  # for the shell inside
type_line 'echo hello > /workspace/from-the-shell && echo done-$((6*7))'
see done-42
type_line exit
ends

docker start "$CONTAINER"

on_terminal docker exec -u 0 -ti "$CONTAINER" bash
see '# '
type_line "passwd $NAME"
see 'ew password: '
type_line "$PASSWORD"
see 'etype new password: '
type_line "$PASSWORD"
see 'updated successfully'
type_line exit
ends

on_terminal docker exec -ti "$CONTAINER" bash
see '$ '
type_line 'cat /workspace/from-the-shell'
see hello
type_line exit
ends

on_terminal docker attach "$CONTAINER"
# shellcheck disable=SC2016  # for the shell inside
type_line 'echo pid-$$'
see pid-1
press '\x10\x11' # ctrl-p ctrl-q
ends || true # docker says 1 of a terminal that was left

docker stop -t 1 "$CONTAINER"
docker rm "$CONTAINER"
docker rmi "$IMAGE"
