"""Glances at a busy session: help requests on a subshell of our own, the debugger's display on control; nothing is executed.

A subshell is a thread of the subkernel's; ours lives as long as the glances. Why not all on control: what is slow there, a
property of a class of the user's for example, would hold up interrupts and the debugger. A subshell whose glance
hangs is ended only when the glance does, since ending it earlier would stop the shell until then.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from actors.kernel.looks.silent_look import RESTARTED, LookFailed
from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.state.state import KernelState
from actors.runtime.standstill import within
from beaker.languages.language import Display, Inspect, Language, Seen
from beaker.wire.parts import CONTENT, UNREADABLE

NAMES = 100
"""Looked up in one list; each takes 5-10 ms."""
END_TIMEOUT_S = 600.0
"""How long a hanging glance is waited for before its subshell is given up."""


class _Bundle(msgspec.Struct, frozen=True):
    data: dict[str, object] = {}


class _Reply(msgspec.Struct, frozen=True):
    """Of an inspect_request, a debug_request and the requests about subshells."""

    status: str = ""
    found: bool = False
    data: dict[str, object] = {}
    subshell_id: str = ""
    success: bool = False
    body: _Bundle = _Bundle()


_decoder = msgspec.json.Decoder(_Reply)


class Glancing:
    """Glances at a busy session."""

    def __init__(self, state: KernelState) -> None:
        self._state = state
        self._ending: set[asyncio.Task[None]] = set()

    async def glance(self, link: SubkernelLink, language: Language, names: Sequence[str], *, detail: bool) -> list[Seen]:
        """See variables of which at least the names are known; those that do not exist are left out.

        Raises:
            LookFailed: nothing could be seen in time, or at all.
        """
        limit_s = self._state.settings.kernel.look_time_limit_s
        seen: list[Seen] = []
        asked: list[asyncio.Task[object]] = []
        subshell = ""
        try:
            async with within(limit_s):
                subshell = await self._open(link)
                for name in names[:NAMES]:
                    found = await self._one(link, language, name, subshell, asked, detail=detail)
                    if found is not None:
                        seen.append(found)
        except TimeoutError:
            if not seen:
                raise LookFailed(f"a cell is running and holds the interpreter; nothing was seen within {limit_s:g} s") from None
        except SubkernelGone:
            raise LookFailed(RESTARTED) from None
        except UNREADABLE:
            raise LookFailed("a cell is running, and the session gave no proper answer to a look") from None
        finally:
            self._end_soon(link, subshell, asked)
        return seen

    async def _one(
        self, link: SubkernelLink, language: Language, name: str, subshell: str, asked: list[asyncio.Task[object]], *, detail: bool
    ) -> Seen | None:
        glances = language.glance(name, detail=detail)
        said: str | None = None
        started = False
        while True:
            try:
                wanted = glances.send(said) if started else next(glances)
            except StopIteration as end:
                seen: Seen | None = end.value
                return seen
            started = True
            task = asyncio.ensure_future(self._ask(link, wanted, subshell))
            asked[:] = [task]
            # Shielded: a glance that takes too long must be known to be over before its subshell is ended.
            said = await asyncio.shield(task)

    async def _ask(self, link: SubkernelLink, wanted: Inspect | Display, subshell: str) -> str | None:
        if isinstance(wanted, Display):
            if "debugger" not in self._state.features:
                return None
            request = {"type": "request", "seq": 1, "command": "richInspectVariables", "arguments": {"variableName": wanted.name}}
            shown = _decoder.decode((await link.ask("control", "debug_request", request))[CONTENT])
            return _text(shown.body.data) if shown.success else None
        content = {"code": wanted.path, "cursor_pos": len(wanted.path), "detail_level": 0}
        channel = "shell" if subshell else "control"  # ipykernel takes what belongs on shell there too
        reply = _decoder.decode((await link.ask(channel, "inspect_request", content, subshell_id=subshell))[CONTENT])
        return _text(reply.data) if reply.found else None

    async def _open(self, link: SubkernelLink) -> str:
        if "kernel subshells" not in self._state.features:
            return ""
        return _decoder.decode((await link.ask("control", "create_subshell_request", {}))[CONTENT]).subshell_id

    def _end_soon(self, link: SubkernelLink, subshell: str, asked: Sequence[asyncio.Task[object]]) -> None:
        task = asyncio.ensure_future(self._end(link, subshell, asked))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, link: SubkernelLink, subshell: str, asked: Sequence[asyncio.Task[object]]) -> None:
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await asyncio.gather(*asked, return_exceptions=True)
                if subshell:
                    await link.ask("control", "delete_subshell_request", {"subshell_id": subshell})
        except TimeoutError:
            self._state.log.warning("look.subshell_hangs")
        except SubkernelGone:
            pass  # and the subshell with it


def _text(data: dict[str, object]) -> str | None:
    text = data.get("text/plain")
    return text if isinstance(text, str) else None
