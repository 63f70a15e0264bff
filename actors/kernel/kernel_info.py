"""Replies to kernel_info: the subkernel's own, with a line about us; or ours, when there is no subkernel to ask."""

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
