"""A KernelActor between doubles: recorded clients, probes for Supervisor and agent, scripted subkernels on real sockets.

No process is started. The probes sit on nodes of their own behind links in memory, so what passes is encoded and decoded as
between processes, and cutting a link is what a killed process looks like.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from actors.kernel.actor import KernelActor
from actors.kernel.life.supervisor_door import SupervisorMissing
from actors.kernel.questions.agent_door import SHARED, AgentMissing
from actors.kernel.sockets.front import Front, Handlers
from actors.kernel.state.surroundings import of_this_process
from actors.runtime.codec import Codec
from actors.runtime.kit import link_nodes, run_to_idle
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace
from beaker.messages.base import KernelId, TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.running import RunCode, RunReply, RunRequest
from beaker.messages.subkernel import Attach, Attached, Ready, Started, Starting, SubkernelEvent, SupervisorMessage, SupervisorReply
from beaker.messages.turn import AgentMessage, FromAgent, Ping, Pong, Question, Taken, ToAgent
from beaker.settings.load import Loaded, load
from beaker.wire.compose import Composer
from beaker.wire.parts import HEADER, PARENT, Parts, read_header
from tests.kit.consent_stage import FIRST, DecidingProbe, PresentProbe
from tests.kit.recording_front import PATIENCE_S, RecordingFront
from tests.kit.scripted_subkernel import ScriptedSubkernel

KERNEL_ID = KernelId("0123456789ab")
CLIENT_KEY = "the-key-of-the-clients"

Changes = Mapping[str, Mapping[str, object]]
"""Settings by section and name."""

PATIENT: Changes = {
    "kernel": {
        "heartbeat_silence_s": 600.0,
        "control_silence_s": 600.0,
        "agent_silence_s": 600.0,
        "supervisor_silence_s": 600.0,
        "look_time_limit_s": 60.0,
    }
}
"""Unless a test says otherwise: as shipped, a machine that stands still for a second or two makes words appear, and looks give up."""


def cell(code: str, **flags: object) -> dict[str, object]:
    """The content of an execute_request as JupyterLab sends it."""
    usual = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
    return {"code": code, **usual, **flags}


async def until(condition: Callable[[], object], what: str) -> None:
    """Let the loop turn until something holds that no message tells."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"{what} did not come within {PATIENCE_S:g} s"
        await asyncio.sleep(0.001)


class KernelStage:
    """One kernel.

    Args:
        folder: its runtime folder, with a short name.
        settings: replaced in the defaults: `{"kernel": {"display_interval_s": 0.01}}`.
    """

    def __init__(self, folder: Path, settings: Changes | None = None) -> None:
        self.folder = folder
        self.loaded = _loaded(settings or {})
        self.front = RecordingFront()
        self.node = Node("kernel")
        self.supervisor = DecidingProbe(KERNEL_ID, lambda: len(self.subkernels))
        self.agent: PresentProbe[AgentMessage] = PresentProbe(lambda message: isinstance(message, Ping), Pong())
        self.supervisor_link: Link | None = None
        """The kernel's end; cutting it is the Supervisor's death."""
        self.agent_link: Link | None = None
        self.agent_missing = ""
        """Why the next agent cannot be started."""
        self.supervisor_missing = ""
        self.finished = 0
        """How often the actor said that the kernel has shut down."""
        self.shares = False
        """Whether its agents share their process with those of others, where they may."""
        self.agents_started = 0
        self.agents_ended = 0
        """How many were ended by the kernel while it runs."""
        self.subkernels: list[ScriptedSubkernel] = []
        self._nodes = [self.node]
        self._clients: dict[bytes, Composer] = {}

    # The way to a kernel that answers.

    async def open(self) -> Attach:
        """Start the actor; returns once it has asked the Supervisor, which has not answered."""

        def make() -> KernelActor:
            self.actor = KernelActor(
                kernel_id=KERNEL_ID,
                loaded=self.loaded,
                folder=str(self.folder),
                make_front=self._make_front,
                connect_supervisor=self._connect_supervisor,
                start_agent=self._start_agent,
                client_key=CLIENT_KEY,
                end_agent=self._end_agent,
                on_finished=self._finish,
                surroundings=of_this_process(),
            )
            return self.actor

        self.kernel: Ref[KernelMessage] = await self.node.spawn("kernel", make)
        message, self.attaching = await self.supervisor.expect_ask(Attach)
        return message

    async def attach(self, attached: Attached | None = None) -> None:
        """Answer the open Attach; a Supervisor that is just starting its first subkernel, unless said otherwise."""
        self.attaching.answer(attached or Attached(subkernel=None, generation=1, state="starting"))
        await run_to_idle(*self._nodes)

    def make_subkernel(self, **options: Any) -> ScriptedSubkernel:
        """Let the next life of the subkernel listen."""
        options.setdefault("generation", len(self.subkernels) + 1)
        made = ScriptedSubkernel(self.folder, **options)
        self.subkernels.append(made)
        return made

    async def greeted(self, generation: int) -> None:
        """Wait until the KernelActor says that this life answers."""
        while (await self.supervisor.expect(Ready)).generation != generation:
            continue

    async def announce(self, subkernel: ScriptedSubkernel, *, interrupt_mode: str = "signal") -> None:
        """The Supervisor says that this life was launched and runs; it is greeted."""
        announced = subkernel.as_announced(interrupt_mode=interrupt_mode)
        self.tell(Starting(generation=subkernel.generation), Started(subkernel=announced))
        await self.greeted(subkernel.generation)

    async def start_subkernel(self, *, interrupt_mode: str = "signal", **options: Any) -> ScriptedSubkernel:
        """A new life of the subkernel, announced and greeted."""
        subkernel = self.make_subkernel(**options)
        await self.announce(subkernel, interrupt_mode=interrupt_mode)
        return subkernel

    async def ready(self, **options: Any) -> ScriptedSubkernel:
        """All the way: the actor, its Supervisor, its first subkernel."""
        await self.open()
        await self.attach()
        return await self.start_subkernel(**options)

    async def reattach(self, subkernel: ScriptedSubkernel | None, **attached: Any) -> None:
        """The next Supervisor was asked; it answers with the subkernel that it has found."""
        _, self.attaching = await self.supervisor.expect_ask(Attach)
        found = subkernel.as_announced(adopted=True) if subkernel else None
        known: dict[str, Any] = {"generation": subkernel.generation if subkernel else 1, "state": "running"}
        await self.attach(Attached(subkernel=found, **{**known, **attached}))

    # What others do.

    def tell(self, *events: KernelMessage) -> None:
        """What Supervisor or agent say, in this order."""
        for event in events:
            self.kernel.tell(event)

    async def settle(self) -> None:
        """Let all messages between actors arrive."""
        await run_to_idle(*self._nodes)

    def request(
        self,
        kind: str,
        content: object,
        *,
        client: bytes = b"client",
        channel: str = "shell",
        metadata: dict[str, object] | None = None,
        header: dict[str, object] | None = None,
        buffers: tuple[bytes, ...] = (),
    ) -> str:
        """A client asks; returns the msg_id.

        Args:
            header: further keys of the header.
        """
        return self.send(self.compose(kind, content, client=client, metadata=metadata, header=header, buffers=buffers), client, channel)

    def compose(
        self,
        kind: str,
        content: object,
        *,
        client: bytes = b"client",
        metadata: dict[str, object] | None = None,
        header: dict[str, object] | None = None,
        buffers: tuple[bytes, ...] = (),
    ) -> Parts:
        """The parts of a client's message."""
        composer = self._clients.setdefault(client, Composer(f"session-of-{client.decode()}", secrets.token_hex(4)))
        parts = composer.message(kind, content, metadata=metadata)
        if header:
            parts[HEADER] = json.dumps({**json.loads(parts[HEADER]), **header}).encode()
        return [*parts, *buffers]

    def send(self, parts: Parts, client: bytes = b"client", channel: str = "shell") -> str:
        """A message of a client arrives; returns its msg_id."""
        header = read_header(parts[HEADER])
        take = {"shell": self.actor.shell_request, "control": self.actor.control_request, "stdin": self.actor.stdin_reply}[channel]
        current_trace.set(header.msg_id)  # as the front does
        take([client], header, parts)
        return header.msg_id

    def run(self, code: str, *, client: bytes = b"client", metadata: dict[str, object] | None = None, **flags: object) -> str:
        """A client runs a cell; returns the msg_id."""
        return self.request("execute_request", cell(code, **flags), client=client, metadata=metadata)

    async def ask(self, code: str = "%%ai why?", *, notebook: bool = True, **flags: Any) -> tuple[str, Question]:
        """A client asks a question: the msg_id of its cell, and what the agent hears.

        Args:
            notebook: the client names its cells, as JupyterLab does.
        """
        msg_id = self.run(code, metadata={"cellId": "c1"} if notebook else None, **flags)
        question, asked = await self.agent.expect_ask(Question)
        asked.answer(Taken())
        return msg_id, question

    def wants(self, request: RunRequest) -> "asyncio.Task[RunReply]":
        """The agent asks for something that acts; the task ends with the answer, or with AskFailed."""
        asking = self.agents_end.ref("kernel").ask(request, timeout_s=60)
        return asyncio.get_running_loop().create_task(asking)  # type: ignore[arg-type]  # a coroutine: Ref.ask is written async

    def wants_run(self, code: str, turn: TurnId = FIRST) -> "asyncio.Task[RunReply]":
        """The agent asks for code to be run."""
        return self.wants(RunCode(turn=turn, code=code, language=""))

    def type(self, text: str, *, client: bytes = b"client", parent: bytes = b"{}") -> None:
        """A client answers a prompt; jupyter_client does so without naming it."""
        parts = self.compose("input_reply", {"value": text}, client=client)
        self.send([parts[HEADER], parent, *parts[PARENT + 1 :]], client, "stdin")

    def cut_supervisor(self) -> None:
        """The Supervisor's process is gone."""
        assert self.supervisor_link is not None
        self.supervisor_link.abort("killed")

    @property
    def supervisor_pid(self) -> int:
        """As its end of the link says."""
        assert self.supervisor_link is not None
        return self.supervisor_link.peer.pid

    def cut_agent(self) -> None:
        """The agent's process is gone."""
        assert self.agent_link is not None
        self.agent_link.abort("killed")

    async def kill(self) -> None:
        """End the kernel's process as SIGKILL does: nothing is answered, and what it leaves to its successor stays as it is."""
        left = {path: path.read_bytes() for path in (self.folder / "inflight", self.folder / "conversation") if path.exists()}
        await self.node.stop()
        for path, content in left.items():
            path.write_bytes(content)

    async def close(self) -> None:
        """Stop everything."""
        for node in self._nodes:
            await node.stop()
        for subkernel in self.subkernels:
            subkernel.die()

    def _make_front(self, handlers: Handlers) -> Front:
        return self.front

    def _finish(self) -> None:
        self.finished += 1

    async def _connect_supervisor(self) -> Link:
        if self.supervisor_missing:
            raise SupervisorMissing(self.supervisor_missing)
        node = Node("supervisor")
        self._nodes.append(node)
        await node.spawn("supervisor", lambda: self.supervisor)
        self.supervisor_link, _ = link_nodes(
            self.node, node, codec=Codec(SubkernelEvent | SupervisorReply), second_codec=Codec(SupervisorMessage)
        )
        return self.supervisor_link

    async def _end_agent(self) -> None:
        self.agents_ended += 1

    async def _start_agent(self, *, alone: bool) -> Link:
        if self.agent_missing:
            raise AgentMissing(self.agent_missing)
        node = Node(SHARED if self.shares and not alone else "agent")
        self._nodes.append(node)
        await node.spawn("agent", lambda: self.agent)
        self.agents_started += 1
        self.agent_link, self.agents_end = link_nodes(self.node, node, codec=Codec(FromAgent), second_codec=Codec(ToAgent))
        return self.agent_link


@asynccontextmanager
async def staged(folder: Path, settings: Changes | None = None) -> AsyncIterator[KernelStage]:
    """A stage, closed afterwards."""
    stage = KernelStage(folder, settings)
    try:
        yield stage
    finally:
        await stage.close()


def _loaded(changes: Changes) -> Loaded:
    loaded = load({}, folder=None)
    wanted = {name: {**PATIENT.get(name, {}), **changes.get(name, {})} for name in {**PATIENT, **changes}}
    sections = {name: msgspec.structs.replace(getattr(loaded.settings, name), **fields) for name, fields in wanted.items()}
    return msgspec.structs.replace(loaded, settings=msgspec.structs.replace(loaded.settings, **sections))
