"""Replies in which a kernel says what and where it is: the subkernel's own with what is ours; or ours, when there is no subkernel to ask.

That is kernel_info, whose banner gets a line about us, and connect, which names ports: a client is to find those of our sockets.
"""

from collections.abc import Mapping

import msgspec

from beaker.wire.compose import PROTOCOL_VERSION
from beaker.wire.parts import CONTENT, UNREADABLE, Parts

HINT = "beaker: ask with %%ai, help with %beaker help\n"


def amend_kernel_info(parts: Parts) -> Parts:
    """Say in the banner of a kernel_info_reply that beaker stands in front; everything else stays as the subkernel said it."""
    try:
        content = msgspec.json.decode(parts[CONTENT], type=dict[str, object])
    except UNREADABLE:
        return parts
    banner = str(content.get("banner", "")).rstrip("\n")
    content["banner"] = f"{banner}\n{HINT}"
    return [*parts[:CONTENT], msgspec.json.encode(content), *parts[CONTENT + 1 :]]


def amend_reply(msg_type: str, parts: Parts, ports: Mapping[str, int]) -> Parts:
    """Amend the subkernel's reply to a request of this type, if it is one in which a kernel speaks of itself.

    Args:
        ports: of our five sockets, by their names in a connection file; empty for a kernel of a gateway.
    """
    if msg_type == "kernel_info_request":
        return amend_kernel_info(parts)
    return _amend_connect(parts, ports) if msg_type == "connect_request" else parts


def _amend_connect(parts: Parts, ports: Mapping[str, int]) -> Parts:
    """Name our ports in place of the subkernel's, which no client can reach: none to a client of a gateway, which has none of them."""
    try:
        content = msgspec.json.decode(parts[CONTENT], type=dict[str, object])
    except UNREADABLE:
        return parts
    ours = {name: ports.get(name, value) for name, value in content.items() if name in ports or not name.endswith("_port")}
    return [*parts[:CONTENT], msgspec.json.encode(ours), *parts[CONTENT + 1 :]]


def own_kernel_info(language: str, reason: str) -> dict[str, object]:
    """Content of a kernel_info_reply while there is no subkernel.

    Clients cannot even show why a cell fails before they have such a reply, so it is a whole one (messaging 5.4, "Kernel info").

    Args:
        language: as the kernelspec names it.
        reason: why there is none; what the banner says.
    """
    return {
        "status": "ok",
        "protocol_version": PROTOCOL_VERSION,
        "implementation": "beaker",
        "implementation_version": "",
        "language_info": {"name": language, "version": "", "mimetype": "text/plain", "file_extension": ".txt"},
        "banner": f"{reason}\n{HINT}",
        "help_links": [],
        "supported_features": [],
    }
