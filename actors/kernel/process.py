"""What runs in the kernel process: one node with the KernelActor, linked to its Supervisor and, later, its agent."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from actors.kernel.actor import KernelActor
from actors.kernel.life.parent_watch import watch_parent
from actors.kernel.owner import Owner
from actors.kernel.sockets.front import REJOINED_S, Front, Handlers, ZmqFront
from actors.kernel.state.inflight_log import inflight_path
from actors.kernel.state.surroundings import of_this_process
from actors.roles.own_logs import configure_logs
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.node import Node
from actors.supervisor.order import Order
from actors.supervisor.role import fork_supervisor
from beaker.errors import BeakerError
from beaker.messages.base import PROTOCOL, KernelId
from beaker.settings.load import Loaded
from beaker.wire.connection_file import ConnectionFile, write_ports

SUPERVISOR_TIMEOUT_S = 15.0
"""From its fork to its socket: 0.2 s, more on a machine that swaps."""
SUPERVISOR_GONE_S = 1.0
"""After the one that we forked has ended: it does so where another holds the lock, and that one may be about to listen, which a
busy machine keeps it from."""
REAP_AFTER_S = 0.1
"""By then the agent's own watch has taken its exit status: it wakes within some milliseconds."""


class KernelFailed(BeakerError):
    """The kernel's own part crashed again and again. The session lives on, for the next kernel process."""


class KernelProcess:
    """One kernel process.

    Args:
        order: how its Supervisor is started.
        file: the client's connection file.
        path: of that file.
        supervisor: pid of the Supervisor that was forked a moment ago. If another one lives, it has left by itself.
        key: the descriptor behind which the model's key is sealed; handed to agents, never read here.
    """

    def __init__(self, order: Order, loaded: Loaded, file: ConnectionFile, path: str, supervisor: int, *, key: int | None = None) -> None:
        self._order = order
        self._loaded = loaded
        self._file = file
        self._path = path
        self._supervisor: int | None = supervisor
        self._key = key
        self._gone_since = 0.0
        self._was_killed = False
        """The Supervisor that was forked last: it has not left because another one lives."""
        self._actor: KernelActor | None = None
        self._node: Node | None = None
        self._owner: Owner | None = None
        self._finished: asyncio.Event | None = None
        self._failure = ""

    def run(self) -> None:
        """Run until the kernel is shut down.

        Raises:
            AddressError: a port of the connection file is taken.
            UnknownScheme: its signatures cannot be computed.
            KernelFailed: the KernelActor has used its restarts up; the last reason.
        """
        self._configure_logs()
        asyncio.run(self._main())
        if self._failure:
            raise KernelFailed(self._failure)

    def _configure_logs(self) -> None:
        configure_logs(self._loaded.settings.logs, "kernel", self._order.kernel_id, self._file.key)

    async def _main(self) -> None:
        self._finished = asyncio.Event()
        self._node = node = Node("kernel", protocol=PROTOCOL, on_gave_up=self._gave_up)
        self._owner = owner = Owner(
            node,
            self._loaded,
            folder=self._order.folder,
            kernel_id=self._order.kernel_id,
            secret=self._order.secret,
            key=self._key,
        )
        install_signals(lambda: self._actor)
        loop = asyncio.get_running_loop()
        # Subkernels whose Supervisor was killed become children of ours; the agent is reaped by its own watch first.
        loop.add_signal_handler(signal.SIGCHLD, self._reap_orphans)
        self._reap_orphans()  # the Supervisor that was forked early, and met a living one, has ended before anybody could hear of it
        parent = watch_parent(os.environ, self._parent_died)
        try:
            await node.spawn("kernel", self._make_actor)
            Log(actor="kernel").info(
                "kernel.started",
                connection_file=self._path,
                notebook=os.environ.get("JPY_SESSION_NAME", ""),  # jupyter_server names it so
                spec=self._order.spec_name,
            )
            await self._finished.wait()
        finally:
            if parent is not None:
                parent.close()
            loop.remove_signal_handler(signal.SIGCHLD)
            await node.stop()
            owner.let_go()
            if self._supervisor is not None:
                # The kernel failed before it owned this Supervisor: a port was taken.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._supervisor, signal.SIGTERM)
            await owner.close()

    def _make_actor(self) -> KernelActor:
        assert self._owner is not None
        self._actor = KernelActor(
            kernel_id=KernelId(self._order.kernel_id),
            loaded=self._loaded,
            folder=self._order.folder,
            make_front=self._make_front,
            connect_supervisor=self._connect_supervisor,
            start_agent=self._owner.start_agent,
            end_agent=self._owner.end_agent,
            client_key=self._file.key,
            on_finished=self._finish,
            surroundings=of_this_process(),
        )
        return self._actor

    def _make_front(self, handlers: Handlers) -> Front:
        assert self._node is not None
        settings = self._loaded.settings.kernel
        replaces = os.path.exists(inflight_path(self._order.folder))
        front = ZmqFront(
            self._file,
            handlers,
            max_message_bytes=settings.max_message_bytes,
            lag_bytes=settings.iopub_lag_bytes,
            stopped_s=settings.iopub_stopped_s,
            rejoined_s=REJOINED_S if replaces else 0.0,
            log=self._node.log.bind(actor="kernel"),
        )
        if front.chosen_ports:
            path = self._path
            write_ports(path, Path(path).read_bytes(), front.chosen_ports)
        return front

    def _reap_orphans(self) -> None:
        """Let go of the children that nobody waits for: Supervisors, and subkernels whose Supervisor was killed."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                if self._owner is not None and ended.si_pid == self._owner.agent_pid:
                    # Its own watch wants its exit status; whoever stands behind it in the queue is seen to afterwards.
                    asyncio.get_running_loop().call_later(REAP_AFTER_S, self._reap_orphans)
                    return
                if ended.si_pid == self._supervisor:
                    self._was_killed = ended.si_code != os.CLD_EXITED
                os.waitpid(ended.si_pid, os.WNOHANG)

    def _gave_up(self, _name: str, reason: str) -> None:
        self._failure = reason
        self._finish()

    def _finish(self) -> None:
        assert self._finished is not None
        self._finished.set()

    def _parent_died(self) -> None:
        if self._actor is not None:
            self._actor.shut_down(restart=False)
        else:
            self._finish()

    async def _connect_supervisor(self) -> Link:
        assert self._owner is not None
        if self._supervisor is None:
            assert self._actor is not None
            order = msgspec.structs.replace(self._order, remembered=self._actor.remembered)
            self._gone_since, self._was_killed = 0.0, False
            self._supervisor = fork_supervisor(
                order,
                before_serving=lambda: configure_logs(self._loaded.settings.logs, "supervisor", order.kernel_id, self._file.key),
                is_late=True,
            )
        try:
            return await self._owner.reach_supervisor(SUPERVISOR_TIMEOUT_S, lambda: self._gone_for(SUPERVISOR_GONE_S))
        finally:
            self._supervisor = None

    def _gone_for(self, patience_s: float) -> bool:
        """Whether the Supervisor that was forked has ended so long ago; it does so at once where another one lives."""
        try:
            if self._supervisor is not None:
                os.kill(self._supervisor, 0)
        except ProcessLookupError:
            self._gone_since = self._gone_since or time.monotonic()
            return self._was_killed or time.monotonic() - self._gone_since > patience_s
        self._gone_since = 0.0
        return False


def install_signals(kernel: Callable[[], KernelActor | None]) -> None:
    """SIGINT interrupts, SIGTERM and SIGHUP shut down; call it on the running loop."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if (actor := kernel()) is not None:
            actor.interrupt_by_signal()

    def shut_down() -> None:
        if (actor := kernel()) is not None:
            actor.shut_down(restart=False)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, shut_down)
    loop.add_signal_handler(signal.SIGHUP, shut_down)
