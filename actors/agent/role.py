"""The process of role agent: `--role agent --kernel ID --folder FOLDER`, started by the kernel process at the first question.

It holds one AgentActor, links to the kernel process by `kernel.sock` and leaves with it: when the link closes, when the
parent dies, or on SIGTERM. It is the only process that reads the model's key. "Ready" is said once the actor can be
asked; the SDK is still being imported then.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial

from actors.agent.actor import AgentActor
from actors.agent.model import Model
from actors.agent.sdk_import import load_model_stream
from actors.agent.silence import StreamTimeouts
from actors.agent.turn_run import RunLimits
from actors.runtime.birth import Birth
from actors.runtime.clock import Clock
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.link import Link
from actors.runtime.logging import Logs, configure
from actors.runtime.node import Node
from actors.runtime.prctl import become_undumpable
from actors.runtime.supervision import RestartPolicy
from beaker import places
from beaker.agent.endpoint import Endpoint, Unusable, choose_endpoint, read_presets
from beaker.agent.endpoint import find_key as key_of
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn_state import TurnLimits
from beaker.messages.base import PROTOCOL
from beaker.messages.turn import AgentMessage, TurnReply
from beaker.settings.key import KEY_VARIABLE, find_key
from beaker.settings.load import load
from beaker.settings.schema import AgentSettings, Settings

NO_RESTART = RestartPolicy(limit=0)
"""After a crash the process ends, so that the kernel process sees it and ends every turn: a question that arrived between two
lives of the actor would never be answered."""

CONNECT_TIMEOUT_S = 10.0
"""To a kernel process that waits for us: milliseconds, unless the machine is out of memory."""


def main(argv: list[str]) -> int:
    """Run the agent until its kernel is gone.

    Args:
        argv: the options behind `--role agent`.

    Returns:
        The exit status: 0, or 1 after a sentence to the parent or on stderr.
    """
    birth = Birth.take(argv)
    parser = argparse.ArgumentParser(prog="beaker_kernel --role agent", allow_abbrev=False)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--folder", required=True)
    options = parser.parse_args(argv)
    if birth is None:
        sys.stderr.write("beaker: the agent is started by the kernel process, at the first question\n")
        return 1
    _name_process(options.kernel)
    become_undumpable()  # it holds the model's key
    folder = _here()
    found, _ = find_key(os.environ, folder)
    settings = load(os.environ, folder=folder, key_origin="" if found is None else found.origin).settings
    environment = dict(os.environ) if found is None else {**os.environ, KEY_VARIABLE: found.value}
    logs = _configure_logs(settings, options.kernel, environment)
    try:
        return asyncio.run(run_agent(birth, f"{options.folder}/kernel.sock", settings.agent, environment))
    finally:
        if logs is not None:
            logs.close()


async def run_agent(birth: Birth, socket_path: str, settings: AgentSettings, environment: Mapping[str, str]) -> int:
    """Hold an AgentActor as long as the kernel process is there.

    Args:
        birth: the connection to the parent, with the secret of its socket.
        socket_path: where the kernel process listens.
        settings: of the agent.
        environment: where keys are looked for.

    Returns:
        The exit status.
    """
    leaving = asyncio.Event()
    node = Node("agent", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leaving.set())
    birth.on_parent_death(leaving.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.set)
    try:
        link = await node.connect(socket_path, codec=Codec(AgentMessage | TurnReply), secret=birth.secret, timeout_s=CONNECT_TIMEOUT_S)
    except RuntimeFault as error:
        birth.failed(f"no link to the kernel process: {error}")
        return 1
    link.watch(lambda _: leaving.set())
    await node.spawn("agent", lambda: make_actor(link, settings, environment, node.clock), restart=NO_RESTART)
    birth.ready()
    await leaving.wait()
    await node.stop()
    return 0


def make_actor(link: Link, settings: AgentSettings, environment: Mapping[str, str], clock: Clock) -> AgentActor:
    """Compose the AgentActor of a kernel from plain settings."""
    return AgentActor(
        link.ref("kernel"),
        partial(load_model, settings, environment, clock),
        limits=RunLimits(
            turn=TurnLimits(
                steps=settings.step_limit,
                repairs=settings.repair_limit,
                calls=settings.call_limit,
                retry_after_s=settings.retry_after_limit_s,
            ),
            time_s=settings.turn_time_limit_s,
        ),
    )


async def load_model(settings: AgentSettings, environment: Mapping[str, str], clock: Clock) -> Model | ModelFailure:
    """Choose the endpoint and load the way to it; with nothing configured, to the demo model."""
    chosen = choose_endpoint(environment, read_presets(), model=settings.model, base_url=settings.base_url)
    if isinstance(chosen, Unusable):
        return ModelFailure(kind="refused", reason=chosen.reason)
    try:
        model_stream = await load_model_stream()
    except ImportError as error:
        reason = f"The openai package cannot be used ({error}). Install it anew: {sys.executable} -m pip install 'openai>=3'."
        return ModelFailure(kind="refused", reason=reason)
    return model_stream(chosen, key_of(environment, chosen), timeouts_of(settings), clock=clock)


def timeouts_of(settings: AgentSettings) -> StreamTimeouts:
    """The limits of one model call."""
    return StreamTimeouts(
        connect_s=settings.connect_timeout_s,
        first_byte_s=settings.first_byte_timeout_s,
        silence_s=settings.silence_timeout_s,
        words_after_s=settings.waiting_words_after_s,
    )


def _configure_logs(settings: Settings, kernel: str, environment: Mapping[str, str]) -> Logs | None:
    chosen = choose_endpoint(environment, read_presets(), model=settings.agent.model, base_url=settings.agent.base_url)
    key = key_of(environment, chosen) if isinstance(chosen, Endpoint) else None
    try:
        return configure(
            places.state_folder(environment) / "logs",
            role="agent",
            kernel=kernel,
            level=settings.logs.level,
            max_bytes=settings.logs.max_bytes,
            keep=settings.logs.keep,
            secrets=[key] if key else [],
        )
    except OSError as error:
        sys.stderr.write(f"beaker: no log is written: {error}\n")
        return None


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None  # the notebook's folder was removed


def _name_process(kernel: str) -> None:
    from setproctitle import setproctitle

    setproctitle(f"beaker --role agent --kernel {kernel}")
