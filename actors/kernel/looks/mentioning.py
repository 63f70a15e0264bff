"""Reads what a question mentions, as it is at the moment when the question arrives: values by looks, cells from the transcript,
files from the folder.

The looks are begun before anything else is read from a client, because the cell behind the question may change what they are
about. What comes of it goes to the model marked as data. What was mentioned with an `@`, or by a cell's number, and is not there becomes a
sentence for the user; braces around something that is no variable are just text.
"""

import asyncio
from collections.abc import Callable, Mapping

from actors.kernel.looks.looking import Looking, Sought
from actors.kernel.state.state import KernelState
from beaker.kernel.cutting import cut_bytes
from beaker.kernel.mentioned_file import Read, file_matches, read_mentioned
from beaker.kernel.mentions import INLINE_CHARS, MENTIONS, Mention, Reading, fill, find_mentions
from beaker.messages.look import Mentioned, VariableShown
from beaker.messages.turn import TurnFailure

ATTACHED_BYTES = 20_000
"""Of one; ten of them fit into a message with the longest question."""

MAYBE_LATER = "the session was busy when the question came, and a cell ahead of it may not have made it yet"

_WORDS = {"In": "has no input", "Out": "has no result", "Err": "had no error"}


class MentionsRead:
    """All that one question mentions: begun to be read when it is made, within the turn of the loop in which the question came."""

    def __init__(self, prompt: str, state: KernelState, looking: Looking) -> None:
        self._prompt = prompt
        self._looking = looking
        self._name_pattern = looking.language.name_pattern
        mentions = find_mentions(prompt, name=self._name_pattern)
        self._mentions = mentions[:MENTIONS]
        self._too_many = len(mentions) > MENTIONS
        loop, folder = asyncio.get_running_loop(), state.surroundings.folder()
        self._cells: dict[str, Mentioned | str] = {}
        self._files: dict[str, asyncio.Future[Read | str]] = {}
        self._sought: dict[str, Sought] = {}
        """By the variable's name: one look does for `{x}` and `@x`."""
        for mention in self._mentions:
            if mention.kind in _WORDS:
                self._cells[mention.label] = _cell(mention, state)
            elif mention.kind == "file":
                self._files[mention.label] = loop.run_in_executor(None, read_mentioned, mention.name, folder)
            elif mention.name not in self._sought:
                self._sought[mention.name] = looking.seek(mention.name)

    async def reading(self) -> Reading:
        """The question with what was read."""
        missing: list[str] = []
        if self._too_many:
            missing.append(f"only the first {MENTIONS} things that the question mentions were read")
        values: dict[str, str] = {}
        mentioned: list[Mentioned] = []
        found = {name: await self._looking.found(sought) for name, sought in self._sought.items()}
        for mention in self._mentions:
            match await self._read(mention, found):
                case None:
                    continue
                case str(sentence):
                    missing.append(sentence)
                case Mentioned(inline=inline) as read:
                    if inline and mention.kind != "variable":
                        values[mention.label] = inline
                    else:
                        mentioned.append(read)
                        if mention.kind == "braces":
                            values[mention.label] = f"`{mention.name}`"
        return Reading(prompt=fill(self._prompt, values, name=self._name_pattern), mentioned=mentioned, missing=missing)

    async def _read(self, mention: Mention, found: Mapping[str, VariableShown | TurnFailure | None]) -> Mentioned | str | None:
        """What was read, a sentence for the user, or None if it is just text."""
        label = mention.label
        if label in self._cells:
            return self._cells[label]
        if label in self._files:
            file = await self._files[label]
            return Mentioned(label=label, text=file.text) if isinstance(file, Read) else file
        match found[mention.name]:
            case VariableShown(text=text, note=note, line=line):
                text = f"({note})\n{text}" if note else text
                return Mentioned(label=label, text=cut_bytes(text, ATTACHED_BYTES), inline=line[:INLINE_CHARS])
            case TurnFailure(reason=reason):
                return f"`{label}` could not be read: {reason}"
            case None:
                behind_cells = self._sought[mention.name].behind_cells
                if mention.kind == "braces" and not behind_cells:
                    return None
                return f"`{label}` names no variable of the session" + ("; " + MAYBE_LATER if behind_cells else "")


def _cell(mention: Mention, state: KernelState) -> Mentioned | str:
    text = _reader(mention.kind, state)(int(mention.name))
    if text is None:
        return f"`{mention.label}` could not be found: cell {mention.name} {_WORDS[mention.kind]}, or is not remembered"
    inline = text if len(text) <= INLINE_CHARS and "\n" not in text else ""
    return Mentioned(label=mention.label, text=cut_bytes(text, ATTACHED_BYTES), inline=inline)


def mention_matches(typed: str, state: KernelState, looking: Looking) -> list[str]:
    """What may stand behind an `@`: variables that are known without a look, and files of the notebook's folder.

    Args:
        typed: what stands there so far.
        state: knows the folder.
        looking: the room of looks.
    """
    if not typed.startswith("file:"):
        names = [name for name in looking.known_names() if name.startswith(typed)]
        return [*names, *(["file:"] if "file:".startswith(typed) else [])]
    path = typed.removeprefix("file:")
    return [_as_mentioned(each, quoted=path.startswith('"')) for each in file_matches(path.lstrip('"'), state.surroundings.folder())]


COMPLETED_CELLS = 30
"""Numbers of cells that are offered; looking for results goes through all that they printed."""


def brace_matches(typed: str, state: KernelState, looking: Looking) -> list[str]:
    """What may stand between braces: variables that are known without a look, and cells by their numbers, the newest first.

    Args:
        typed: what stands there so far.
        state: holds what passed by.
        looking: the room of looks.
    """
    what, bracket, digits = typed.partition("[")
    if bracket:
        return [f"{what}[{number}]" for number in _numbers(what, state) if str(number).startswith(digits)]
    names = [name for name in looking.known_names() if name.startswith(typed)]
    words = [word for word in _WORDS if typed and word.startswith(typed)]
    return [*names, *(f"{word}[{number}]" for word in words for number in _numbers(word, state))]


def _numbers(word: str, state: KernelState) -> list[int]:
    """Of the cells that have what the word stands for, the newest first."""
    read = _reader(word, state)
    return [number for number in state.transcript.numbers()[:COMPLETED_CELLS] if read(number) is not None]


def _reader(word: str, state: KernelState) -> Callable[[int], str | None]:
    return {"In": state.transcript.code, "Out": state.transcript.result, "Err": state.transcript.error}[word]


def _as_mentioned(path: str, *, quoted: bool) -> str:
    if not quoted and not any(character.isspace() for character in path):
        return f"file:{path}"
    return f'file:"{path}' if path.endswith("/") else f'file:"{path}"'
