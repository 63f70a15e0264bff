"""Who may link to a role of the gateway: the other roles that its guardian has started, and nobody else who knows their secret."""

from collections.abc import Collection

from actors.runtime.hello import Admit, Peer, Refusal
from actors.runtime.peers import parent_of


def admitting(guardian: int, roles: Collection[str]) -> Admit:
    """Make what lets these roles in, where this guardian has started them, and itself.

    Args:
        guardian: its pid, which is that of the parent of each role.
    """

    def admit(peer: Peer) -> Refusal | None:
        if peer.role not in roles:
            return Refusal("peer", f"a {peer.role} process has no business here")
        if guardian not in (peer.pid, parent_of(peer.pid)):
            return Refusal("peer", f"process {peer.pid} was not started by the guardian {guardian}")
        return None

    return admit
