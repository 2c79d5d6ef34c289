"""What the gate lets through: each request held against what the run made, by id.

The engine is asked which thing a name means, and the request goes on with that thing's id: what
was judged is what is touched. What would be made is written to the ledger before, and its id
before the client knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from lifecycle.command.values.basic import ImpossibleError
from lifecycle.engine.daemon import Daemon, EngineError
from lifecycle.gate.frames import ClosedError
from lifecycle.gate.gate import Call
from lifecycle.gate.table import Act
from lifecycle.run.ownership.ledger import Kind, LedgerError
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests.bodies import BodyError
from lifecycle.run.requests.buildkit import BuildKit
from lifecycle.run.requests.builds import Builds
from lifecycle.run.requests.containers import Containers
from lifecycle.run.requests.images import Images
from lifecycle.run.requests.mounts import Mounts
from lifecycle.run.requests.networks import Networks
from lifecycle.run.requests.pulls import Pulls
from lifecycle.run.requests.refusal import Absent, Refused, everybodys
from lifecycle.run.requests.things import Things
from lifecycle.run.requests.volumes import Volumes

COULD_CHANGE: Mapping[Act, Kind | None] = {
    Act.READ: None,
    Act.REFUSED: None,
    Act.CREATE_CONTAINER: "volume",
    Act.TOUCH_CONTAINER: None,
    Act.REMOVE_CONTAINER: "volume",
    Act.RENAME_CONTAINER: None,
    Act.UPDATE_CONTAINER: None,
    Act.CHECKPOINT: None,
    Act.CREATE_EXEC: None,
    Act.TOUCH_EXEC: None,
    Act.COMMIT: "image",
    Act.PULL: "image",
    Act.LOAD: "image",
    Act.TAG: "image",
    Act.PUSH: None,
    Act.REMOVE_IMAGE: "image",
    Act.BUILD: "image",
    Act.SESSION: None,
    Act.GRPC: None,
    Act.CANCEL_BUILD: None,
    Act.CREATE_NETWORK: "network",
    Act.REMOVE_NETWORK: "network",
    Act.JOIN_NETWORK: "network",
    Act.CREATE_VOLUME: "volume",
    Act.REMOVE_VOLUME: "volume",
}
"""Things with names, which a request of this kind could change though it names others.

A container is only ever named by its id. Of a build by BuildKit its Solve is told apart.
"""


class Judge:
    """Decides for one run; called from a thread of its own for each request."""

    def __init__(
        self, ownership: Ownership, daemon: Daemon, *, own: tuple[str, ...], as_written: bool
    ) -> None:
        """``own`` are the engine's own places on its machine: no container may hold them.

        ``as_written``: the scenario says that it goes round the gate.
        """
        self._o = ownership
        things = Things(ownership, daemon)
        volumes = Volumes(ownership, daemon, things, Mounts(daemon, own, as_written=as_written))
        containers = Containers(ownership, daemon, things, volumes)
        networks = Networks(ownership, daemon, things)
        images = Images(ownership, daemon)
        pulls = Pulls(ownership, daemon, images)
        builds = Builds(ownership, daemon, things, images)
        buildkit = BuildKit(ownership, daemon, things, images)
        self._acts: Mapping[Act, Callable[[Call], None]] = {
            Act.CREATE_CONTAINER: containers.create,
            Act.TOUCH_CONTAINER: containers.touch,
            Act.REMOVE_CONTAINER: containers.remove,
            Act.RENAME_CONTAINER: containers.rename,
            Act.UPDATE_CONTAINER: containers.update,
            Act.CHECKPOINT: containers.checkpoint,
            Act.CREATE_EXEC: containers.create_exec,
            Act.TOUCH_EXEC: containers.touch_exec,
            Act.COMMIT: builds.commit,
            Act.BUILD: builds.build,
            Act.CANCEL_BUILD: builds.cancel,
            Act.SESSION: buildkit.session,
            Act.GRPC: buildkit.grpc,
            Act.PULL: pulls.pull,
            Act.LOAD: images.load,
            Act.TAG: images.tag,
            Act.PUSH: images.push,
            Act.REMOVE_IMAGE: images.remove,
            Act.CREATE_NETWORK: networks.create,
            Act.REMOVE_NETWORK: networks.remove,
            Act.JOIN_NETWORK: networks.join,
            Act.CREATE_VOLUME: volumes.create,
            Act.REMOVE_VOLUME: volumes.remove,
        }

    def __call__(self, call: Call) -> None:
        """Let a request through, or answer it in the engine's place."""
        if call.unreadable:
            self._o.refused(f"a request that can't be read: {call.unreadable}")
            return
        endpoint = call.request.endpoint
        # A client may hold a connection to BuildKit for as long as it lives.
        holds = endpoint is not None and endpoint.act is Act.GRPC
        kind = COULD_CHANGE[endpoint.act] if endpoint is not None else None
        with nullcontext() if holds else self._o.under_way(kind):
            try:
                self._judge(call)
            except Refused as refused:
                self._o.refused(str(refused))
                call.refuse(str(refused))
            except Absent as absent:
                call.refuse(str(absent), 404)
            except ImpossibleError as error:
                self._o.refused(f"a name that can't be: {error}")
                call.refuse(str(error), 400)
            except BodyError as error:
                self._o.refused(f"a body that can't be judged: {error}")
                call.refuse(f"the request's body can't be judged: {error}", 400)
            except (EngineError, LedgerError) as error:
                call.refuse(str(error), 500)
                if isinstance(error, LedgerError):
                    self._o.refused(str(error), "the ledger")
            except ClosedError:
                raise  # the gate was closed before the request was let through
            except Exception as error:
                message = f"a fault of the gate itself, please report it: {error!r}"
                self._o.refused(message, "the gate")
                call.refuse(message, 500)
                raise

    def _judge(self, call: Call) -> None:
        endpoint, request = call.request.endpoint, call.request
        act = self._acts.get(endpoint.act) if endpoint else None
        if act is not None:
            act(call)
            return
        name = f"api:{endpoint or f'{request.method}{request.path}'}"
        if self._o.allows(name):
            call.relay()
            return
        why = endpoint.why if endpoint else "what it does is not known"
        asked = f"{request.method} {request.path}"
        raise everybodys(asked, why, name)
