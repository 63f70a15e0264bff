"""The agent as a process of its own, linked to a node that plays the kernel process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import beaker_kernel
from actors.agent.order import OPTION as ORDER_OPTION
from actors.agent.order import AgentOrder, seal_order
from actors.roles.settling import OPTION as KEY_OPTION
from actors.roles.settling import seal_key
from actors.runtime.codec import Codec
from actors.runtime.kit import Probe
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.process import Child, NotReadyError, start
from beaker.messages.base import PROTOCOL, TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Began, Delta, Ended, ListVariables, Question, Stop, TurnEvent, TurnRequest, Variables
from beaker.settings.key import find_key
from tests.kit.settings import load_all
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import STALL, Speak

pytestmark = pytest.mark.slow

CHECKOUT = Path(beaker_kernel.__file__).parent
KERNEL = "abcdef012345"
SECRET = b"s" * 32
KEY = "sk-canary-1234567890"
PATIENCE_S = 30.0
STOP_LIMIT_S = 10.0
"""0.3 s are promised; on a busy machine a test leaves room, as what it stops would take two minutes."""


@dataclass
class Linked:
    """An agent's process and what plays its kernel."""

    child: Child
    link: Link
    kernel: Probe[KernelMessage]
    node: Node

    def ask(self, prompt: str, number: int = 1) -> None:
        self.link.ref("agent").tell(Question(turn=TurnId(number), prompt=prompt, language="python", history=[], cells=[]))


def argv_of(folder: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "beaker_kernel", "--role", "agent", "--kernel", KERNEL, "--folder", str(folder)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), **more}


def start_with(variables: dict[str, str], folder: Path) -> Child:
    """Starts an agent as a kernel with this environment would, which the key has left by then."""
    found, _ = find_key(variables, str(folder))
    loaded = load_all(variables, folder=folder)
    order = AgentOrder(settings=loaded.settings.agent, logs=loaded.settings.logs, key=loaded.key, endpoint_ground=loaded.endpoint_ground)
    handed = {ORDER_OPTION: seal_order(order)}
    if found is not None:
        handed[KEY_OPTION] = seal_key(found, problems=[])
        variables.pop(found.variable)
    options = [f"{option}{descriptor}" for option, descriptor in handed.items()]
    try:
        argv = [*argv_of(folder), *options]
        return start(argv, role="agent", secret=SECRET, environment=variables, folder=str(folder), inherit=list(handed.values()))
    finally:
        for descriptor in handed.values():
            os.close(descriptor)


@asynccontextmanager
async def linked(folder: Path, **more: str) -> AsyncIterator[Linked]:
    node = Node("kernel", protocol=PROTOCOL)
    kernel: Probe[KernelMessage] = Probe(lambda message: Variables(variables=[]) if isinstance(message, ListVariables) else None)
    await node.spawn("kernel", lambda: kernel)
    links: asyncio.Queue[Link] = asyncio.Queue()
    await node.listen(
        str(folder / "kernel.sock"),
        codec=Codec(TurnEvent | TurnRequest),
        admit=lambda _: None,
        secret=SECRET,
        on_link=links.put_nowait,
    )
    child = start_with(environment(**more), folder)
    try:
        await child.ready(PATIENCE_S)
        yield Linked(child, await links.get(), kernel, node)
    finally:
        await child.end(5.0)
        await node.stop()


@asynccontextmanager
async def stalling(folder: Path) -> AsyncIterator[tuple[Linked, ScriptedEndpoint]]:
    """An agent whose endpoint stops in the middle of its answer."""
    async with ScriptedEndpoint([STALL]) as server, linked(folder, OPENAI_BASE_URL=server.base_url, BEAKER_MODEL="scripted-1") as agent:
        yield agent, server


async def test_with_nothing_configured_the_demo_model_answers(short_folder: Path) -> None:
    async with linked(short_folder) as agent:
        agent.ask("what variables do I have?")
        ended = await agent.kernel.expect(Ended)
    assert ended.status == "ok"
    assert ended.text.startswith("**demo model:**")
    assert "no variables yet" in ended.text
    assert Began(turn=TurnId(1), model="demo model") in agent.kernel.seen


async def test_the_environment_names_endpoint_model_and_key_and_no_log_holds_the_key(short_folder: Path, own_home: Path) -> None:
    async with ScriptedEndpoint([Speak(text="hello")]) as server:
        names = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url, "BEAKER_MODEL": "scripted-1", "BEAKER_LOGS_LEVEL": "debug"}
        async with linked(short_folder, **names) as agent:
            agent.ask("hi")
            assert (await agent.kernel.expect(Ended)).text == "hello"
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.requests[0].body["model"] == "scripted-1"
    logs = list((own_home / ".state/beaker/logs").glob("agent-*.jsonl"))
    assert len(logs) == 1
    assert "turn.began" in logs[0].read_text()
    assert KEY not in logs[0].read_text()


async def test_settings_bound_the_turn(short_folder: Path) -> None:
    async with ScriptedEndpoint([STALL]) as server:
        names = {"OPENAI_BASE_URL": server.base_url, "BEAKER_MODEL": "scripted-1", "BEAKER_AGENT_SILENCE_TIMEOUT_S": "0.2"}
        async with linked(short_folder, **names) as agent:
            agent.ask("hi")
            ended = await agent.kernel.expect(Ended)
    assert ended.status == "error"
    assert "0.2 s (agent.silence_timeout_s)" in ended.reason


async def test_a_stop_over_the_link_ends_a_stalled_turn_at_once(short_folder: Path) -> None:
    async with stalling(short_folder) as (agent, server):
        agent.ask("hi")
        await agent.kernel.expect(Delta)
        started = time.monotonic()
        agent.link.ref("agent").tell(Stop(turn=TurnId(1)))
        ended = await agent.kernel.expect(Ended)
        await server.left()
        assert time.monotonic() - started < STOP_LIMIT_S
    assert ended.status == "stopped"


async def test_it_leaves_when_the_link_closes(short_folder: Path) -> None:
    async with linked(short_folder) as agent:
        agent.link.close("test")
        async with asyncio.timeout(PATIENCE_S):
            assert (await agent.child.exited).status == 0


async def test_it_ends_its_turns_on_sigterm(short_folder: Path) -> None:
    async with stalling(short_folder) as (agent, _):
        agent.ask("hi")
        await agent.kernel.expect(Delta)  # what the endpoint has sent, the agent need not have read
        agent.child.send_signal(signal.SIGTERM)
        ended = await agent.kernel.expect(Ended)
        async with asyncio.timeout(PATIENCE_S):
            assert (await agent.child.exited).status == 0
    assert ended.status == "error"
    assert ended.text.startswith("one")


async def test_without_a_kernel_it_says_why_and_leaves(short_folder: Path) -> None:
    child = start_with(environment(), short_folder)
    with pytest.raises(NotReadyError, match="no link to the kernel process"):
        await child.ready(PATIENCE_S)


async def test_its_role_and_kernel_show_in_ps(short_folder: Path) -> None:
    async with linked(short_folder) as agent:
        shown = psutil.Process(agent.child.pid).cmdline()
    assert " ".join(shown).strip() == f"beaker --role agent --kernel {KERNEL}"


def test_started_by_hand_it_says_who_starts_it() -> None:
    done = subprocess.run(argv_of(Path("/nowhere")), env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr == "beaker: the agent is started by the kernel process, at the first question\n"


def modules_after(code: str) -> set[str]:
    """The modules that are loaded in a fresh process after some code."""
    printing = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", printing], env=environment(), capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_role_can_be_asked_before_the_sdk_is_loaded() -> None:
    heavy = {"openai", "httpx2", "pydantic", "aiohttp", "zmq", "jupyter_client"}
    assert modules_after("import actors.agent.role") & heavy == set()


def test_loading_the_sdk_loads_no_aiohttp_and_leaves_it_to_others() -> None:
    code = "import asyncio\nfrom actors.agent.sdk_import import load_model_stream\nasyncio.run(load_model_stream())"
    loaded = modules_after(code)
    assert "openai" in loaded
    assert "aiohttp" not in loaded
    assert "aiohttp" in modules_after(f"{code}\nimport aiohttp")
