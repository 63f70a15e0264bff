"""The KernelActor: one Jupyter kernel as clients see it.

It hands on what comes in; what is done about it is done in the rooms, which `rooms.py` makes and wires. Client messages do not pass
its mailbox: the two edges call the rooms through it directly on the loop, because an ordinary cell must cost one hop and nothing
more. The mailbox carries what other actors say: the Supervisor (a subkernel started, died) and the agent (more text, a look wanted).

```
             channels/   requests, replies, outputs       questions/  %%ai, the agent     life/   greet, bury, take over
  sockets/ ------------> an ordinary cell passes  ------> consent/    what it wants run           restart, shut down
             state/      nothing else                     commands/   %beaker, messages of ours
```
"""

import asyncio
from collections.abc import Callable

from actors.kernel.life.supervisor_door import Connect
from actors.kernel.questions.agent_door import End, Start
from actors.kernel.rooms import Rooms
from actors.kernel.sockets.front import Front, Handlers
from actors.kernel.state.state import Phase
from actors.kernel.state.surroundings import Surroundings
from actors.runtime.actor import Actor, Asked, Down
from actors.supervisor.order import Remembered
from beaker.kernel.pending import Channel
from beaker.messages.base import KernelId
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Died, GaveUp, Started, Starting
from beaker.settings.load import Loaded
from beaker.wire.parts import Header, Parts


class KernelActor(Actor[KernelMessage]):
    """One kernel.

    Args:
        make_front: opens the clients' side; called once, with the actor as the one who is told what clients send.
        connect_supervisor: reaches a living Supervisor or starts one.
        start_agent, end_agent: start the agent's process, and end it though it does not answer.
        client_key: of the clients' connections; kept from the agent, wherever it stands.
        on_finished: called once when the kernel has shut down.
        surroundings: its environment and the notebook's folder.
        stays: a client that ends it to have it started again gets a fresh session instead, since nobody starts this process again.
    """

    def __init__(
        self,
        *,
        kernel_id: KernelId,
        loaded: Loaded,
        folder: str,
        make_front: Callable[[Handlers], Front],
        connect_supervisor: Connect,
        start_agent: Start,
        end_agent: End,
        client_key: str,
        on_finished: Callable[[], None],
        surroundings: Surroundings,
        stays: bool = False,
    ) -> None:
        self._kernel_id = kernel_id
        self._loaded = loaded
        self._folder = folder
        self._make_front = make_front
        self._connect_supervisor = connect_supervisor
        self._start_agent = start_agent
        self._end_agent = end_agent
        self._client_key = client_key
        self._on_finished = on_finished
        self._surroundings = surroundings
        self._stays = stays

    async def on_start(self) -> None:
        self._rooms = Rooms(
            self,
            self.context,
            kernel_id=self._kernel_id,
            loaded=self._loaded,
            folder=self._folder,
            front=self._make_front(self),
            connect_supervisor=self._connect_supervisor,
            start_agent=self._start_agent,
            end_agent=self._end_agent,
            client_key=self._client_key,
            on_finished=self._on_finished,
            surroundings=self._surroundings,
            stays=self._stays,
        )
        self._rooms.attaching.begin()
        self.context.spawn(self._rooms.hangs.run(), name="hang-watch")
        asyncio.get_running_loop().call_soon(self._rooms.prepare)

    def receive(self, message: KernelMessage, asked: Asked | None) -> None:
        match message:
            case Starting():
                self._rooms.life.starting(message)
            case Started():
                self._rooms.life.started(message.subkernel, takeover=False)
            case Died():
                self._rooms.life.died(message)
            case GaveUp():
                self._rooms.life.gave_up(message)
                self._rooms.renewal.gave_up(message.reason)
            case _:
                self._rooms.questions.receive(message, asked)

    def on_down(self, down: Down) -> None:
        rooms = self._rooms
        if rooms.ending.begun:
            return
        if down.name == rooms.questions.agent_link:
            self.context.log.warning("agent.lost", reason=down.reason)
            rooms.questions.agent_lost()
        elif down.name == rooms.supervisor.link_name:
            self.context.log.warning("supervisor.lost", reason=down.reason)
            rooms.attaching.begin()

    async def on_stop(self) -> None:
        self._rooms.close()

    # What clients send (see Handlers).

    def shell_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A request on the shell channel."""
        self._rooms.shell.request(idents, header, parts)

    def control_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A request on the control channel."""
        self._rooms.control.request(idents, header, parts)

    def stdin_reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """An input_reply."""
        self._rooms.stdin.reply(idents, header, parts)

    def subscribed(self, topic: bytes) -> None:
        """A client listens to iopub from now on."""
        self._rooms.state.publisher.welcome(topic)

    def missed(self, count: int, parent: bytes) -> Parts:
        """What a client is told that had stopped reading iopub."""
        return self._rooms.state.publisher.missed(count, parent=parent)

    def reply_lost(self, msg_type: str, parent: bytes, reason: str) -> None:
        """A client that does not read its replies will not get this one."""
        self._rooms.state.publisher.reply_lost(msg_type, reason, parent=parent)

    def reply_waits(self, channel: Channel, idents: list[bytes], parent: bytes) -> None:
        """A client reads its replies slowly: if this process is killed, it will not get this one."""
        self._rooms.state.inflight.reply_waits(channel, idents, parent)

    def reply_left(self, channel: Channel, parent: bytes) -> None:
        """It got it, or has left."""
        self._rooms.state.inflight.reply_left(channel, parent)

    def answer_lost(self, reply: Parts) -> Parts:
        """What a client gets in the place of a reply that was too large to outlive this process."""
        return self._rooms.state.publisher.answer_lost(reply)

    # What the subkernel sends (see LinkHandlers).

    def shell_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        """A reply on the shell channel."""
        del header
        self._rooms.shell.reply(parent, parts)

    def control_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        """A reply on the control channel."""
        del header
        self._rooms.control.reply(parent, parts)

    def input_request(self, parent: Header, parts: Parts) -> None:
        """A cell calls `input()`."""
        self._rooms.stdin.request(parent, parts)

    def iopub_message(self, topic: list[bytes], header: Header, parent: Header, parts: Parts) -> None:
        """An output or a status."""
        self._rooms.iopub.message(topic, header, parent, parts)

    def private_iopub(self, header: Header, parent: Header, parts: Parts) -> None:
        """The echo of a request of our own."""
        self._rooms.iopub.private(header, parent, parts)

    def shell_flushed(self) -> None:
        """The subkernel takes requests again."""
        self._rooms.shell.flushed()

    # What the process tells.

    def shut_down(self, *, restart: bool) -> None:
        """End the subkernel, then this process; a second call hurries the first."""
        self._rooms.ending.shut_down(restart=restart)

    def interrupt_by_signal(self) -> None:
        """SIGINT reached this process: the same as an interrupt_request."""
        self._rooms.control.interrupt()

    async def restart(self) -> None:
        """A fresh session, as the gateway wants it; returns when it answers.

        Raises:
            SupervisorMissing: it could not be done; the sentence says why.
        """
        await self._rooms.renewal.restart(aside=True)

    @property
    def at_work(self) -> bool:
        """Whether a cell or a question runs."""
        return self._rooms.at_work

    @property
    def waits_for_user(self) -> bool:
        """Whether something that the model wants waits for the user's word, and would be lost with the kernel."""
        return self._rooms.questions.waits_for_user

    @property
    def answers(self) -> bool:
        """Whether the subkernel takes requests."""
        return self._rooms.state.phase is Phase.READY

    @property
    def remembered(self) -> Remembered:
        """What a new Supervisor should know of the subkernel's life so far."""
        return self._rooms.attaching.remembered
