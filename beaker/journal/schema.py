"""The tables of the journal, version by version.

The version stands in the file's `user_version`, and each step to the next is one transaction. A step that was released is never
changed; what is wanted otherwise is one more step. A file of a later version is refused, because an old program would write into it
what the new one does not mean.

The table `conversations` only names a file, in the kernel's runtime folder: what was said is written there by the kernel, and not here.
"""

from typing import Final

APPLICATION: Final = 0x62656B72
"""`bekr` in the file's `application_id`: a database of somebody else's is not written into."""

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE kernels (
            id INTEGER PRIMARY KEY,
            kernel_id TEXT NOT NULL,
            spec_name TEXT NOT NULL,
            subkernel TEXT NOT NULL,
            host INTEGER NOT NULL,
            folder TEXT NOT NULL,
            runtime_folder TEXT NOT NULL,
            path TEXT NOT NULL,
            environment TEXT NOT NULL,
            started_at REAL NOT NULL,
            generation INTEGER NOT NULL,
            dead_reason TEXT NOT NULL,
            ended_at REAL
        )
        """,
        """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL,
            path TEXT NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            kernel_id TEXT NOT NULL,
            opened_at REAL NOT NULL,
            ended_at REAL
        )
        """,
        """
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY,
            kernel_id TEXT NOT NULL,
            file TEXT NOT NULL,
            began_at REAL NOT NULL,
            ended_at REAL
        )
        """,
    ),
)
"""What leads from each version to the next, from 0, an empty file."""
