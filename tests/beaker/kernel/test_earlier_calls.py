"""The tools of earlier answers: one result each, whole while it is new and small, else a line."""

import json

import msgspec

from beaker.kernel.conversation import RECENT, TOLD_CALLS_CHARS, Conversation, Talk
from beaker.kernel.earlier_calls import (
    CALLS,
    FORMER,
    KEPT_CHARS,
    LINE_CHARS,
    NO_RESULT,
    TEXT_CHARS,
    CallRecord,
    as_line,
    size_chars,
    within,
)
from beaker.messages.base import TurnId
from beaker.messages.turn import EarlierCall, ToolAnswered, ToolCalled

TURN = TurnId(1)


def called(call_id: str, tool: str = "show_variable", arguments: str = '{"name":"df"}') -> ToolCalled:
    return ToolCalled(turn=TURN, call_id=call_id, tool=tool, arguments=arguments)


def answered(call_id: str, text: str, *, result: str = "", handle: str = "") -> ToolAnswered:
    return ToolAnswered(turn=TURN, call_id=call_id, status="ok", summary=text, result=result, handle=handle)


def record(*events: ToolCalled | ToolAnswered) -> CallRecord:
    made = CallRecord()
    for event in events:
        made.called(event) if isinstance(event, ToolCalled) else made.answered(event)
    return made


def earlier(result: str, *, step: int = 1, arguments: str = "{}") -> EarlierCall:
    return EarlierCall(step=step, tool="show_variable", arguments=arguments, result=result)


def talk(number: int, *calls: EarlierCall) -> Talk:
    return Talk(number=TurnId(number), question="q", answer="a", calls=calls)


def test_calls_that_were_made_at_once_are_one_step_and_keep_their_results() -> None:
    calls = record(called("a"), called("b"), answered("a", "1"), answered("b", "2"), called("c"), answered("c", "3")).calls()
    assert [(each.step, each.result) for each in calls] == [(1, "1"), (1, "2"), (2, "3")]


def test_a_call_that_was_never_answered_has_a_result_that_says_so() -> None:
    made = record(called("a"), answered("a", "1"), called("b"), called("c", "run_code"))
    assert [each.result for each in made.calls()] == ["1", NO_RESULT, NO_RESULT]
    ran = made.calls(["A1 ran as cell [4] and ended ok"])
    assert ran[2].result == "[no result: the answer ended before it came; A1 ran as cell [4] and ended ok]"


def test_the_longer_result_is_kept_and_names_what_holds_the_whole() -> None:
    (call,) = record(called("a"), answered("a", "short", result="longer", handle="out-3")).calls()
    assert call.result == "longer\n[cut; read_output 'out-3' has the whole]"


def test_arguments_stay_the_json_of_an_object_however_long_or_broken_they_are() -> None:
    long = json.dumps({"code": "x" * 5_000, "names": ["y" * 3_000], "n": 1})
    broken, cut, plain = record(called("a", arguments='{"co'), called("b", arguments=long), called("c", arguments="")).calls()
    assert (broken.arguments, plain.arguments) == ("{}", "{}")
    values = json.loads(cut.arguments)
    assert values["n"] == 1
    assert values["code"] == "x" * TEXT_CHARS + " … [4000 characters left out]"
    assert len(values["names"]) < TEXT_CHARS + 50


def test_of_one_answer_there_is_an_end_to_what_is_kept() -> None:
    events = [event for n in range(CALLS + 20) for event in (called(str(n)), answered(str(n), f"{n} " + "r" * 1_990))]
    calls = record(*events).calls()
    assert size_chars(calls) <= KEPT_CHARS
    assert calls[-1].result == f"{CALLS - 1} " + "r" * 1_990
    assert calls[0].result.endswith("[left out; call it again]")


def test_a_line_is_short_and_a_short_result_is_its_own() -> None:
    assert as_line(earlier("3 rows")).result == "3 rows"
    assert len(as_line(earlier("x" * 9_000)).result) < LINE_CHARS + 40


def test_what_does_not_fit_is_a_line_and_then_nothing_from_the_earliest_on() -> None:
    calls = [earlier(f"{n}" * 500, step=n) for n in range(1, 5)]
    kept = within(calls, 1_000)
    assert [each.step for each in kept] == [2, 3, 4]
    assert [len(each.result) for each in kept][-1] == 500
    assert size_chars(kept) <= 1_000


def test_the_latest_questions_keep_results_whole_and_older_ones_a_line() -> None:
    conversation = Conversation()
    for number in range(1, RECENT + 3):
        conversation.add(talk(number, earlier("head\n" + "x" * 2_000)))
    told = conversation.exchanges()
    assert [exchange.turn for exchange in told] == list(range(1, RECENT + 3))
    assert [len(exchange.calls[0].result) for exchange in told] == [len("head … [left out; call it again]")] * 2 + [2_005] * RECENT
    assert len(conversation.talks[0].calls[0].result) < 100, "nor is more kept in memory"


def test_all_calls_together_stay_within_what_a_question_has_room_for() -> None:
    conversation = Conversation()
    for number in range(1, 8):
        conversation.add(talk(number, *[earlier("x" * 7_000, step=n) for n in range(1, 9)]))
    told = conversation.exchanges()
    assert sum(size_chars(exchange.calls) for exchange in told) <= TOLD_CALLS_CHARS
    assert len(told[-1].calls[-1].result) == 7_000


def test_what_was_told_of_a_session_that_is_over_says_so_and_other_results_stay_as_they_are() -> None:
    conversation = Conversation()
    depth = EarlierCall(step=2, tool="depth", arguments="{}", result="6 m")
    conversation.add(msgspec.structs.replace(talk(1, earlier("int: 1"), depth), generation=1))
    results = {now: [call.result for call in conversation.exchanges(now)[0].calls] for now in (1, 2)}
    assert results == {1: ["int: 1", "6 m"], 2: [f"{FORMER}\nint: 1", "6 m"]}
