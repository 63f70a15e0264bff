"""What the Registry writes down, and what it finds of its predecessor: between the register's values and the journal's rows.

When nothing can be written it says so once, and once that it can again; `not_saving` is for whoever shows it.
"""

import os
import time

import msgspec

from actors.runtime.log import Log
from actors.supervisor.order import Remembered
from beaker.gateway.register import Kernel, Register, Session
from beaker.journal.journal import Journal
from beaker.journal.rows import ConversationRow, KernelRow, SessionRow
from beaker.messages.registry import KernelEntry

CONVERSATION = "conversation"
"""The file in a kernel's runtime folder, see `actors/kernel/state/keeping.py`."""


class Chronicle:
    """Writes down kernels and sessions.

    Args:
        journal: open, and owned from now on.
    """

    def __init__(self, journal: Journal, log: Log) -> None:
        self._journal = journal
        self._log = log
        self._kernels = {row.kernel_id: row for row in journal.kernels}
        self._sessions = {row.session_id: row for row in journal.sessions}
        self._conversations = {row.kernel_id: row for row in journal.conversations}
        self._trouble = ""
        self._aside = 0
        self._say()

    @property
    def not_saving(self) -> str:
        """Why nothing is written down at the moment; empty: all is."""
        return self._journal.trouble

    def restore(self, empty: Register) -> Register:
        """The register of the predecessor: kernels whose runtime folders are there, and their sessions. The others are over.

        Args:
            empty: with the limits of now.
        """
        kernels = {row.kernel_id: _kernel(row, empty) for row in self._kernels.values() if os.path.isdir(row.runtime_folder)}
        sessions = {row.session_id: _session(row) for row in self._sessions.values() if row.kernel_id in kernels}
        for kernel_id in [*self._kernels]:
            if kernel_id not in kernels:
                self._log.info("kernel.not_found", kernel=kernel_id)
                self.strike_kernel(kernel_id)
        for session_id, row in [*self._sessions.items()]:
            if session_id in sessions:
                self._name(row)
            else:
                self.strike_session(session_id)
        return msgspec.structs.replace(empty, kernels=kernels, sessions=sessions)

    def remembered(self, kernel_id: str) -> Remembered | None:
        """What is known of the life of a kernel's subkernel."""
        row = self._kernels.get(kernel_id)
        return Remembered(generation=row.generation, subkernel=None, start=None, dead_reason=row.dead_reason) if row is not None else None

    def write_kernel(self, kernel: Kernel, runtime_folder: str) -> None:
        """A kernel begins, with its conversation."""
        entry = kernel.entry
        row = KernelRow(
            kernel_id=entry.kernel_id,
            spec_name=entry.spec_name,
            subkernel=entry.subkernel,
            host=entry.host,
            folder=entry.folder,
            runtime_folder=runtime_folder,
            path=kernel.path,
            environment=kernel.environment,
            started_at=entry.started_at,
        )
        conversation = ConversationRow(kernel_id=entry.kernel_id, file=f"{runtime_folder}/{CONVERSATION}", began_at=entry.started_at)
        number, its_number = self._journal.append(row, conversation)
        self._kernels[entry.kernel_id] = msgspec.structs.replace(row, id=number)
        self._conversations[entry.kernel_id] = msgspec.structs.replace(conversation, id=its_number)
        self._say()

    def write_session(self, session: Session) -> None:
        """A session begins, or is not what it was."""
        known = self._sessions.get(session.session_id)
        row = SessionRow(
            id=known.id if known is not None else 0,
            session_id=session.session_id,
            path=session.path,
            name=session.name,
            kind=session.kind,
            kernel_id=session.kernel_id,
            opened_at=known.opened_at if known is not None else time.time(),
        )
        if known is None:
            (number,) = self._journal.append(row)
            row = msgspec.structs.replace(row, id=number)
        else:
            self._journal.change(row)
        self._sessions[session.session_id] = row
        if known is None or (known.kernel_id, known.path) != (row.kernel_id, row.path):
            self._name(row)
        self._say()

    def write_life(self, kernel_id: str, known: Remembered) -> None:
        """What a successor must know of a subkernel, and does not find in its folder."""
        row = self._kernels.get(kernel_id)
        if row is not None and (row.generation, row.dead_reason) != (known.generation, known.dead_reason):
            row = self._kernels[kernel_id] = msgspec.structs.replace(row, generation=known.generation, dead_reason=known.dead_reason)
            self._journal.change(row)
            self._say()

    def strike_kernel(self, kernel_id: str) -> None:
        """A kernel is over, and so is its conversation."""
        rows = [rows.pop(kernel_id) for rows in (self._kernels, self._conversations) if kernel_id in rows]
        self._journal.change(*(msgspec.structs.replace(row, ended_at=time.time()) for row in rows))
        self._say()

    def strike_session(self, session_id: str) -> None:
        """A session is over."""
        if (row := self._sessions.pop(session_id, None)) is not None:
            self._journal.change(msgspec.structs.replace(row, ended_at=time.time()))
            self._say()

    def retry(self) -> None:
        """Write what could not be written."""
        self._journal.retry()
        self._say()

    def close(self) -> None:
        """Write no more."""
        self._journal.close()

    def _name(self, row: SessionRow) -> None:
        """Say which notebook a kernel has: by that `beaker-logs` finds it."""
        self._log.info("session.bound", kernel=row.kernel_id, session=row.session_id, notebook=row.path)

    def _say(self) -> None:
        journal = self._journal
        for path, reason in journal.was_put_aside[self._aside :]:
            self._log.error("journal.put_aside", path=str(path), reason=reason)
        self._aside = len(journal.was_put_aside)
        if journal.trouble and not self._trouble:
            self._log.error("journal.not_saving", reason=journal.trouble)
        elif self._trouble and not journal.trouble:
            self._log.info("journal.saving_again", forgotten=journal.forgotten)
        self._trouble = journal.trouble


def _kernel(row: KernelRow, register: Register) -> Kernel:
    entry = KernelEntry(
        kernel_id=row.kernel_id,
        spec_name=row.spec_name,
        subkernel=row.subkernel,
        host=row.host % register.host_count,  # there may be fewer than there were
        folder=row.folder,
        started_at=row.started_at,
    )
    return Kernel(entry=entry, path=row.path, environment=row.environment, phase="up")


def _session(row: SessionRow) -> Session:
    return Session(session_id=row.session_id, path=row.path, name=row.name, kind=row.kind, kernel_id=row.kernel_id)
