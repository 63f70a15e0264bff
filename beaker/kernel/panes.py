"""An answer as it is drawn: *panes*, each a display of its own, with what beaker vouches for apart from what the model writes.

A model that was taken over by what it read may write the very words by which its user is asked for consent. So its text is made harmless.
What beaker vouches for, which is code that asks with what becomes of it and how to allow it, and a proposal with its number, stands in a
*frame*: that is HTML, which in the model's text is text. It has a pane to itself besides, so that nothing that a frontend makes of the text
reaches it. Below the model's text stand at most words of our own about what it waits for.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from beaker.consent.sight import sight
from beaker.kernel.asked_back import AskedBack
from beaker.kernel.code_blocks import LANGUAGE_CHARS, fenced
from beaker.kernel.commands.words import code as code_span
from beaker.kernel.commands.words import escaped
from beaker.kernel.harmless import harmless, visible
from beaker.kernel.turn_display import Proposal, RunBlock, Step, TurnDisplay

THINKING = "thinking ..."
CURSOR = "▍"
"""Stands behind the text while more is to come."""

FRAME = '<div style="border: 1px solid; border-radius: 4px; padding: 0.4em 1em; box-sizing: border-box">'
"""A line of its own, with a blank line below: CommonMark reads markdown from there on. VS Code makes each `div` as wide as the output:
so the padding belongs to that width, or the right side is out of sight."""

STEP_FRAME = (
    '<span style="border: 1px dotted; border-radius: 4px; padding: 0 0.5em; margin: 0.1em 0; display: inline-block; font-size: 0.9em">'
)
"""The same for a line on what the model did, which beaker tells in passing.

Within a paragraph: one of its own would have margins inside of a frame.
"""

STEPS_OPEN = 3
"""More of them in a row are folded: they would push the answer out of sight."""

FOLD = "<details>\n<summary>{}</summary>"


class Pane(NamedTuple):
    """One display, or a piece of one."""

    markdown: str
    plain: str
    """The same where markdown is not rendered."""


EMPTY = Pane("", "")


def panes(display: TurnDisplay, *, ending: Sequence[str] | None = None) -> list[Pane]:
    """What the part of an answer that is shown now looks like.

    Args:
        ending: None while the turn goes on; else lines to put below the answer (maybe none).
    """
    found: list[Pane] = []
    texts: list[str] = []
    steps: list[Step] = []
    for segment in display.part:
        if isinstance(segment, Step):
            found += _said(display, len(found), texts)
            texts = []
            steps.append(segment)
            continue
        if isinstance(segment, str) and not segment.strip():
            continue
        found += _done(steps)
        steps = []
        if isinstance(segment, str):
            texts.append(segment.strip())
            continue
        found += _said(display, len(found), texts)
        texts = []
        match segment:
            case Proposal():
                found.append(_framed(_numbered(segment)))
            case AskedBack():
                found.append(Pane(segment.quoted(harmless), segment.quoted(visible)))
                found += [] if segment.answer is None else [_answered(segment.answer)]
            case RunBlock():
                found.append(run_pane(segment))
    found += _done(steps)
    pieces = _said(display, len(found), texts)
    if ending is None:
        if words := waiting_words(display):
            pieces.append(_own(words))
        elif pieces:
            pieces = [_with_cursor(*pieces)]
    else:
        pieces += map(_own, ending)
    pieces += [_own(display.note)] if display.note else []
    return [*found, Pane(*("\n\n".join(each) for each in zip(*pieces, strict=True)))] if pieces else found


def waiting_words(display: TurnDisplay) -> str:
    """What the turn waits for, or does; empty while text comes, or the user is asked."""
    nothing = not any(not isinstance(segment, str) or segment.strip() for segment in display.part)
    thinking = THINKING if display.steps == 1 else f"thinking, step {display.steps} ..."
    return display.trouble or display.words or (thinking if display.thinks or nothing else "")


def run_pane(block: RunBlock) -> Pane:
    """Code that asks, with what became of it: a pane to itself."""
    return _framed(_run(block))


def _said(display: TurnDisplay, at: int, texts: Sequence[str]) -> list[Pane]:
    """What the model says in one pane; none if that is nothing.

    Args:
        at: of the pane, in the part.
    """
    text = "\n\n".join(text for text in texts if text)
    return [Pane(display.reader(at).of(text), visible(text))] if text else []


def _done(steps: Sequence[Step]) -> list[Pane]:
    """What the model did between two of its texts, a line each: one pane; none if that is nothing.

    No text of the model's can pass for it: a line of its own has no frame.
    """
    if not steps:
        return []
    lines = "  \n".join(f"{STEP_FRAME}{escaped(_in_its_line(step.line))} </span>" for step in steps)
    plain = "\n".join(f"· {_in_its_line(step.line)}" for step in steps)
    if len(steps) > STEPS_OPEN:
        failed = sum(step.failed for step in steps)
        head = f"{len(steps)} steps" + (f", {failed} failed" if failed else "")
        lines = f"{FOLD.format(f'{STEP_FRAME}{head}</span>')}\n\n{lines}\n\n</details>"
    return [Pane(lines, plain)]


def _in_its_line(text: str) -> str:
    """Names and data that a model chose, without what would reach into the lines around or turn this one.

    JupyterLab looks for two of the signs of formulas in code spans too, and takes what follows for one to the next such sign.
    """
    return _BEGINNING.sub(r"\\ ", _DOUBLED.sub(r"\\", _TURNING.sub("\ufffd", visible(text))))


_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DOUBLED = re.compile(r"\\{2,}")
_BEGINNING = re.compile(r"\\(?=begin|end)")


def _framed(markdown: str) -> Pane:
    return Pane(f"{FRAME}\n\n{markdown}\n\n</div>", visible(markdown))


def _answered(answer: str) -> Pane:
    """The user's word, so that no text of the model's can pass for it."""
    answer = answer.strip() or "(nothing)"
    return Pane(f"{FRAME}\n\n**You answered:** {escaped(answer)}\n\n</div>", f"You answered: {visible(answer)}")


def _own(words: str) -> Pane:
    """A line of beaker's own, in which words of an endpoint's may be quoted."""
    return Pane(f"*{escaped(words)}*", f"*{visible(words)}*")


def _with_cursor(piece: Pane) -> Pane:
    apart = "\n\n" if piece.markdown.endswith("```") else " "
    return Pane(*(f"{text}{apart}{CURSOR}" for text in piece))


def _run(block: RunBlock) -> str:
    head = f"**{block.name}** {block.words}".rstrip()
    code = _code(block.code, block.language) if block.code else ""
    return "\n\n".join(part for part in (head, code, block.below and f"*{block.below}*") if part)


def _code(code: str, language: str) -> str:
    """A block of code in which nothing is out of sight."""
    shown, notes = sight(code)
    return (f"*({notes})*\n\n" if notes else "") + fenced(shown, language)


def _numbered(proposal: Proposal) -> str:
    place = f" in place of cell {_named(proposal.replaces)}" if proposal.replaces else ""
    place = place or (f" behind cell {_named(proposal.after)}" if proposal.after else "")
    language = code_span(proposal.language[:LANGUAGE_CHARS])
    other = f" *{language} as text: this session runs {code_span(proposal.session)}*" if proposal.session else ""
    return f"**[{proposal.number}]**{place}{other}\n\n{_code(proposal.code, proposal.language)}"


def _named(cell: str) -> str:
    return code_span(cell) if not cell.isdecimal() else f"[{cell}]"
