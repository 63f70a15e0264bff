"""The caretaker: what a Supervisor does for the runtime folder beside the life of its own subkernel.

It owns the hold on the watcher, which it replaces when somebody kills it; it notices that the folder was cleaned away; and once, when
the start is over, it gives watchers to the kernels beside ours that have nobody left. The Supervisor begins it and is told of a
folder that is gone. None of this is a fact of the subkernel's life, and so no business of `beaker.subkernels.lifecycle`.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from actors.runtime.actor import ActorContext
from actors.supervisor.household import Household
from actors.supervisor.local_process import LocalProcess
from actors.supervisor.neighbours import give_watchers
from actors.supervisor.watcher import Watcher, ensure
from beaker.subkernels.restart_intensity import RestartIntensity

WATCHERS = RestartIntensity(limit=5, window_s=30.0)
"""How often a watcher that was killed is replaced at once. More than that is somebody's intention or a full disk: then the next
one waits for as long as the window is."""

LOOK_AT_FOLDER_S = 5.0
"""Within the shortest lease that is not a test's: a Supervisor that nobody finds any more ends what nobody owns in time."""


class Caretaker:
    """Takes care of one runtime folder.

    Args:
        context: of the Supervisor, whose tasks and log these are.
        household: the folder, and whether it is still ours.
        watcher: held from now on.
        kernel_id: for the watcher's title.
        lease_s: how long a subkernel without an owner lives.
        on_folder_gone: called once, when the folder was cleaned away.
    """

    def __init__(
        self,
        context: ActorContext[Any],  # Any: it sends the actor no message
        household: Household,
        watcher: Watcher,
        *,
        kernel_id: str,
        lease_s: float,
        on_folder_gone: Callable[[], None],
    ) -> None:
        self._context = context
        self._household = household
        self._watcher = watcher
        self._kernel_id = kernel_id
        self._lease_s = lease_s
        self._on_folder_gone = on_folder_gone
        self._watchers = WATCHERS
        """What is left of that."""

    def begin(self) -> None:
        """Hear of the watcher's end, and look at the folder from time to time."""
        self._watcher.watch(self._replace_watcher)
        self._context.spawn(self._keep_house(), name="keep-house")

    def release(self) -> None:
        """Hold the watcher no more."""
        self._watcher.release()

    async def _keep_house(self) -> None:
        """Notice that the folder was cleaned away, as programs do with what lies in temporary folders for long.

        A folder tells of its end to nobody who does not hold it open in a way of one system; a look costs microseconds.
        """
        pause_s = min(LOOK_AT_FOLDER_S, self._lease_s / 2)
        await asyncio.sleep(pause_s)  # a start has better things to do than to look after others
        self._look_after_neighbours()
        while self._household.is_ours:  # noqa: ASYNC110 -- folders set no event
            await asyncio.sleep(pause_s)
        self._on_folder_gone()

    def _look_after_neighbours(self) -> None:
        log = self._context.log
        try:
            given = give_watchers(self._household.folder, lease_s=self._lease_s)
        except OSError as error:
            log.warning("neighbours.unreadable", reason=str(error))
            return
        for process in given:
            log.info("neighbour.orphaned", watcher_pid=process.pid)
            process.watch(partial(self._reap, process))

    def _reap(self, process: LocalProcess) -> None:
        self._context.log.info("neighbour.ended", watcher_pid=process.pid, status=process.status)
        process.close()

    def _replace_watcher(self) -> None:
        """Start another watcher: this one was killed."""
        self._watcher.reap()
        if not self._household.is_ours:
            return
        log = self._context.log
        following = self._watchers.after_restart(self._context.clock.monotonic())
        log.warning("watcher.killed", replaced=following is not None)
        if following is None:
            self._context.spawn(self._replace_watcher_later(), name="watcher")
            return
        self._watchers = following
        try:
            self._watcher = ensure(self._household.folder, kernel_id=self._kernel_id, lease_s=self._lease_s)
        except OSError as error:
            log.error("watcher.missing", reason=str(error))
            self._context.spawn(self._replace_watcher_later(), name="watcher")
            return
        self._watcher.watch(self._replace_watcher)

    async def _replace_watcher_later(self) -> None:
        await asyncio.sleep(WATCHERS.window_s)
        self._replace_watcher()
