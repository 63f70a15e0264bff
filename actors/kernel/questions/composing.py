"""What the agent is told with a question: the prompt with what it refers to, the cells before it, the conversation so far, the limits.

Made when the question goes to the agent and not kept: the agent is told all of it with every question, so that one that died has forgotten
nothing.
"""

from typing import TYPE_CHECKING

import msgspec

from actors.kernel.looks.looking import Looking
from actors.kernel.questions.course import Course
from actors.kernel.questions.turn import Turn
from actors.kernel.state.state import KernelState
from beaker.kernel.conversation import TOLD
from beaker.kernel.hiding import Hiding
from beaker.kernel.mentions import Reading, may_mention
from beaker.kernel.question import Ask
from beaker.messages.look import Mentioned
from beaker.messages.turn import Question

if TYPE_CHECKING:
    from actors.kernel.looks.mentioning import MentionsRead

SEEN_CELLS = 12
"""As many as the prompt has room for, each at its longest."""
SEEN_OUTPUT_CHARS = 1900
"""Per cell, so that with its mark it is no longer than what the prompt gives it: it must not be cut twice. The whole has a handle."""


def begin_reading(prompt: str, state: KernelState, looking: Looking) -> "MentionsRead | None":
    """Begin to look up what a prompt refers to, ahead of any cell that comes behind it; None if it refers to nothing."""
    if not may_mention(prompt):
        return None
    # Imported by the first that refers to anything: most questions do not, and their first answer is waited for.
    from actors.kernel.looks.mentioning import MentionsRead

    return MentionsRead(prompt, state, looking)


async def finish_reading(prompt: str, begun: "MentionsRead | None") -> Reading:
    """The prompt with what it refers to."""
    return Reading(prompt=prompt) if begun is None else await begun.reading()


def compose(turn: Turn, wanted: Ask, reading: Reading, *, state: KernelState, course: Course, hiding: Hiding) -> Question:
    """Compose the question of a turn. If it shows the model text that nobody vouches for, the turn is tainted."""
    cells = state.transcript.recent(SEEN_CELLS, output_chars=SEEN_OUTPUT_CHARS)
    if state.coming_generation != state.generation:
        cells = [msgspec.structs.replace(cell, former=True) for cell in cells]
    told = course.conversation.talks[-TOLD:]
    turn.tainted = turn.tainted or bool(reading.mentioned) or bool(wanted.attached) or reading.prompt != wanted.prompt
    turn.tainted = turn.tainted or any(cell.output for cell in cells) or any(talk.tainted for talk in told)
    return Question(
        turn=turn.number,
        prompt=hiding.own_taken_out(reading.prompt),
        language=state.language,
        history=course.conversation.exchanges(state.coming_generation),
        cells=cells,
        model=turn.model or None,
        mode=turn.mode,
        spent_tokens=course.tally.total.tokens,
        spent_usd=course.tally.total.cost_usd,
        can_ask=turn.face.client.allows_stdin and turn.face.consent in {"stdin", "messages"},
        context=turn.context,
        mentioned=[*_mentioned(reading, hiding), *_attached(wanted, hiding)],
        missing=reading.missing,
        quirks=course.quirks,
    )


def _mentioned(reading: Reading, hiding: Hiding) -> list[Mentioned]:
    """What the user refers to she shows: nothing of hers is hidden in it."""
    return [Mentioned(label=each.label, text=hiding.own_taken_out(each.text)) for each in reading.mentioned]


def _attached(wanted: Ask, hiding: Hiding) -> list[Mentioned]:
    if not wanted.attached:
        return []
    from beaker.kernel.custom.notebook_state import LABEL  # only interfaces that know us attach anything

    clean = {LABEL: hiding.text}  # the notebook comes with every question, whatever stands in it
    return [Mentioned(label=each.label, text=clean.get(each.label, hiding.own_taken_out)(each.text)) for each in wanted.attached]
