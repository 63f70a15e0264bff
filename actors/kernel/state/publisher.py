"""iopub: the one writer of the channel whose order is promised.

Messages of the subkernel are relayed as they are; messages of our own are composed here, under the subkernel's session id.
"""

import secrets
from collections.abc import Mapping

from actors.kernel.sockets.front import Front
from beaker.wire import compose
from beaker.wire.compose import Composer
from beaker.wire.parts import HEADER, PARENT, Parts, read_header

ANSWER_LOST = "it is over, and its answer is lost: the front process was replaced before this client had read it"
OURS = "beaker-"
"""How the part of a msg_id begins that tells messages of ours from the subkernel's, which have its session id too."""


class Publisher:
    """Sends to all subscribers, in order."""

    def __init__(self, front: Front) -> None:
        self._front = front
        # Its own in each process: the one after this speaks under the same session id, and counts anew.
        self._composer = Composer(secrets.token_hex(16), f"{OURS}{secrets.token_hex(4)}")

    @property
    def session_id(self) -> str:
        """The session id that clients see."""
        return self._composer.session_id

    @staticmethod
    def made(msg_id: str) -> bool:
        """Whether this is the id of a message of ours, composed by this process or by one before it."""
        return f"_{OURS}" in msg_id

    def take_over(self, session_id: str) -> None:
        """From now on speak under the session id of this life of the subkernel."""
        self._composer.session_id = session_id

    def relay(self, topic: list[bytes], parts: Parts) -> None:
        """Pass a message of the subkernel on."""
        self._front.publish(topic, parts)

    def say(self, msg_type: str, content: object, *, parent: bytes = compose.EMPTY) -> None:
        """Publish a message of our own.

        Args:
            parent: the header document of the request it belongs to.
        """
        self._front.publish([b"beaker." + msg_type.encode()], self._composer.message(msg_type, content, parent=parent))

    def busy(self, parent: bytes) -> None:
        """The first word about a request that we answer."""
        self.say("status", compose.status("busy"), parent=parent)

    def idle(self, parent: bytes) -> None:
        """The last word about a request that we answer."""
        self.say("status", compose.status("idle"), parent=parent)

    def welcome(self, topic: bytes) -> None:
        """Greet a new subscriber (JEP 65); the topic is the message's own, so that only its subscribers see it."""
        content = {"subscription": topic.decode(errors="replace")}
        self._front.publish([topic] if topic else [], self._composer.message("iopub_welcome", content))

    def missed(self, count: int, *, parent: bytes) -> Parts:
        """Compose what a client is told that had stopped reading, in the place of the outputs that it missed."""
        outputs = "1 message" if count == 1 else f"{count} messages"
        text = f"beaker: {outputs} dropped here, because this client had stopped reading\n"
        return self._composer.message("stream", compose.stream(text, name="stderr"), parent=parent)

    def reply_lost(self, msg_type: str, reason: str, *, parent: bytes) -> None:
        """Tell a client that does not read its replies that one was dropped and why, with the request that it answered."""
        text = f"beaker: {msg_type} dropped behind others that this client has not read: {reason}\n"
        self.say("stream", compose.stream(text, name="stderr"), parent=parent)

    def replies_lost(self, count: int) -> None:
        """Tell all clients that so many replies were lost with the process before us, beyond those that are named to their own."""
        replies = "1 more reply was" if count == 1 else f"{count} more replies were"
        text = f"beaker: {replies} lost: the front process was replaced before they had been read\n"
        self.say("stream", compose.stream(text, name="stderr"))

    def answer_lost(self, reply: Parts) -> Parts:
        """Compose what takes the place of a reply that was lost with this process, for the next one to send."""
        content = {"status": "error", "execution_count": None, **compose.error("KernelReattached", ANSWER_LOST)}
        return self.reply(read_header(reply[HEADER]).msg_type, content, parent=reply[PARENT])

    def reply(self, msg_type: str, content: object, *, parent: bytes, metadata: Mapping[str, object] | None = None) -> Parts:
        """Compose a reply under the same session id; the caller sends it on the channel of the request."""
        return self._composer.message(msg_type, content, parent=parent, metadata=metadata)
