"""What the guardian hands to each role of the gateway that it starts, in sealed memory that the role inherits.

No role reads settings of its own: files may have changed since. Not in argv or the environment, because it holds secrets.
"""

import hmac
from typing import Final

import msgspec

from actors.runtime.fingerprint import Fingerprint, fingerprint
from actors.runtime.sealed import read_sealed, seal
from beaker.settings.gateway import GatewaySettings
from beaker.settings.key import KeyFacts
from beaker.settings.schema import LogSettings

OPTION = "--order-fd="

REGISTRY: Final = "registry"
GUARDIAN: Final = "guardian"
WORKER: Final = "worker"
"""Roles as they stand in a greeting; see `host_role` for the others."""


def host_role(number: int) -> str:
    """As which a kernel host greets: each has a number, and none is let in as another.

    >>> host_role(0)
    'host-0'
    """
    return f"host-{number}"


def agent_host_role(number: int) -> str:
    """The same of an agent host."""
    return f"agent-host-{number}"


class GatewayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All that a role of the gateway must know."""

    number: int
    """Of this one among those of its role, from 0."""
    folder: str
    """The gateway's runtime folder: sockets of the roles, the workers' shared memory."""
    state: str
    """The gateway's state folder: its journal."""
    settings: GatewaySettings
    """As they hold for the whole gateway."""
    logs: LogSettings
    """As they hold for the whole gateway."""
    link_secret: bytes
    """From which the secrets of single links are made; another one each time that the gateway is started. The guardian keeps it."""
    kernel_secret: bytes
    """From which the secrets of single kernels are made; the same over all starts of this gateway."""
    token: str | None
    """What clients must show; None: nothing."""
    cookie_secret: bytes
    """What cookies of sessions are signed with, together with the token; the same over all starts of this gateway."""
    listening: tuple[int, ...] = ()
    """Descriptors of sockets, inherited. For workers: where clients come in; for an agent host: its own one."""
    port: int = 0
    """For workers: where that is; 0 for a unix socket."""
    key: KeyFacts | None = None
    """For hosts: what may be known of the model's key, which comes by a descriptor of its own; None: there is none."""
    key_problems: tuple[str, ...] = ()
    """For hosts: what was said while the key was looked for."""
    token_print: Fingerprint | None = None
    """For roles that have no token: by which they let the token pass into no log and no cell, without having it."""
    key_print: Fingerprint | None = None
    """For the registry: the same for the model's key, which it lets into no cell."""
    passes: dict[str, bytes] = {}
    """For roles: the secrets of their own links, by `who>whom`."""
    starts: int = 1
    """How many processes were started for the post of this one, with it."""
    open_files: int = 0
    """For the registry: how many descriptors a subkernel may have, which is what the user of the gateway may; 0: as many as we."""
    began_at: float = 0.0
    """When the gateway was started: wall clock, seconds since the epoch."""

    def secret_between(self, who: str, whom: str) -> bytes:
        """What a role says when it links itself to another.

        Each of the two knows it, and the guardian; a third that would pass for one of them does not.

        Raises:
            KeyError: it is no business of this role's.
        """
        name = f"{who}>{whom}"
        return hmac.digest(self.link_secret, name.encode(), "sha256") if self.link_secret else self.passes[name]

    @property
    def agent_hosts(self) -> int:
        """How many there may be; 0: each kernel's agent is a process of its own."""
        return min(self.settings.agents, self.settings.workers)

    def hosts_of(self, agent_host: int) -> list[str]:
        """The roles of the kernel hosts whose conversations an agent host has."""
        return [host_role(host) for host in range(self.settings.workers) if self.agent_host_of(host) == agent_host]

    def agent_host_of(self, host: int) -> int | None:
        """Who has the conversations of a kernel host; None: its kernels' agents are processes of their own."""
        return host % self.agent_hosts if self.agent_hosts else None

    def for_role(self, role: str, number: int, *, starts: int = 1, listening: int | None = None) -> "GatewayOrder":
        """The part that one process is handed: no secret goes to a role that has no use for it.

        Args:
            role: as it stands in the command line.
            number: among those of its role.
            starts: how often it was started, this time among them.
            listening: for an agent host: the descriptor of its socket.
        """
        hosts = [host_role(each) for each in range(self.settings.workers)]
        ways = {
            REGISTRY: [(who, REGISTRY) for who in (GUARDIAN, WORKER, *hosts)],
            "host": [(host_role(number), REGISTRY), (WORKER, host_role(number)), *self._to_agents(number)],
            "agent-host": [(host, agent_host_role(number)) for host in self.hosts_of(number)],
            WORKER: [(WORKER, whom) for whom in (REGISTRY, *hosts)],
        }[role]
        passes = {f"{who}>{whom}": self.secret_between(who, whom) for who, whom in ways}
        key_print = self.key_print if role == REGISTRY else None
        mine = msgspec.structs.replace(self, number=number, link_secret=b"", passes=passes, starts=starts, key_print=key_print)
        if role == WORKER:
            return msgspec.structs.replace(mine, kernel_secret=b"", key=None, key_problems=())
        token_print = fingerprint(self.token) if self.token is not None else None
        mine = msgspec.structs.replace(mine, token=None, token_print=token_print, cookie_secret=b"")
        if role == "agent-host":
            inherited = () if listening is None else (listening,)
            return msgspec.structs.replace(mine, kernel_secret=b"", listening=inherited, key=None, key_problems=())
        mine = msgspec.structs.replace(mine, listening=())
        if role == REGISTRY:
            return msgspec.structs.replace(mine, key=None, key_problems=())
        return msgspec.structs.replace(mine, kernel_secret=b"")

    @property
    def registry_socket(self) -> str:
        """Where the supervisor process listens for hosts and workers."""
        return f"{self.folder}/registry.sock"

    def seen_files(self, pid: int) -> tuple[str, str]:
        """In which a worker notes what has left for its clients; the second one where there is no room for the first."""
        return f"{self.folder}/seen-{pid}", f"{self.state}/seen-{pid}"

    def host_socket(self, number: int) -> str:
        """Where a kernel host listens for the Registry and the workers."""
        return f"{self.folder}/host-{number}.sock"

    def agent_socket(self, number: int) -> str:
        """Where kernel hosts come in at an agent host; the guardian's, who starts one when somebody does."""
        return f"{self.folder}/agents-{number}.sock"

    def _to_agents(self, host: int) -> list[tuple[str, str]]:
        number = self.agent_host_of(host)
        return [] if number is None else [(host_role(host), agent_host_role(number))]


def seal_order(order: GatewayOrder) -> int:
    """Put an order away; gives the descriptor that is to be inherited."""
    return seal(msgspec.msgpack.encode(order), name="beaker-order")


def read_order(descriptor: int) -> GatewayOrder:
    """The order behind an inherited descriptor.

    Raises:
        msgspec.ValidationError: it is something else.
    """
    return msgspec.msgpack.decode(read_sealed(descriptor), type=GatewayOrder)
