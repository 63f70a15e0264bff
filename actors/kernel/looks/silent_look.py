"""Looks at an idle session by a silent execution: it enters no history, takes no number and shows nothing.

The request goes out under our private session id, past the accounting, so that cells and their numbers know nothing of it. A
cell that a user runs in that moment waits for it, some ten milliseconds.
"""

import asyncio
import contextlib
import itertools
import os

import msgspec

from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.state.state import KernelState
from actors.runtime.standstill import within
from beaker.errors import BeakerError
from beaker.languages.language import Language, Look, Sight
from beaker.wire.parts import CONTENT, UNREADABLE, Parts

RESTARTED = "the session could not be looked at; it was restarted just now"


class LookFailed(BeakerError):
    """Nothing was seen; says why, in words for the model."""


class _Value(msgspec.Struct, frozen=True):
    status: str = ""
    data: dict[str, str] = {}
    ename: str = ""


class _Reply(msgspec.Struct, frozen=True):
    status: str = ""
    user_expressions: dict[str, _Value] = {}


_reply_decoder = msgspec.json.Decoder(_Reply)


class SilentLook:
    """Looks at an idle session.

    Args:
        folder: for answers by file; ours alone.
    """

    def __init__(self, state: KernelState, folder: str) -> None:
        self._state = state
        self._folder = folder
        self._numbers = itertools.count(1)

    def begin(self, link: SubkernelLink, language: Language, name: str | None) -> "LookBegun":
        """Ask for all variables, or one in detail. It is sent now, so that no cell that comes later runs before it.

        Raises:
            LookFailed: it cannot be done.
        """
        if language.answers == "none":
            raise LookFailed(f"the variables of a {language.name} session cannot be looked at; ask the user to print what is needed")
        path = f"{self._folder}/look-{next(self._numbers)}"
        try:
            reply = link.begin("shell", "execute_request", _content(language.look(name, path)))
        except SubkernelGone:
            raise LookFailed(RESTARTED) from None
        return LookBegun(self._state, language, name, path, reply)


class LookBegun:
    """A look that was sent. Whoever began it waits for it, once."""

    def __init__(self, state: KernelState, language: Language, name: str | None, path: str, reply: "asyncio.Future[Parts]") -> None:
        self._state = state
        self._language = language
        self._name = name
        self._path = path
        self._reply = reply

    async def sight(self) -> Sight:
        """What it saw; the time limit counts from here, as looks that were sent before it take theirs.

        Raises:
            LookFailed: it saw nothing, or not in time.
        """
        language, path = self._language, self._path
        try:
            async with within(self._state.settings.kernel.look_time_limit_s):
                reply = _reply_decoder.decode((await self._reply)[CONTENT])
            answer = _value(reply) if language.answers == "expression" else _file(path)
            return language.read(self._name, answer)
        except TimeoutError:
            limit_s = self._state.settings.kernel.look_time_limit_s
            raise LookFailed(f"the session did not answer within {limit_s:g} s; something holds it, try again later") from None
        except SubkernelGone:
            raise LookFailed(RESTARTED) from None
        except (ValueError, OSError, *UNREADABLE) as error:
            self._state.log.warning("look.unreadable", language=language.name, kind=type(error).__name__)
            raise LookFailed("the session could not be looked at; it gave no proper answer") from None
        finally:
            _remove(path)


def _content(look: Look) -> dict[str, object]:
    return {
        "code": look.code,
        "silent": True,
        "store_history": False,
        "user_expressions": {"look": look.expression} if look.expression else {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


def _value(reply: _Reply) -> str:
    value = reply.user_expressions.get("look", _Value())
    if value.status != "ok":
        raise ValueError(f"the look failed: {value.ename or reply.status}")
    return value.data.get("text/plain", "")


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _file(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
