"""Subkernels that a provisioner of somebody else runs: on another machine, in a cluster, in a container.

A kernelspec asks for one by `metadata.kernel_provisioner`. Such provisioners expect jupyter_client's `KernelManager` as
their parent, so here is one; it is imported when the first is needed, because it costs 100 ms and 20 MB. What they run
may not be a process of this machine: then its end is heard by their own `wait`, and it cannot be adopted.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from actors.supervisor.household import Household
from actors.supervisor.launching import PARENT_PID
from actors.supervisor.start_time import start_time
from beaker.messages.subkernel import Connection, Subkernel
from beaker.subkernels.exit_words import of_failed_start
from beaker.subkernels.facts import Launched, LaunchFailed
from beaker.subkernels.kernelspecs import Kernelspec

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase


class ForeignTenant:
    """A life that a provisioner looks after.

    Args:
        manager: its parent, held as long as it lives.
        provisioner: who runs it.
    """

    def __init__(self, manager: "AsyncKernelManager", provisioner: "KernelProvisionerBase") -> None:
        self.start: str | None = None
        self.status: int | None = None
        self._manager = manager
        self._provisioner = provisioner
        self._tasks: set[asyncio.Task[object]] = set()

    def watch(self, on_exit: Callable[[], None]) -> None:
        self._spawn(self._wait(on_exit))

    def send(self, number: int) -> None:
        if number == signal.SIGKILL:
            self._spawn(self._provisioner.kill())
        elif number == signal.SIGTERM:
            self._spawn(self._provisioner.terminate())
        else:
            self._spawn(self._provisioner.send_signal(number))

    def end_remains(self) -> None:
        """What it leaves behind is its provisioner's to clean up."""

    def close(self) -> None:
        self._spawn(self._provisioner.cleanup())
        self._manager.cleanup_connection_file()

    async def _wait(self, on_exit: Callable[[], None]) -> None:
        self.status = await self._provisioner.wait()
        on_exit()

    def _spawn(self, work: Any) -> None:  # Any: provisioners give coroutines of every kind
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class ForeignHost:
    """Launches by the provisioner that a kernelspec asks for.

    Args:
        household: where what was launched is taken up.
    """

    def __init__(self, household: Household) -> None:
        self._household = household

    async def launch(self, generation: int) -> Launched | LaunchFailed:
        """Launch a life; may take as long as the provisioner's machine does."""
        spec = self._household.spec()
        try:
            manager, provisioner = await self._start(spec, generation)
        except Exception as error:  # noqa: BLE001 -- a provisioner is anybody's code, and may raise anything
            words = f"its provisioner {spec.provisioner} failed: {error}"
            return LaunchFailed(generation=generation, reason=of_failed_start(spec.name, spec.path, words, ""))
        tenant = ForeignTenant(manager, provisioner)
        pid = getattr(provisioner, "pid", None)
        subkernel = Subkernel(
            generation=generation,
            spec_name=spec.name,
            display_name=spec.display_name,
            language=spec.language,
            pid=pid if isinstance(pid, int) and _is_child(pid) else None,
            interrupt_mode=spec.interrupt_mode,
            connection=_connection(manager),
            started_at=time.time(),
            adopted=False,
        )
        if subkernel.pid is not None:
            tenant.start = start_time(subkernel.pid)
        information = await provisioner.get_provisioner_info()
        told: dict[str, object] = {name: value for name, value in information.items() if isinstance(value, str | int | float | bool | None)}
        return self._household.admit(subkernel, tenant, None, spec_path=spec.path, provisioner=told)

    async def _start(self, spec: Kernelspec, generation: int) -> "tuple[AsyncKernelManager, KernelProvisionerBase]":
        """Have a KernelManager start the kernel, as a server would."""
        from jupyter_client.manager import AsyncKernelManager  # see the module

        life = self._household.folder.life(generation)
        with contextlib.suppress(FileExistsError):
            life.mkdir(mode=0o700)
        manager = AsyncKernelManager(kernel_name=spec.name, connection_file=str(life / self._household.file_name), autorestart=False)
        environment = {name: value for name, value in self._household.environment.items() if name != PARENT_PID}
        await manager.start_kernel(env=environment, cwd=self._household.working_folder or os.getcwd())
        provisioner = manager.provisioner
        assert provisioner is not None
        return manager, provisioner


def _connection(manager: "AsyncKernelManager") -> Connection:
    """Where the kernel listens, as its provisioner said."""
    told = manager.get_connection_info()
    key: object = told.get("key", "")
    names = {field.name for field in msgspec.structs.fields(Connection)}
    values = {name: value for name, value in told.items() if name in names}
    return msgspec.convert(values | {"key": key.decode() if isinstance(key, bytes) else key}, Connection)


def _is_child(pid: int) -> bool:
    """Whether a pid that a provisioner names is one of this machine, and not of the one it runs kernels on."""
    try:
        return os.getpgid(pid) > 0 and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except (ProcessLookupError, ChildProcessError):
        return False
