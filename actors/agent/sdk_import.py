"""Loads the SDK, and with it `model_stream`, in a thread: half a second in which the agent can already be asked.

Two things make it as short as it is. The SDK imports aiohttp if it finds it, for a transport that we do not use: while
it loads, aiohttp is not to be found (0.15 s and 8 MB less). And the garbage collector rests: a hundred thousand objects come
to stay, and it would look at all of them again and again (0.1 s).
"""

import asyncio
import gc
import importlib
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from beaker.errors import BeakerError

if TYPE_CHECKING:
    from actors.agent.model_stream import ModelStream

MODULE = "actors.agent.model_stream"
UNUSED = "aiohttp"


_one_by_one = threading.Lock()
"""A process that holds several conversations may be asked for it by two at once."""


class SdkBroken(BeakerError):
    """The SDK cannot be imported; why, and in which file."""


async def load_model_stream() -> "type[ModelStream]":
    """Import the way to models.

    Raises:
        SdkBroken: it is not installed, too old, or a module that stands in its place fails in whatever way.
    """
    return await asyncio.to_thread(_import)


def _import() -> "type[ModelStream]":
    with _one_by_one:
        found = sys.modules.get(MODULE)
        stream: type[ModelStream] = _import_first() if found is None else found.ModelStream
    return stream


def _import_first() -> "type[ModelStream]":
    hidden = UNUSED not in sys.modules
    collecting = gc.isenabled()
    gc.disable()
    if hidden:
        sys.modules[UNUSED] = None  # type: ignore[assignment]  # Python's own way to say: not to be found
    try:
        module = importlib.import_module(MODULE)
    except Exception as error:  # noqa: BLE001 -- foreign code runs here, and the user has to hear which
        raise SdkBroken(_words_of(error)) from None
    finally:
        if hidden:
            del sys.modules[UNUSED]
        if collecting:
            gc.enable()
    gc.freeze()  # what came to stay need not be looked at again
    stream: type[ModelStream] = module.ModelStream
    return stream


def _words_of(error: Exception) -> str:
    """What failed and where: the last file that is not the import machinery's, or what was found under the SDK's name."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}, is no Python that {sys.executable} understands ({error.msg})"
    found = getattr(sys.modules.get("openai"), "__file__", None)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    where = found if found is not None and files[-1].endswith("model_stream.py") else files[-1]
    return f"{type(error).__name__}: {error}, in {where}"
