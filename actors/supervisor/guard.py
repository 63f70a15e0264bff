"""The guard of one kernel: its Supervisor with all that this holds, from the lock on the runtime folder to the last word.

A process of role supervisor makes one, opens it before asyncio is imported, and ends with it; the registry of a gateway makes one
for each of its kernels in a loop that runs. Both learn by a status how it ended: LEFT, NOT_THE_FIRST or GAVE_UP. After the
last one the subkernel lives, and the next guard adopts it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from actors.supervisor import lock, record, watcher
from actors.supervisor.household import Household
from actors.supervisor.opening import open_life
from actors.supervisor.order import GAVE_UP, NOT_THE_FIRST, Order, Remembered
from actors.supervisor.record import Record
from actors.supervisor.strays import end_strays
from beaker.places import KernelFolder, renew
from beaker.subkernels.actions import Action
from beaker.subkernels.kernelspecs import KernelspecError, find
from beaker.subkernels.life_state import Policy, State
from beaker.subkernels.restart_intensity import RestartIntensity

if TYPE_CHECKING:
    import subprocess

    from actors.supervisor.serving import Serving


class Guard:
    """Guards one kernel. `open` it, then `serve`, then `close`.

    Args:
        order: what it guards.
        children: the subkernel's process as the guard before it in this process had it, see `children`.
        on_known: called with `remembered` whenever that changes, for whoever must find it after a crash of this process.
    """

    def __init__(
        self,
        order: Order,
        *,
        children: "Mapping[int, subprocess.Popen[bytes]] | None" = None,
        on_known: Callable[[Remembered], None] | None = None,
    ) -> None:
        self._order = order
        self._children = children or {}
        self._on_known = on_known
        self._household: Household | None = None
        self._watcher: watcher.Watcher | None = None
        self._state = State(spec_name=order.spec_name)
        self._backlog: list[Action] = []
        self._serving: Serving | None = None

    def open(self) -> int | None:
        """Take the lock, have the folder watched, and adopt what lives there or launch: some milliseconds, without a loop.

        Returns:
            None, or why nothing was opened: NOT_THE_FIRST, or GAVE_UP where the folder goes under our hands.

        Raises:
            PlaceError: the folder cannot be made or used.
            OSError: something else is in the way, as a full disk; `abandon` says what becomes of it.
        """
        order = self._order
        folder = KernelFolder(Path(order.folder))
        try:
            renew(folder.path, uid=os.getuid())
            held = lock.take(folder)
        except FileNotFoundError:
            return GAVE_UP  # cleaned away since; the owner starts another Supervisor
        if held is None:
            return NOT_THE_FIRST
        self._household = Household(
            folder,
            order.spec_name,
            order.environment,
            order.connection_file_name,
            lease_s=order.lease_s,
            held=held,
            limits=order.limits,
            working_folder=order.working_folder,
            gathers_stdout=order.gathers_stdout,
            search_environment=order.search_environment,
            children=self._children,
            on_known=self._on_known,
        )
        known = order.remembered or Remembered(generation=0, subkernel=None, start=None, dead_reason="")
        state = State(
            spec_name=order.spec_name,
            limits=order.limits.words,
            policy=Policy(start_timeout_s=order.start_timeout_s, lease_s=order.lease_s),
            intensity=RestartIntensity(limit=order.restart_limit, window_s=order.restart_window_s),
            generation=known.generation,
            phase="dead" if known.dead_reason else "new",
            reason=known.dead_reason,
        )
        # Not by the generation that the owner was told of: that is told before there is a process.
        recorded = record.read(folder) or _living(order)
        end_strays(folder, newest=recorded.subkernel.generation if recorded is not None else 0)
        # The watcher first: from its launch on the subkernel has somebody who ends it, whoever is killed.
        self._watcher = watcher.ensure(folder, kernel_id=order.kernel_id, lease_s=order.lease_s)
        self._state, self._backlog = open_life(self._household, state, _living(order))
        return None

    async def serve(self, *, on_begun: Callable[[], None] | None = None, on_listening: Callable[[], None] | None = None) -> int:
        """Let the owner come in, and do what it asks; once, after `open`.

        Args:
            on_begun: called once the Supervisor runs, a moment before anybody can come in.
            on_listening: called once the owner can come in.

        Returns:
            LEFT or GAVE_UP.

        Raises:
            OSError: nobody can come in; `abandon` says what becomes of it.
        """
        from actors.supervisor.serving import Serving  # not before the subkernel is launched

        assert self._household is not None, "opened before it serves"
        assert self._watcher is not None, "likewise"
        self._serving = Serving(self._order, self._household, self._state, self._backlog, self._watcher)
        return await self._serving.run(on_begun, on_listening)

    @property
    def failure(self) -> str:
        """Why there is no subkernel after `open`, in sentences for the user; empty where one was launched or is on its way."""
        return self._state.reason if self._state.phase == "dead" else ""

    @property
    def remembered(self) -> Remembered | None:
        """What the next guard of this kernel should know; None where nothing was opened."""
        return self._household.remembered if self._household is not None else None

    @property
    def children(self) -> "dict[int, subprocess.Popen[bytes]]":
        """The subkernel's process if it was launched here, for the next guard in this process: who else could reap it?"""
        return self._household.children if self._household is not None else {}

    def give_way(self) -> None:
        """End, but not a subkernel that somebody owns; nothing happens before `serve`."""
        if self._serving is not None:
            self._serving.give_way()

    def leave(self) -> None:
        """End the subkernel, asking it first, and then the guard; nothing happens before `serve`."""
        if self._serving is not None:
            self._serving.leave()

    def abandon(self) -> bool:
        """End at once what was launched here, after an OSError: nobody has heard of it, nor could the watcher find it.

        Returns:
            Whether the folder is still ours; where it is not, its loss is all that has happened.
        """
        if self._household is None:
            return True
        self._household.end_launched()
        return self._household.is_ours

    def close(self) -> None:
        """Let go of everything; what lives lives on, watched."""
        if self._watcher is not None:
            self._watcher.release()
        if self._household is not None:
            self._household.close()


def _living(order: Order) -> Record | None:
    """What the owner says about the living subkernel, as a record."""
    known = order.remembered
    if known is None or known.subkernel is None:
        return None
    search = order.environment if order.search_environment is None else order.search_environment
    try:
        spec_path = find(order.spec_name, search).path
    except KernelspecError:
        spec_path = ""
    return Record(
        subkernel=known.subkernel,
        start=known.start,
        answered=known.greeted,
        spec_path=spec_path,
        owner=os.getppid() if known.owner is None else known.owner,
        owner_lost_at=None,
        heard=known.generation if known.greeted else known.generation - 1,
        reachable=known.subkernel.connection.transport != "ipc",
    )
