"""The conversation in upstream's form and in ours."""

import json

import msgspec

from beaker.kernel.conversation import Talk
from beaker.kernel.custom.history import chat_history, history_reply
from beaker.kernel.turn_display import Proposal
from beaker.messages.base import TurnId

TALKS = [
    Talk(number=TurnId(1), question="what is df?", answer="A frame.", model="m"),
    Talk(
        number=TurnId(2), question="plot it", answer="`df.plot()`", model="m", status="stopped", proposals=(Proposal(1, "df.plot()", "r"),)
    ),
]


def test_a_chat_history_has_a_record_per_message_and_no_invented_counts() -> None:
    told = json.loads(msgspec.json.encode(chat_history(TALKS, "m")))
    assert [(r["uuid"], r["message"]["type"], r["react_loop_id"]) for r in told["records"]] == [
        ("turn-1-human", "human", 1),
        ("turn-1-ai", "ai", 1),
        ("turn-2-human", "human", 2),
        ("turn-2-ai", "ai", 2),
    ]
    assert {r["token_count"] for r in told["records"]} == {None}
    assert told["model"] == {"provider": "openai", "model_name": "m", "context_window": None}


def test_a_history_holds_every_turn_with_its_outcome_and_cells() -> None:
    told = json.loads(msgspec.json.encode(history_reply(TALKS)))
    assert [(t["turn"], t["status"], t["cells"]) for t in told["turns"]] == [
        (1, "ok", []),
        (2, "stopped", [{"number": 1, "language": "r", "code": "df.plot()"}]),
    ]
    assert told["return"][0] == {"type": "human", "content": "what is df?"}
    assert (told["status"], len(told["return"])) == ("ok", 4)


def test_before_the_first_question_all_is_empty() -> None:
    assert chat_history([], "").records == []
    assert history_reply([]).turns == []
