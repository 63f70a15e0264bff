"""What the tests of code by the model share: a run that was begun, and what its cell shows."""

import asyncio

from beaker.messages.running import RunReply
from tests.kit.kernel_stage import KernelStage
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel


async def begun(stage: KernelStage, subkernel: ScriptedSubkernel, code: str = "df.go()") -> tuple[str, "asyncio.Task[RunReply]", Received]:
    """A question whose code runs now: its cell's msg_id, the agent's request, the request in the subkernel."""
    msg_id, _ = await stage.ask("%%ai --mode auto go")
    running = stage.wants_run(code)
    request = await subkernel.expect_code()
    subkernel.begin(request, 2)
    await stage.settle()
    return msg_id, running, request


def drawn(stage: KernelStage, msg_id: str) -> str:
    """What the displays of a cell show now."""
    displays = [s.content for s in stage.front.about(msg_id) if s.kind.endswith("display_data")]
    return "\n".join({each["transient"]["display_id"]: str(each["data"]["text/markdown"]) for each in displays}.values())
