"""What a client is owed for a request that we end: busy if nobody said it, one reply on the channel it came by, and idle.

For both channels, and for whatever the reason is: the subkernel died, was never there, or will not answer; we answer ourselves.
Whoever calls these keeps the accounts; what was said already stands in the `Pending`.
"""

import msgspec

from actors.kernel.channels.kernel_info import amend_kernel_info, own_kernel_info
from actors.kernel.state.state import KernelState, Phase
from beaker.kernel.pending import Channel, Pending, reply_type
from beaker.wire import compose
from beaker.wire.parts import CONTENT, Parts


def send_on(state: KernelState, channel: Channel, idents: list[bytes], parts: Parts) -> None:
    """Send a reply on the channel that its request came by."""
    (state.front.send_shell if channel == "shell" else state.front.send_control)(idents, parts)


def answer(state: KernelState, channel: Channel, idents: list[bytes], msg_type: str, header: bytes, content: object) -> None:
    """Answer a request that nobody began: busy, the reply, idle.

    Args:
        msg_type: of the request.
        header: the client's header document.
    """
    state.publisher.busy(header)
    kind = reply_type(msg_type)
    send_on(state, channel, idents, state.publisher.reply(kind, content, parent=header))
    if kind == "shutdown_reply":
        state.publisher.say(kind, content, parent=header)  # every client of the kernel is told
    state.publisher.idle(header)


def introduce(state: KernelState, idents: list[bytes], header: bytes) -> None:
    """Say on shell what kernel this is, as the subkernel did before: where that hangs a client would wait for it that comes to look why."""
    content = msgspec.Raw(amend_kernel_info(state.info)[CONTENT])
    answer(state, "shell", idents, "kernel_info_request", header, content)


def end(state: KernelState, pending: Pending, body: object) -> None:
    """Say what is still owed for a request; `body` is the content of its reply."""
    if not pending.busy:
        state.publisher.busy(pending.header)
    if pending.expects_reply and not pending.replied:
        reply = state.publisher.reply(reply_type(pending.msg_type), body, parent=pending.header)
        send_on(state, pending.channel, pending.idents, reply)
    if not pending.idle:
        state.publisher.idle(pending.header)


def aborted_body(state: KernelState, pending: Pending) -> object:
    """The content of the reply to a request that was not begun."""
    if pending.msg_type == "kernel_info_request":
        if state.phase is Phase.DEAD:
            # Clients cannot show why a cell fails before they know what kernel this is.
            return own_kernel_info(state.language, state.dead_reason)
        if state.info:
            # Asked in the moment of a death: a client that connects takes any other reply for the end of the kernel, or fails on it.
            return msgspec.Raw(amend_kernel_info(state.info)[CONTENT])
    return compose.aborted()


def error_body(state: KernelState, pending: Pending, content: dict[str, object], reason: str) -> object:
    """The content of the reply to a request that ends with an error.

    Args:
        content: of the `error` message.
        reason: the sentence in it.
    """
    if pending.flags is not None:
        return compose.execute_error(pending.count, content)
    if pending.msg_type == "kernel_info_request":
        return own_kernel_info(state.language, reason)
    return {"status": "error", **content}
