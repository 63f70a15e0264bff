"""What the tests of turns share: how one ends, and what its cell shows."""

from beaker.kernel.panes import FRAME
from beaker.messages.base import TurnId
from beaker.messages.turn import Ended
from tests.kit.consent_stage import FIRST
from tests.kit.kernel_stage import KernelStage

OK = Ended(turn=FIRST, status="ok", text="")


def ended(turn: TurnId = FIRST, status: str = "ok", reason: str = "") -> Ended:
    """The end of a turn that has said nothing since its last text."""
    return Ended(turn=turn, status=status, text="", reason=reason)  # type: ignore[arg-type]  # one of its three words


def framed(markdown: str) -> str:
    """What beaker vouches for, as it is shown."""
    return f"{FRAME}\n\n{markdown}\n\n</div>"


def displays(stage: KernelStage, msg_id: str) -> list[tuple[str, str]]:
    """What the cell showed: kind and text of each display."""
    return [(s.kind, s.content["data"]["text/markdown"]) for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]


async def drawn(stage: KernelStage, msg_id: str, text: str) -> None:
    """Wait until the display holds the text."""
    await stage.front.wait(lambda: any(text in shown for _, shown in displays(stage, msg_id)), text)
