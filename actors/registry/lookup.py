"""What the Registry looks up: the names that can be asked for, where cells begin, and what the Supervisor of a kernel is told.

All of it reads files, in a thread, because a file system that hangs must not stop the watch over the other kernels.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Mapping

from actors.guardian.order import GatewayOrder
from actors.supervisor.limits import Limits
from actors.supervisor.order import Order
from beaker.contents.paths import Root
from beaker.gateway.cell_folder import WORKING_FOLDER, BadPath, cell_folder
from beaker.gateway.environment import NOTEBOOK, compose_environment
from beaker.gateway.identity import folder_name, supervisor_secret
from beaker.gateway.register import Kernel, Offer
from beaker.gateway.subkernel_names import subkernel_names, usual_name
from beaker.settings.load import load
from beaker.settings.schema import Settings


class Lookup:
    """Looks up for one gateway.

    Args:
        environment: of the gateway.
        runtime_root: the folder that holds all kernels' runtime folders.
    """

    def __init__(self, order: GatewayOrder, environment: Mapping[str, str], *, runtime_root: str) -> None:
        self._order = order
        self._environment = dict(environment)
        known = order.key_print
        # Once, and of our own alone: in what clients send, which may be long, the model's key can only stand if they have it anyway.
        self._passing = {name: value for name, value in environment.items() if known is None or not known.is_in(value)}
        self._runtime_root = runtime_root
        self._root = Root(order.settings.root_dir or os.getcwd(), hidden=True)

    def runtime_folder(self, kernel_id: str) -> str:
        """Of a kernel."""
        return f"{self._runtime_root}/{folder_name(self._order.kernel_secret, kernel_id)}"

    def secret(self, kernel_id: str) -> bytes:
        """What a kernel's Supervisor wants to hear."""
        return supervisor_secret(self._order.kernel_secret, kernel_id)

    async def offer(self, path: str, environment: Mapping[str, str]) -> Offer:
        """What a request for this path may need, with the client's variables."""
        return await asyncio.to_thread(self._offer, path, environment.get(WORKING_FOLDER, ""))

    async def order_for(self, kernel: Kernel) -> Order:
        """What the Supervisor of a kernel is told."""
        return await asyncio.to_thread(self._order_for, kernel)

    async def environment_of(self, kernel: Kernel) -> dict[str, str]:
        """The variables that its subkernel gets."""
        return await asyncio.to_thread(self._environment_of, kernel)  # long ones are looked through for seconds

    def _environment_of(self, kernel: Kernel) -> dict[str, str]:
        order = self._order
        secrets = [order.kernel_secret.hex(), *(secret.hex() for secret in order.passes.values())]
        composed = compose_environment(
            self._passing, kernel.environment, added=order.settings.pass_env, secrets=secrets, is_secret=self._holds_token
        )
        document = f"{self._root.real}/{kernel.path.strip('/')}"
        return composed if not kernel.path or os.path.isdir(document) else composed | {NOTEBOOK: document}

    def _holds_token(self, value: str) -> bool:
        known = self._order.token_print
        return known is not None and known.is_in(value)

    def _offer(self, path: str, working: str) -> Offer:
        folder, bad_path = self._root.real, ""
        try:
            folder = cell_folder(self._root, path, working)
        except BadPath as error:
            bad_path = str(error)
        return Offer(
            specs=subkernel_names(self._environment, usual=self._settings(folder).subkernel.spec),
            default=usual_name(self._environment),
            folder=folder,
            bad_path=bad_path,
            kernel_id=str(uuid.uuid4()),
            session_id=str(uuid.uuid4()),
            at=time.time(),
        )

    def _settings(self, folder: str) -> Settings:
        """As the kernel host reads them too, which tells what is wrong with them."""
        return load(self._environment, folder=folder).settings

    def _order_for(self, kernel: Kernel) -> Order:
        entry = kernel.entry
        settings = self._settings(entry.folder).subkernel
        return Order(
            folder=self.runtime_folder(entry.kernel_id),
            kernel_id=entry.kernel_id,
            secret=self.secret(entry.kernel_id),
            spec_name=entry.subkernel,
            environment=self._environment_of(kernel),
            connection_file_name=f"kernel-{entry.kernel_id}.json",
            start_timeout_s=settings.start_timeout_s,
            restart_limit=settings.restart_limit,
            restart_window_s=settings.restart_window_s,
            lease_s=self._order.settings.orphan_timeout_s,
            limits=Limits(
                processes=settings.max_processes,
                memory_bytes=settings.max_memory_mb * 1024 * 1024,
                open_files=self._order.open_files,
            ),
            working_folder=entry.folder,
            gathers_stdout=True,
            search_environment=self._environment,
        )
