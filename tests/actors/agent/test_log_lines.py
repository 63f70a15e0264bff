"""What the agent's log says of a question: each call, tool and wait with its time, and none of the words."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.runtime import logging
from actors.runtime.kit import run_to_idle
from actors.runtime.trace import current_trace
from beaker.agent.model_failure import ModelFailure
from beaker.messages.turn import Waiting
from tests.actors.agent.stage import KEY, answer, on, question, staged
from tests.scripted.replies import Call, Speak, failure, list_variables

WORDS = "cormorant"


@pytest.fixture
def lines() -> Any:
    with capture_logs(processors=[logging.add_trace]) as captured:
        yield captured


async def test_a_turn_with_a_tool_tells_each_step_with_its_time(lines: list[Any]) -> None:
    async with on([list_variables(), Speak(text=WORDS)]) as (stage, _):
        current_trace.set("msg-7")
        stage.agent.tell(question(prompt=WORDS))
        await stage.ended()
        await run_to_idle(stage.node)
    told = [line for line in lines if line.get("trace") == "msg-7" and line["log_level"] != "debug"]
    assert [line["event"] for line in told] == [
        "question.taken",
        "turn.began",
        *("model.called", "model.first_byte", "model.answered"),
        *("tool.called", "tool.answered"),
        *("model.called", "model.first_byte", "model.answered"),
        "turn.over",
    ]
    assert all(line["duration_s"] >= 0 for line in told if line["event"] in {"model.answered", "tool.answered", "turn.over"})
    assert [line["step"] for line in told if line["event"] == "model.called"] == [1, 2]
    assert (told[-1]["status"], told[-1]["steps"]) == ("ok", 2)


async def test_the_wait_for_a_model_that_is_still_loading_is_a_line_of_the_question(lines: list[Any]) -> None:
    loaded = asyncio.Event()

    async def load() -> ModelFailure:
        await loaded.wait()
        return ModelFailure(kind="key", reason="There is none.")

    async with staged(load) as stage:
        current_trace.set("msg-8")
        stage.agent.tell(question())
        await stage.kernel.expect(Waiting)
        loaded.set()
        await stage.ended()
    [awaited] = [line for line in lines if line["event"] == "model.awaited"]
    assert (awaited["trace"], awaited["turn"]) == ("msg-8", 1)
    assert awaited["duration_s"] >= 0


async def test_a_retry_tells_why_and_how_long_it_waits(lines: list[Any]) -> None:
    await answer([failure(429, f"slow down {KEY}", headers={"Retry-After-Ms": "20"}), Speak(text="now")])
    told = [line for line in lines if line["event"] in {"model.called", "model.failed", "turn.waits"}]
    assert [(line["event"], line.get("attempt"), line.get("kind"), line.get("seconds")) for line in told] == [
        ("model.called", 1, None, None),
        ("model.failed", None, "rate", None),
        ("turn.waits", None, None, 0.02),
        ("model.called", 2, None, None),
    ]


async def test_neither_question_answer_arguments_nor_key_stand_in_a_line(lines: list[Any]) -> None:
    proposing = Speak(text=WORDS, calls=[Call(name="propose_cell", arguments=json.dumps({"code": f"print('{WORDS}')"}))])
    async with on([proposing, Speak(text=WORDS)]) as (stage, _):
        stage.agent.tell(question(prompt=WORDS))
        await stage.ended()
    whole = json.dumps(lines, default=str)
    assert "model.answered" in whole
    assert WORDS not in whole
    assert KEY not in whole
