"""Our local provisioner for anybody who starts kernels by jupyter_client: death at once, and adoption.

jupyter_client's own polls every 100 ms for the end of a process, and reports a kernel that was loaded from
`get_provisioner_info` as dead and ignores signals to it. A kernelspec asks for this one by
`{"metadata": {"kernel_provisioner": {"provisioner_name": "beaker-local-provisioner"}}}`. The Supervisor itself launches
local subkernels without it, by the same classes, because importing jupyter_client costs 100 ms.
"""

import asyncio
import signal
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner as JupyterLocalProvisioner

from actors.supervisor.local_process import LocalProcess
from actors.supervisor.start_time import start_time


class LocalProvisioner(JupyterLocalProvisioner):
    """Runs a kernel as a process of this machine, which may have been started by an earlier provisioner."""

    _watched: LocalProcess | None = None

    @property
    def has_process(self) -> bool:
        return self._watched is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # Any: as the base class has it
        connection = await super().launch_kernel(cmd, **kwargs)
        process: Any = self.process  # Any: the base class declares it as None
        self._watched = LocalProcess(process.pid, start_time(process.pid), process)
        return connection

    async def poll(self) -> int | None:
        if self._watched is None:
            return 0
        if self._watched.alive:
            return None
        return self._watched.status or 0

    async def wait(self) -> int | None:
        if self._watched is None:
            return 0
        ended = asyncio.Event()
        self._watched.watch(ended.set)
        await ended.wait()
        status = self._watched.status
        self._watched.close()
        self._watched = None
        self.process = None
        return 0 if status is None else status

    async def send_signal(self, signum: int) -> None:
        if self._watched is not None:
            self._watched.send(signum)

    async def kill(self, restart: bool = False) -> None:
        del restart
        if self._watched is not None:
            self._watched.send(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        del restart
        if self._watched is not None:
            self._watched.send(signal.SIGTERM)

    async def get_provisioner_info(self) -> dict[str, Any]:  # Any: as jupyter_client has it
        information: dict[str, Any] = await super().get_provisioner_info()  # Any: the same
        information["start_time"] = self._watched.start if self._watched is not None else None
        return information

    async def load_provisioner_info(self, provisioner_info: dict[str, Any]) -> None:  # Any: the same
        await super().load_provisioner_info(provisioner_info)
        found = LocalProcess(provisioner_info["pid"], provisioner_info.get("start_time"))
        self._watched = found if found.start is not None and found.alive else None
