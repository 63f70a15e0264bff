"""What stands in the journal: one kind of row per table. A field of `rows` is a column of `schema`."""

from typing import TypeAlias

import msgspec


class KernelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel of the gateway, from its start to its end."""

    id: int = 0
    """0 until it is appended."""
    kernel_id: str
    spec_name: str
    subkernel: str
    host: int
    folder: str
    """Where its cells begin."""
    runtime_folder: str
    path: str
    """Of its first document."""
    environment: dict[str, str]
    """The client's own variables."""
    started_at: float
    generation: int = 0
    """The last life of its subkernel that is known."""
    dead_reason: str = ""
    """Why it was given up, in sentences; empty: it was not."""
    ended_at: float | None = None


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as it was last."""

    id: int = 0
    session_id: str
    path: str
    name: str
    kind: str
    kernel_id: str
    opened_at: float
    ended_at: float | None = None


class ConversationRow(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation of one kernel: which it is, and the file that holds its questions and answers while the kernel lives."""

    id: int = 0
    kernel_id: str
    file: str
    began_at: float
    ended_at: float | None = None


Row: TypeAlias = KernelRow | SessionRow | ConversationRow

TABLES: dict[str, type[Row]] = {"kernels": KernelRow, "sessions": SessionRow, "conversations": ConversationRow}

TABLE_OF: dict[type[msgspec.Struct], str] = {kind: table for table, kind in TABLES.items()}
