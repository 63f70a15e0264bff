"""The file by which the conversation outlives this process: written after every change, taken up by a successor.

Written whole in a thread and put in the place of the former one, so that a kill leaves the one or the other. It is read at the start,
where there is one, but taken up only once it is known that the kernel goes on and not a new one begins under the same name.
"""

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Protocol

from actors.runtime.actor import ActorContext
from beaker.messages.kernel import KernelMessage

if TYPE_CHECKING:
    from beaker.kernel.kept import Kept  # imported by whoever keeps or finds something: most sessions do neither


class Keeps(Protocol):
    """Whose file it is."""

    def kept(self) -> "Kept | None":
        """What there is to keep now; None: nothing may be written any more."""
        ...

    def take_up(self, kept: "Kept") -> None:
        """Go on with what a former process kept."""
        ...


class Keeping:
    """Keeps the file.

    Args:
        path: in the runtime folder.
    """

    def __init__(self, path: str, context: ActorContext[KernelMessage]) -> None:
        self._path = path
        self._context = context
        self._keeps: Keeps | None = None
        self._goes_on = False
        self._changed = False
        self._writing: asyncio.Task[object] | None = None
        self._words = ""
        self._former = self._read()

    @property
    def last_turn(self) -> int:
        """Where the numbers of questions go on."""
        return 0 if self._former is None else self._former.last_turn

    @property
    def last_approval(self) -> int:
        """Where the names of what the model wants allowed go on."""
        return 0 if self._former is None else self._former.last_approval

    def serve(self, keeps: Keeps) -> None:
        """Somebody has something to keep from here on."""
        self._keeps = keeps
        if self._goes_on:
            self._hand_over()

    def go_on(self) -> str:
        """This process goes on with the kernel of a former one; what the user is told of the conversation, empty if there was none."""
        self._goes_on = True
        self._hand_over()
        return self._words

    def begin_anew(self) -> None:
        """It does not: what another kernel of this name left behind concerns nobody."""
        if self._former is not None or self._words:
            self._former, self._words = None, ""
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            if self._keeps is not None:
                self.changed()

    def changed(self) -> None:
        """There is something new to keep."""
        self._changed = True
        if self._writing is None or self._writing.done():
            self._writing = self._context.spawn(self._write_all(), name="keep-conversation")

    def _hand_over(self) -> None:
        if self._keeps is not None and self._former is not None:
            former, self._former = self._former, None
            self._keeps.take_up(former)

    async def _write_all(self) -> None:
        while self._changed and self._keeps is not None:
            self._changed = False
            kept = self._keeps.kept()
            if kept is None:
                return
            try:
                await asyncio.to_thread(_write, self._path, kept)
            except OSError as error:
                self._context.log.warning("conversation.unwritable", reason=error.strerror)

    def _read(self) -> "Kept | None":
        try:
            file = open(self._path, "rb")  # noqa: SIM115  # most often there is none, and then nothing is imported
        except OSError:
            return None
        from beaker.kernel.kept import FORGOTTEN, READ_BYTES, decode, kept_words

        with file:
            found = decode(file.read(READ_BYTES))
        self._words = FORGOTTEN if found is None else kept_words(found)
        if found is None:
            self._context.log.warning("conversation.unreadable")
        return found


def _write(path: str, kept: "Kept") -> None:
    from beaker.kernel.kept import encode

    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    scratch = f"{path}.new"
    try:
        with os.fdopen(os.open(scratch, flags, 0o600), "wb") as file:
            file.write(encode(kept))
        os.replace(scratch, path)
    except OSError:
        # An older one would be taken for the whole; one that is empty says that something is lost.
        with contextlib.suppress(OSError):
            os.close(os.open(path, flags, 0o600))
        raise
