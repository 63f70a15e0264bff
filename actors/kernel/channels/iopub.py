"""The iopub channel of the subkernel: relayed in order, glanced at on the way.

The glance keeps the accounting (who is busy, which number a cell got) and the transcript. It reads two headers and, of
the two kinds of message that are tiny, the content.
"""

import time

import msgspec

from actors.kernel.channels.lost_reply import LostReplies
from actors.kernel.channels.unanswered import Unanswered
from actors.kernel.state.granted_cells import PASSED_ON, GrantedCell
from actors.kernel.state.state import KernelState
from beaker.kernel.comms import COMM_LIFE
from beaker.kernel.pending import STANDARD
from beaker.kernel.transcript import RECORDED
from beaker.wire import compose
from beaker.wire.parts import CONTENT, HEADER, METADATA, PARENT, UNREADABLE, Header, Parts


class _Status(msgspec.Struct, frozen=True):
    execution_state: str = ""


class _Input(msgspec.Struct, frozen=True):
    execution_count: int | None = None


_status_decoder = msgspec.json.Decoder(_Status)
_input_decoder = msgspec.json.Decoder(_Input)


class Iopub:
    """Relays what the subkernel publishes."""

    def __init__(self, state: KernelState, lost_replies: LostReplies) -> None:
        self._state = state
        self._lost_replies = lost_replies
        self._unanswered = Unanswered(state)

    def message(self, topic: list[bytes], header: Header, parent: Header, parts: Parts) -> None:
        """A message that belongs to a client's request, or to none."""
        state = self._state
        kind = header.msg_type
        missed = state.missed_variable.words(parts[CONTENT]) if kind == "error" else None
        if kind in RECORDED:
            state.transcript.output(parent.msg_id, parts[CONTENT])
            if state.logs_cells and (pending := state.requests.find(parent.msg_id, parent.session)) is not None and not pending.spoke:
                pending.spoke = True
                state.log.debug("cell.first_output", msg_type=kind)
        elif kind == "status":
            pending = state.requests.find(parent.msg_id, parent.session)
            self._status(parent, parts)
            if pending is not None and pending.private:
                return  # the client has heard all of it from us
        elif kind == "execute_input":
            self._numbered(parent, parts)
            state.transcript.begin(parent.msg_id, parts[CONTENT])
            state.publisher.relay(topic, parts)
            if state.notices:
                self._show_notices(parts[PARENT])
            return
        elif kind in COMM_LIFE:
            state.comms.heard(kind, parts[CONTENT])
        state.publisher.relay(topic, parts)
        if missed is not None:
            state.publisher.say("stream", compose.stream(f"beaker: {missed}\n", name="stderr"), parent=parts[PARENT])

    def private(self, header: Header, parent: Header, parts: Parts) -> None:
        """A message that belongs to a request of our own: nobody else sees it, but for the outputs of code by the model."""
        granted = self._state.granted.find(parent.msg_id)
        if granted is not None and header.msg_type in PASSED_ON:
            self._pass_on(granted, header, parts)
        elif header.msg_type == "execute_input" and self._state.requests.find(parent.msg_id, parent.session) is not None:
            count = self._numbered(parent, parts)
            if granted is not None:
                self._state.transcript.begin(granted.msg_id, parts[CONTENT])
                granted.begin(count)
                if granted.whole:
                    self._pass_on(granted, header, parts)
        elif header.msg_type == "status":
            if granted is not None and granted.whole:
                self._pass_on(granted, header, parts)
            self._status(parent, parts)
        elif header.msg_type == "debug_event":
            # ipykernel gives an event the control request that it handled last as its parent. That this was ours is chance.
            self._state.publisher.relay([b"beaker.debug_event"], [parts[HEADER], self._state.debug_parent, *parts[METADATA:]])

    def _pass_on(self, granted: GrantedCell, header: Header, parts: Parts) -> None:
        """Outputs of code by the model belong to the cell that asked."""
        kind = header.msg_type
        if kind in RECORDED:
            self._state.transcript.output(granted.msg_id, parts[CONTENT])
        elif kind in COMM_LIFE:
            self._state.comms.heard(kind, parts[CONTENT])
        self._state.publisher.relay([b"beaker." + kind.encode()], [parts[HEADER], granted.parent, *parts[METADATA:]])

    def _status(self, parent: Header, parts: Parts) -> None:
        try:
            said = _status_decoder.decode(parts[CONTENT]).execution_state
        except UNREADABLE:
            return
        for requests in (self._state.requests, self._state.control_requests):
            if said == "busy":
                requests.busy(parent.msg_id, time.monotonic(), parent.session)
            elif said == "idle":
                if (silent := requests.idle(parent.msg_id, parent.session)) is not None:
                    # Its reply is on another socket; one of a type that no kernel need know may never come.
                    (self._lost_replies if silent.msg_type in STANDARD else self._unanswered).expect(silent)
                self._state.granted.idle(parent.msg_id)
        if self._state.logs_cells and said in {"busy", "idle"}:
            self._state.log.debug("request.busy" if said == "busy" else "request.idle")

    def _numbered(self, parent: Header, parts: Parts) -> int | None:
        try:
            count = _input_decoder.decode(parts[CONTENT]).execution_count
        except UNREADABLE:
            return None
        if count is not None:
            self._state.requests.numbered(parent.msg_id, count, parent.session)
        return count

    def _show_notices(self, parent: bytes) -> None:
        text = "".join(f"beaker: {notice}\n" for notice in self._state.notices)
        self._state.notices.clear()
        self._state.publisher.say("stream", compose.stream(text, name="stderr"), parent=parent)
