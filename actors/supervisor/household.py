"""The processes and files of one subkernel: does what the pure life of it decided, and decides nothing.

Owned by the Supervisor. Everything here is quick and needs no event loop until `watch`, so that the first launch happens
before asyncio is imported. A subkernel whose kernelspec asks for a provisioner is launched by `foreign` instead.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from actors.supervisor import lock, record
from actors.supervisor.launching import LaunchError, launch
from actors.supervisor.limits import Limits, limit_running
from actors.supervisor.local_process import LocalProcess, end_remains
from actors.supervisor.order import Remembered
from actors.supervisor.stderr_pipe import StderrPipe
from actors.supervisor.tenant import Tenant
from beaker.messages.subkernel import Subkernel
from beaker.places import KernelFolder
from beaker.subkernels.exit_words import of_failed_start
from beaker.subkernels.facts import Found, Launched, LaunchFailed
from beaker.subkernels.kernelspecs import Kernelspec, KernelspecError, find
from beaker.subkernels.life_state import State

if TYPE_CHECKING:
    import subprocess

OWN_PROVISIONERS = frozenset({None, "local-provisioner", "beaker-local-provisioner"})
"""What a kernelspec may ask for that means a process of this machine, which we launch ourselves."""


class Household:
    """Performs the actions that touch processes and files.

    Args:
        folder: the kernel's runtime folder.
        spec_name: which kernelspec to launch; looked up anew each time, so that a mended one is taken.
        environment: the user's own.
        file_name: what connection files are called.
        lease_s: how long the subkernel lives without an owner; only written down here.
        held: the lock on the folder, see `lock`.
        limits: what the subkernel may take; a provisioner that is not ours sets its own.
        working_folder: where cells begin; empty: where this process is.
        gathers_stdout: see `launch`.
        search_environment: by which kernelspecs are looked for; None: the user's own.
        children: the processes of a household before this one in the same process, by pid: who else could reap them?
        on_known: called with `remembered` whenever that changes.
    """

    def __init__(
        self,
        folder: KernelFolder,
        spec_name: str,
        environment: Mapping[str, str],
        file_name: str,
        *,
        lease_s: float,
        held: int,
        limits: Limits,
        working_folder: str = "",
        gathers_stdout: bool = False,
        search_environment: Mapping[str, str] | None = None,
        children: "Mapping[int, subprocess.Popen[bytes]] | None" = None,
        on_known: Callable[[Remembered], None] | None = None,
    ) -> None:
        self._on_known = on_known
        self._limits = limits
        self.working_folder = working_folder
        self._gathers_stdout = gathers_stdout
        self._search_environment = environment if search_environment is None else search_environment
        self._children = children or {}
        self.folder = folder
        self._lease_s = lease_s
        self._held = held
        self._spec_name = spec_name
        self._environment = environment
        self._file_name = file_name
        self._living: dict[int, tuple[Tenant, StderrPipe | None]] = {}
        self._launched: set[int] = set()
        """The generations that were launched here; one that was found had been somebody's before."""
        self._provisioner: dict[str, object] | None = None
        self._known = State(spec_name=spec_name)
        """As it was written down last."""

    @property
    def is_ours(self) -> bool:
        """Whether the folder is still the one that was locked: somebody may have cleaned it away, and another taken its place."""
        return lock.holds(self.folder, self._held)

    def find(self, remembered: "record.Record | None" = None) -> Found | None:
        """Look for a subkernel that an earlier Supervisor started, and take it up if it lives.

        Args:
            remembered: what the owner knows of it, for where the record was cleaned away.
        """
        old = record.read(self.folder) or remembered
        if old is None:
            return None
        found = record.found(old)
        self._known = msgspec.structs.replace(self._known, last_owner=found.owner, owner_lost_at=found.owner_lost_at, heard=found.heard)
        if found.subkernel.pid is not None and not found.alive:
            end_remains(found.subkernel.pid)
        if found.alive and found.subkernel.pid is not None:
            generation = found.subkernel.generation
            life = self.folder.life(generation)
            life.mkdir(mode=0o700, exist_ok=True)
            pipe = StderrPipe(life / "stderr")
            self._living[generation] = (LocalProcess(found.subkernel.pid, old.start, self._children.get(found.subkernel.pid)), pipe)
            if self._limits.any:  # they may be new since it was launched
                with contextlib.suppress(OSError):
                    limit_running(found.subkernel.pid, self._limits)
            self._provisioner = old.provisioner
        return found

    @property
    def environment(self) -> Mapping[str, str]:
        """The user's own."""
        return self._environment

    @property
    def file_name(self) -> str:
        """What connection files are called."""
        return self._file_name

    def spec(self) -> Kernelspec:
        """Look up the kernelspec.

        Raises:
            KernelspecError: it cannot be used.
        """
        return find(self._spec_name, self._search_environment)

    def launch(self, generation: int) -> Launched | LaunchFailed | None:
        """Launch a life of the subkernel; None where its kernelspec asks for a provisioner that is not ours."""
        try:
            spec = self.spec()
        except KernelspecError as error:
            return LaunchFailed(generation=generation, reason=f"The subkernel {self._spec_name} did not start. {error}")
        if spec.provisioner not in OWN_PROVISIONERS:
            return None
        self._remove_life(generation)
        try:
            made = launch(
                spec,
                self.folder.life(generation),
                generation,
                environment=self._environment,
                file_name=self._file_name,
                limits=self._limits,
                working_folder=self.working_folder,
                gathers_stdout=self._gathers_stdout,
            )
        except LaunchError as error:
            return LaunchFailed(generation=generation, reason=of_failed_start(spec.name, spec.path, str(error), "", remedy=error.remedy))
        return self.admit(made.subkernel, made.process, made.stderr, spec_path=spec.path)

    def admit(
        self,
        subkernel: Subkernel,
        tenant: Tenant,
        stderr: StderrPipe | None,
        *,
        spec_path: str,
        provisioner: dict[str, object] | None = None,
    ) -> Launched:
        """Take up a life that was launched."""
        self._living[subkernel.generation] = (tenant, stderr)
        self._launched.add(subkernel.generation)
        self._provisioner = provisioner
        # Now, without waiting for the step that follows: whoever is killed between the two would leave a process that nobody knows.
        known = msgspec.structs.replace(self._known, spec_path=spec_path, answered=False, reachable=True)
        try:
            self._record(subkernel, tenant, known)
        except OSError:
            tenant.send(signal.SIGKILL)
            raise
        return Launched(subkernel=subkernel, spec_path=spec_path)

    def tenant(self, generation: int) -> Tenant | None:
        """The life of this generation, if it is not forgotten."""
        held = self._living.get(generation)
        return held[0] if held is not None else None

    def stderr(self, generation: int) -> StderrPipe | None:
        """What that life writes to; None where it is not of this machine."""
        held = self._living.get(generation)
        return held[1] if held is not None else None

    def send(self, generation: int, number: int) -> None:
        """Send a signal to a life, if it still lives."""
        if (tenant := self.tenant(generation)) is not None:
            tenant.send(number)

    def last_words(self, generation: int) -> str:
        """The end of what it wrote to stderr."""
        pipe = self.stderr(generation)
        return pipe.tail() if pipe is not None else ""

    def forget(self, generation: int) -> None:
        """Remove the traces of a life that is over. Its stderr is drained on for whom it left behind in other sessions."""
        held = self._living.pop(generation, None)
        if held is not None:
            held[0].close()
        if self.is_ours:
            self._remove_life(generation)

    def end_launched(self) -> None:
        """End at once what was launched here, because nobody can have heard of it."""
        for generation in self._launched:
            self.send(generation, signal.SIGKILL)

    @property
    def children(self) -> "dict[int, subprocess.Popen[bytes]]":
        """The processes of ours that live, by pid, for a household that takes up after this one."""
        local = [tenant for tenant, _ in self._living.values() if isinstance(tenant, LocalProcess)]
        return {tenant.pid: tenant.child for tenant in local if tenant.child is not None}

    @property
    def remembered(self) -> Remembered:
        """What a Supervisor that takes up after this one should know."""
        known = self._known
        tenant = self.tenant(known.generation)
        return Remembered(
            generation=known.generation,
            subkernel=known.subkernel if tenant is not None else None,
            start=tenant.start if tenant is not None else None,
            dead_reason=known.reason if known.phase == "dead" else "",
            greeted=known.answered,
            owner=known.owner or known.last_owner,
        )

    def close(self) -> None:
        """Let go of everything; what lives lives on."""
        for tenant, stderr in self._living.values():
            if isinstance(tenant, LocalProcess):  # another one's end would clean up behind a kernel that lives
                tenant.close()
            if stderr is not None:
                stderr.close()
        self._living.clear()
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        if self.is_ours:
            import shutil  # at the end, as it takes longer than anything else that a launch imports

            shutil.rmtree(self.folder.path, ignore_errors=True)

    def write_down(self, state: State) -> str:
        """Record who lives, for whoever comes later.

        Returns:
            Why that could not be; what was recorded at the launch stays.
        """
        self._known = state
        if self._on_known is not None:
            self._on_known(self.remembered)
        if not self.is_ours:
            return ""
        tenant = self.tenant(state.generation)
        if state.subkernel is None or tenant is None:
            if tenant is None:  # else it was launched this moment, and is recorded
                record.remove(self.folder)
            return ""
        try:
            self._record(state.subkernel, tenant, state)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _record(self, subkernel: Subkernel, tenant: Tenant, state: State) -> None:
        written = record.Record(
            subkernel=subkernel,
            start=tenant.start,
            answered=state.answered,
            spec_path=state.spec_path,
            owner=state.last_owner,
            owner_lost_at=state.owner_lost_at,
            provisioner=self._provisioner,
            heard=state.heard,
            reachable=state.reachable,
            lease_s=self._lease_s,
        )
        record.write(self.folder, written)

    def _remove_life(self, generation: int) -> None:
        """Remove the folder of a life; a flat one, unless the subkernel made folders in it."""
        life = self.folder.life(generation)
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(life):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
            with contextlib.suppress(OSError):  # it made a folder there, which goes with the kernel's
                life.rmdir()
