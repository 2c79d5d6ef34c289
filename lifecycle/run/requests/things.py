"""Which thing of the engine a name in a request means, and whether the request may touch it."""

from __future__ import annotations

import re
from ipaddress import ip_network

from lifecycle.command.references import is_whole_id
from lifecycle.engine.daemon import Daemon
from lifecycle.machine.addresses import Network, objection, overlap, taken_by
from lifecycle.run.ownership.inventory import identity_of
from lifecycle.run.ownership.ownership import Ownership
from lifecycle.run.requests import container_bodies, hardware
from lifecycle.run.requests.bodies import BUILT_IN, Join
from lifecycle.run.requests.network_bodies import pools
from lifecycle.run.requests.refusal import Absent, Refused, not_ours
from lifecycle.text.json_object import Json

_CONTAINER_GROUP = re.compile(r"(?:[a-z-]+-)?([0-9a-f]{12,64})(?:\.scope)?")
_PERSON_GROUP = re.compile(
    r"user(?:\.slice|-[0-9]+\.slice|@|$)|.*\.(?:scope|service)$|(?:kubepods|lxc|slurm|machine)\b"
)
"""Of somebody who is logged in, of a service, or of another runtime's container or job."""


class Things:
    """Looks names up. Everything raises Refused for another's thing, and EngineError."""

    def __init__(self, ownership: Ownership, daemon: Daemon) -> None:
        """Nothing is asked yet."""
        self._o, self._daemon = ownership, daemon

    def container(self, name: str) -> str:
        """The full id of a container that may be touched. Raises Absent where there is none."""
        if is_whole_id(name) and self._o.owns("container", name):
            return name
        container = self._daemon.container(name.removeprefix("/"))  # the engine's own way to say it
        if container is None:
            raise Absent(f"No such container: {name}")
        identity, known = str(container["Id"]), str(container.get("Name") or "").lstrip("/")
        if not self._o.may_touch("container", identity, name, known):
            raise not_ours("container", known, name)
        return identity

    def network(self, name: str) -> tuple[str, bool]:
        """The full id of a network that may be joined, and whether it is ours. Raises Absent."""
        network = self._daemon.network(name)
        if network is None:
            raise Absent(f"network {name} not found")
        identity, known = str(network["Id"]), str(network.get("Name") or "")
        if not self._o.may_touch("network", identity, name, known):
            raise not_ours("network", known, name)
        return identity, self._o.owns("network", identity)

    def joinable(self, name: str) -> tuple[str, bool]:
        """The same of a container of ours, which may be in a network that all engines have."""
        network = self._daemon.network(name)
        if network is not None and network.get("Name") in BUILT_IN:
            return str(network["Id"]), True
        return self.network(name)

    def volume(self, name: str) -> bool:
        """Whether a volume that may be used is there."""
        volume = self._daemon.volume(name)
        if volume is not None:
            self.mountable(volume)
        return volume is not None

    def mountable(self, volume: Json) -> None:
        """Whether a volume that was inspected may be used."""
        name = str(volume["Name"])
        if self._o.owns_volume(volume) or self._o.has_leave("volume", identity_of(volume), name):
            return
        raise not_ours("volume", name, name)

    def joined(self, join: Join, body: Json) -> bool:
        """Whether what a container would share is there; raises Refused where it is another's."""
        if join.kind == "container":
            self.container(join.name)
        elif join.kind == "network":
            _, ours = self.network(join.name)
            if not ours:
                container_bodies.drop_aliases(body, join.name)
        else:
            return self.volume(join.name)
        return True

    def control_group(self, name: str) -> None:
        """Whether a container may stand below a control group, whose limits it would share.

        It may in one that has a name of its own, as those that a lab makes for everybody; not in
        a container's, which is called by its id, nor in a person's.
        """
        for part in name.split("/"):
            if container := _CONTAINER_GROUP.fullmatch(part):
                self.container(container[1])
            elif (part == ".." or _PERSON_GROUP.match(part)) and not self._o.allows(name):
                raise not_ours("control group", name, name)

    def build_places(self, control_group: str, network: str) -> None:
        """Whether the containers of a build's RUNs may be there. Raises Absent, too."""
        self.control_group(control_group)
        if network.startswith("container:"):
            self.container(network.removeprefix("container:"))
        elif network not in BUILT_IN:
            self.network(network)

    def hardware_address(self, address: str) -> None:
        """Whether a container may have a hardware address: another's takes its traffic.

        Those that do not run are inspected, since a list tells nothing of what they will have.
        """
        wanted = hardware.digits(address)
        if not wanted:
            raise Refused(
                f"a container of the hardware address {address!r} is not made: whose that is can't "
                "be told; write one as 02:42:ac:11:00:02"
            )
        for one in self._daemon.containers():
            identity, taken = str(one["Id"]), hardware.of_container(one)
            if not taken or one.get("State") != "running":
                taken |= hardware.of_container(self._daemon.container(identity) or {})
            if wanted in taken:
                self.container(identity)
        if self._o.allows(address):
            return
        if self._daemon.shares_machine and wanted in hardware.of_machine():
            raise Refused(
                f"the hardware address {address} is an interface's of this machine, and would take "
                f"its traffic (--allow-foreign {address} lifts this)"
            )
        if given := hardware.given_with(wanted):
            what = f"the hardware address {address}, which the engine gives out with {given},"
            self._refuse_overlap(address, what, ip_network(given))

    def interface(self, name: str) -> None:
        """Whether a network may stand on an interface of the machine: it joins whoever is on it."""
        if name and not self._o.allows(name):
            raise not_ours("interface", name, name)

    def addresses(self, subnet: str) -> None:
        """Whether a network may have these addresses: the machine finds its own by them."""
        if self._o.allows(subnet):
            return
        try:
            wanted = ip_network(subnet, strict=False)
        except ValueError:
            raise Refused(
                f"a network of {subnet!r} is not made: what that means to the engine is not known; "
                "write addresses as 172.30.7.0/24 or fd00:7::/64"
            ) from None
        shares = self._daemon.shares_machine
        if taken := taken_by(wanted, self._servers()) if shares else "":
            raise Refused(
                f"a network of {subnet} would take {taken} from this machine, and cut everybody "
                f"off from it (--allow-foreign {subnet} lifts this)"
            )
        if why := objection(wanted):
            raise Refused(
                f"a network of {subnet} is not made: {why} (--allow-foreign {subnet} lifts this)"
            )
        self._refuse_overlap(subnet, f"a network of {subnet}", wanted)

    def _servers(self) -> list[str]:
        """The proxies and registries that the engine has settings of, with passwords in none."""
        info = self._daemon.info
        proxies = [str(info.get(key) or "") for key in ("HttpProxy", "HttpsProxy")]
        registries = (info.get("RegistryConfig") or {}).get("IndexConfigs") or {}
        mirrors = (m for one in registries.values() for m in (one or {}).get("Mirrors") or [])
        return [text.rpartition("@")[2] for text in (*proxies, *registries, *mirrors)]

    def _refuse_overlap(self, lifts: str, what: str, wanted: Network) -> None:
        """Raise Refused for what would have addresses of another's network.

        Of networks the engine refuses most itself, and takes a bridge down over some.
        """
        for network in self._daemon.networks():
            identity, name = str(network["Id"]), str(network["Name"])
            if network.get("ConfigOnly") or self._o.owns("network", identity):
                continue
            for pool in pools(network):
                if overlap(wanted, pool.subnet) and not self._o.has_leave(
                    "network", identity, name
                ):
                    raise Refused(
                        f"{what} would take addresses of network {name} "
                        f"({pool.subnet}), which was not made by this run "
                        f"(--allow-foreign {lifts} lifts this)"
                    )
