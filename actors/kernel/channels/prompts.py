"""Questions of our own on the stdin channel: put to one client, answered by that client only, each once."""

import asyncio
from dataclasses import dataclass

import msgspec

from actors.kernel.sockets.client import Client
from actors.kernel.state.state import KernelState
from beaker.wire.parts import CONTENT, HEADER, PARENT, UNREADABLE, Header, Parts, WireError, read_header


class _Reply(msgspec.Struct, frozen=True):
    value: str = ""


@dataclass(slots=True)
class _Prompt:
    msg_id: str
    idents: list[bytes]
    session: str
    answer: "asyncio.Future[str]"


class Prompts:
    """Asks clients, and tells their answers from those that are meant for the subkernel."""

    def __init__(self, state: KernelState) -> None:
        self._state = state
        self._open: list[_Prompt] = []

    async def ask(self, client: Client, text: str) -> str:
        """Put a prompt before a client and wait for what it enters; cancelled, its answer is dropped."""
        parts = self._state.publisher.reply("input_request", {"prompt": text, "password": False}, parent=client.header)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        prompt = _Prompt(read_header(parts[HEADER]).msg_id, client.idents, read_header(client.header).session, answer)
        self._open.append(prompt)
        self._state.front.send_stdin(client.idents, parts)
        try:
            return await answer
        finally:
            self._open.remove(prompt)

    def take(self, idents: list[bytes], header: Header, parts: Parts) -> bool:
        """Take an input_reply if it answers a prompt of ours; False leaves it to the subkernel.

        Most clients name the prompt as parent; jupyter_client does not, but has one prompt open at a time. What answers a prompt that is
        over, or one of a process before this, must not reach a cell that asks something else.
        """
        try:
            parent = read_header(parts[PARENT]).msg_id
        except WireError:
            parent = ""
        own = [prompt for prompt in self._open if (prompt.msg_id == parent if parent else prompt.idents == idents)]
        if not own and self._state.publisher.made(parent):
            self._state.log.info("prompt.answered_late")
            return True
        if not own:
            return False
        prompt = own[0]
        if prompt.idents != idents or prompt.session != header.session:
            self._state.log.warning("prompt.answered_by_another")
            return True
        try:
            value = msgspec.json.decode(parts[CONTENT], type=_Reply).value
        except UNREADABLE:
            value = ""
        if not prompt.answer.done():
            prompt.answer.set_result(value)
        return True
