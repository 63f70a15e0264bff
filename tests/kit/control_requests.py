"""What a client asks on the control channel, with the reply to just that: one to an earlier request may lie there unread."""

from typing import Any

from tests.kit.running_kernel import PATIENCE_S, KernelInUse


def control(kernel: KernelInUse, kind: str, content: dict[str, Any] | None = None) -> dict[str, Any]:  # Any: JSON
    """Ask, and give the content of the reply."""
    asked = kernel.client.session.msg(kind, content or {})
    kernel.client.control_channel.send(asked)
    while True:
        reply = kernel.client.get_control_msg(timeout=PATIENCE_S)
        if reply["parent_header"].get("msg_id") == asked["header"]["msg_id"]:
            return dict(reply["content"])
