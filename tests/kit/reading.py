"""What tests read of a `KernelStage`: why something was refused, what a cell shows, what the status says."""

import asyncio

import pytest

from actors.runtime.failures import AskFailed
from beaker.messages.running import RunReply
from beaker.messages.turn import TurnFailure
from tests.kit.kernel_stage import KernelStage


async def refusal(asking: "asyncio.Task[RunReply]") -> str:
    """Why a request of the agent's was refused."""
    with pytest.raises(AskFailed) as caught:
        await asking
    assert isinstance(caught.value.failure, TurnFailure)
    return caught.value.failure.reason


def displays(stage: KernelStage, msg_id: str) -> list[str]:
    """The displays of a cell as markdown, each as it was last drawn."""
    last: dict[str, str] = {}
    for at, sent in enumerate(stage.front.about(msg_id)):
        if sent.kind.endswith("display_data"):
            last[sent.content["transient"].get("display_id", f"unnamed-{at}")] = sent.content["data"]["text/markdown"]
    return list(last.values())


def printed(stage: KernelStage, msg_id: str, name: str = "stdout") -> str:
    """What a cell has printed."""
    about = stage.front.about(msg_id)
    return "".join(s.content["text"] for s in about if s.kind == "stream" and s.content["name"] == name)


async def command(stage: KernelStage, code: str) -> str:
    """What a `%beaker` command shows, as plain text; it takes no number."""
    msg_id = stage.run(code, store_history=False)
    return str((await stage.front.output(msg_id, "display_data")).content["data"]["text/plain"])
