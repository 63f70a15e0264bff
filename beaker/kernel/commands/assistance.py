"""Completion and Shift-Tab help in cells of ours, from the same table that `%beaker help` shows.

Positions count code points, as the messages of Jupyter do. A word that could still become one of the subkernel's own magics
(`%`, `%b`, `%%`) is the subkernel's to complete.
"""

import re
from collections.abc import Callable, Iterable

import msgspec

from beaker.kernel.cell_head import find_cell
from beaker.kernel.commands.command import Values
from beaker.kernel.commands.help import ALL, COMMAND_NAMES, help_words
from beaker.kernel.commands.words import Words
from beaker.kernel.magics import is_complete
from beaker.kernel.question import ASK_TOPIC, MODES, OPTIONS

_FIRST_WORD = r"[ \t\r\n\f\v]*?(?:^|(?<=[\r\n]))(%{1,2}[a-z]*)\Z"
_MENTION = r"(?<![\w@./:-])@(file:(?:\"[^\"\r\n]*|[^\s\"]*)|[\w.]*)\Z"
_BRACES = r"(?<!\{)\{((?:In|Out|Err)\[\d*|[\w.]*)\Z"
_HEADS = {"%be": "%beaker", "%%a": "%%ai", "%%as": "%%ask"}
"""The shortest beginnings that we complete: IPython has magics of its own with the shorter ones (`%bookmark`, `%alias`)."""

REFERENCE_CHARS = 4_000
"""What stands before the cursor and may belong to what is completed there: the longest path. Looking further back would take the
square of a long text's length."""


def _none(name: str) -> Values:
    del name
    return ()


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What fits at the cursor; the content of a complete_reply."""

    matches: list[str]
    """Each replaces what stands between start and end; may be empty."""
    cursor_start: int
    """In code points."""
    cursor_end: int
    """In code points."""


def complete(
    code: str,
    cursor_pos: int,
    values: Callable[[str], Values] = _none,
    mentions: Callable[[str], Values] = _none,
    braces: Callable[[str], Values] = _none,
) -> Completion | None:
    """What fits at the cursor in a cell of ours; None if it is not ours to complete.

    In the text of a question only what it refers to fits. Positions outside of the code count as its ends.

    Args:
        values: gives what exists now for the command of this name to be about.
        mentions: gives what may stand behind an `@`, for what stands there so far.
        braces: gives what may stand between braces, likewise.
    """
    cursor = min(max(cursor_pos, 0), len(code))
    before = code[:cursor]
    if found := re.match(_FIRST_WORD, before):
        return _complete_head(found[1], cursor, rest=code[cursor:])
    cell = find_cell(code)
    if cell is None or cursor <= cell.start:
        return None
    typed = before[cell.start + len(cell.head) :]
    end = typed[-REFERENCE_CHARS:]
    if cell.head != "%beaker" and (mention := re.search(_MENTION, end)):
        return Completion(matches=[f"@{each}" for each in mentions(mention[1])], cursor_start=cursor - len(mention[0]), cursor_end=cursor)
    if cell.head != "%beaker" and (brace := re.search(_BRACES, end)):
        matches = [_closed(f"{{{each}}}", code[cursor:]) for each in braces(brace[1])]
        return Completion(matches=matches, cursor_start=cursor - len(brace[0]), cursor_end=cursor)
    if re.search(r"[\r\n]", typed):
        return _completion((), "", cursor)  # below the first line
    words = typed.split()
    word = words.pop() if typed and not typed[-1].isspace() and words else ""
    if cell.head == "%beaker":
        return _completion(_after_beaker(words, values), word, cursor)
    return _completion(_after_ai(words, word, values), word, cursor)


def inspect_help(code: str, cursor_pos: int) -> Words | None:
    """The help for what stands at the cursor in a cell of ours; None if that is not ours, or the text of a question.

    A name in a question may be a variable of the user's: whoever gets None may ask the subkernel.
    """
    cursor = min(max(cursor_pos, 0), len(code))
    cell = find_cell(code)
    if cell is None or cursor < cell.start:
        return None
    line = re.split(r"[\r\n]", code[cell.start :], maxsplit=1)[0]
    at = cursor - cell.start
    if at > len(line):
        return None
    if cell.head == "%beaker":
        words = line[len(cell.head) :].replace("?", " ").split()
        named = words[1] if words[:1] == ["help"] and len(words) > 1 else words[0] if words else ""
        topic = ASK_TOPIC if named.lstrip("%") in {"ai", "ask"} else named
        return help_words(topic if at > len(cell.head) else "")
    begin = max(line.rfind(" ", 0, at), line.rfind("\t", 0, at)) + 1
    on_option = line[begin:].split("=")[0].split(" ")[0] in OPTIONS
    return help_words(ASK_TOPIC) if at <= len(cell.head) or on_option or _asks_for_help(line, cell.head) else None


def complete_reply(
    code: str,
    cursor_pos: int,
    values: Callable[[str], Values] = _none,
    mentions: Callable[[str], Values] = _none,
    braces: Callable[[str], Values] = _none,
) -> dict[str, object] | None:
    """The content of the complete_reply to a cell of ours, None if it is the subkernel's to complete."""
    found = complete(code, cursor_pos, values, mentions, braces)
    return None if found is None else {"status": "ok", "metadata": {}, **msgspec.structs.asdict(found)}


def inspect_reply(code: str, cursor_pos: int) -> dict[str, object] | None:
    """The content of the inspect_reply to a cell of ours, None if it is the subkernel's to look at."""
    words = inspect_help(code, cursor_pos)
    if words is None:
        return None
    return {"status": "ok", "found": True, "data": {"text/plain": words.plain, "text/markdown": words.markdown}, "metadata": {}}


def is_complete_reply(code: str) -> dict[str, object] | None:
    """The content of the is_complete_reply to a cell of ours, None for every other."""
    status = is_complete(code)
    if status is None:
        return None
    return {"status": status} if status == "complete" else {"status": status, "indent": ""}


def _asks_for_help(line: str, head: str) -> bool:
    return line[len(head) :].strip() in {"?", "??"}


def _complete_head(word: str, cursor: int, *, rest: str) -> Completion | None:
    matches = [head for beginning, head in _HEADS.items() if word.startswith(beginning) and head.startswith(word)]
    if word == "%%a":
        matches.append("%%ask")
    if word == "%ai":
        matches.append("%ai")
    if matches and matches[0].startswith("%b") and re.search(r"[\r\n]\s*\S", rest):
        return None  # `%beaker` has to be the whole cell
    return _completion(matches, word, cursor) if matches else None


def _after_beaker(words: list[str], values: Callable[[str], Values]) -> Iterable[str]:
    if not words:
        return COMMAND_NAMES
    command = ALL.get(words[0])
    return () if command is None else command.complete(words[1:], values(command.name))


def _after_ai(words: list[str], word: str, values: Callable[[str], Values]) -> Iterable[str]:
    """Options and their values, as long as the question has not begun."""
    expects = ""
    for known in words:
        if expects:
            expects = ""
        elif known.split("=")[0] not in OPTIONS:
            return ()
        else:
            expects = known if known in {"--model", "--mode"} else ""
    match expects:
        case "--mode":
            return MODES
        case "--model":
            return values("model")
        case _:
            return [option for option in OPTIONS if option not in words] if not word or word.startswith("-") else ()


def _closed(text: str, rest: str) -> str:
    """Without the brackets at its end that stand behind the cursor already: editors close them as they are opened."""
    closing = next((end for end in ("]}", "}") if text.endswith(end) and rest.startswith(end)), "")
    return text[: len(text) - len(closing)]


def _completion(candidates: Iterable[str], word: str, cursor: int) -> Completion:
    matches = [candidate for candidate in candidates if candidate.startswith(word)]
    return Completion(matches=matches, cursor_start=cursor - len(word), cursor_end=cursor)
