"""Reads what a question mentions, at the moment when it arrives: values by looks, cells from the transcript, files from the folder.

What comes of it goes to the model marked as data. What was mentioned with an `@`, or by a cell's number, and is not there becomes a
sentence for the user; braces around something that is no variable are just text.
"""

import asyncio
import os

from actors.kernel.looking import Looking
from actors.kernel.state import KernelState
from beaker.kernel.cutting import cut_bytes
from beaker.kernel.mentioned_file import Read, file_matches, read_mentioned
from beaker.kernel.mentions import INLINE_CHARS, MENTIONS, Mention, Reading, fill, find_mentions
from beaker.messages.look import Mentioned, VariableShown
from beaker.messages.turn import TurnFailure

ATTACHED_BYTES = 20_000
"""Of one; ten of them fit into a message with the longest question."""

_WORDS = {"In": "has no input", "Out": "has no result", "Err": "had no error"}


async def read_mentions(prompt: str, state: KernelState, looking: Looking) -> Reading:
    """Read all that a question mentions."""
    mentions = find_mentions(prompt, name=looking.language.name_pattern)
    missing: list[str] = []
    if len(mentions) > MENTIONS:
        missing.append(f"only the first {MENTIONS} things that the question mentions were read")
    values: dict[str, str] = {}
    mentioned: list[Mentioned] = []
    # Cells first: they are read at once, before a look lets anything else happen.
    read = {each.label: _cell(each, state) for each in mentions[:MENTIONS] if each.kind in _WORDS}
    for mention in mentions[:MENTIONS]:
        found = read[mention.label] if mention.label in read else await _find(mention, looking)
        match found:
            case None:
                continue
            case str():
                missing.append(found)
            case Mentioned(inline=inline):
                if inline and mention.kind != "variable":
                    values[mention.label] = inline
                else:
                    mentioned.append(found)
                    if mention.kind == "braces":
                        values[mention.label] = f"`{mention.name}`"
    return Reading(prompt=fill(prompt, values, name=looking.language.name_pattern), mentioned=mentioned, missing=missing)


async def _find(mention: Mention, looking: Looking) -> Mentioned | str | None:
    if mention.kind == "file":
        read = await asyncio.to_thread(read_mentioned, mention.name, _folder())
        return Mentioned(label=mention.label, text=read.text) if isinstance(read, Read) else read
    shown = await looking.find(mention.name)
    match shown:
        case VariableShown(text=text, note=note, line=line):
            text = f"({note})\n{text}" if note else text
            return Mentioned(label=mention.label, text=cut_bytes(text, ATTACHED_BYTES), inline=line[:INLINE_CHARS])
        case TurnFailure(reason=reason):
            return f"`{mention.label}` could not be read: {reason}"
        case None:
            return None if mention.kind == "braces" else f"`{mention.label}` names no variable of the session"


def _cell(mention: Mention, state: KernelState) -> Mentioned | str:
    read = {"In": state.transcript.code, "Out": state.transcript.result, "Err": state.transcript.error}[mention.kind]
    text = read(int(mention.name))
    if text is None:
        return f"`{mention.label}` could not be found: cell {mention.name} {_WORDS[mention.kind]}, or is not remembered"
    inline = text if len(text) <= INLINE_CHARS and "\n" not in text else ""
    return Mentioned(label=mention.label, text=cut_bytes(text, ATTACHED_BYTES), inline=inline)


def mention_matches(typed: str, looking: Looking) -> list[str]:
    """What may stand behind an `@`: variables that are known without a look, and files of the notebook's folder.

    Args:
        typed: what stands there so far.
        looking: the room of looks.
    """
    if not typed.startswith("file:"):
        names = [name for name in looking.known_names() if name.startswith(typed)]
        return [*names, *(["file:"] if "file:".startswith(typed) else [])]
    path = typed.removeprefix("file:")
    return [_as_mentioned(each, quoted=path.startswith('"')) for each in file_matches(path.lstrip('"'), _folder())]


def _as_mentioned(path: str, *, quoted: bool) -> str:
    if not quoted and not any(character.isspace() for character in path):
        return f"file:{path}"
    return f'file:"{path}' if path.endswith("/") else f'file:"{path}"'


def _folder() -> str:
    """The notebook's, which is where this process was started; a place where nothing is if it was removed meanwhile."""
    try:
        return os.getcwd()
    except OSError:
        return os.devnull
