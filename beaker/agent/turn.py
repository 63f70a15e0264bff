"""The turn machine: what follows from what, in one question.

`begin` opens a turn and `step` moves it; both are pure. The AgentActor performs the actions: it holds the stream, the
clock and the refs. Of each list of actions at most the last one is to be waited for (`CallModel`, `UseTools`, `Pause`);
`Finish` is always the last of a turn, and whatever happens after it is ignored. Why not one loop in the actor: then each
limit, each retry and each way to fail could only be tested with a stream and a clock.
"""

import time
from collections.abc import Sequence

import msgspec

from beaker.agent.budget import Spent, overspent
from beaker.agent.conversation import Assistant, ChatMessage, System, ToolCall, ToolResult, User
from beaker.agent.cutting import cut
from beaker.agent.earlier import by_turns, shortened, without_calls
from beaker.agent.model_failure import ModelFailure
from beaker.agent.prompts import last_step_note, last_step_words, missing_note, no_tools_note, opening, system_prompt
from beaker.agent.tools.tool import BadCall
from beaker.agent.turn_state import (
    PLAIN,
    Action,
    CallEnded,
    CallFailed,
    CallModel,
    Finish,
    Input,
    Pause,
    PauseOver,
    Quirks,
    Refuse,
    Say,
    StopWanted,
    Surroundings,
    TimeUp,
    ToolsAnswered,
    ToolUse,
    TurnLimits,
    TurnState,
    UseTools,
)
from beaker.messages.turn import Proposed, Question

CUT = "*… the answer was cut here.*"
"""Stands below the text so far when a turn fails; what stopped by the user's will needs no mark."""

LEFT_OUT = (
    "*Earlier questions and cells were left out: with them all this is longer than the model takes. `%beaker reset` begins a new "
    "conversation.*\n\n"
)

LEFT_CHARS = 2_000
"""Of a result where little fits: a screen of text."""

Step = tuple[TurnState, Sequence[Action]]


def begin(question: Question, *, limits: TurnLimits, quirks: Quirks, surroundings: Surroundings = PLAIN) -> Step:
    """Open a turn: the state, and the first model call."""
    conversation = _opening(question, quirks, surroundings)
    state = TurnState(
        limits=limits,
        language=question.language,
        question=question,
        conversation=conversation,
        opened=len(conversation),
        quirks=quirks,
        surroundings=surroundings,
        spent_before=Spent(tokens=question.spent_tokens, cost_usd=question.spent_usd),
    )
    state, actions = _call(state)
    return state, (Say(text=missing_note(question.missing)), *actions) if question.missing else actions


def _opening(question: Question, quirks: Quirks, surroundings: Surroundings) -> tuple[ChatMessage, ...]:
    offered = [tool.name for tool in surroundings.toolbox.tools]
    return opening(question, tools=quirks.tools, persona=surroundings.persona, offered=offered)


def step(state: TurnState, happened: Input) -> Step:
    """Move a turn by one thing that happened.

    Returns:
        The new state, and what is to be done in this order.
    """
    if state.ended:
        return state, ()
    match happened:
        case CallEnded():
            return _ended(state, happened)
        case CallFailed():
            return _failed(state, happened)
        case ToolsAnswered():
            return _answered(state, happened)
        case PauseOver():
            return state, (_model_call(state),)
        case StopWanted():
            return _finish(state, Finish(status="stopped"))
        case TimeUp(limit_s=limit_s):
            reason = f"The turn took longer than {limit_s:g} s (agent.turn_time_limit_s). What it found so far stands above."
            return _finish(state, Finish(status="error", reason=reason, mark=CUT))


def _ended(state: TurnState, ended: CallEnded) -> Step:
    spent = state.spent if ended.usage is None else state.spent + ended.usage
    state = msgspec.structs.replace(state, said=state.said or bool(ended.text.strip()), spent=spent)
    match ended.finish_reason:
        case None:
            failure = ModelFailure(
                kind="broken", reason="The endpoint's answer stopped in the middle, without a finish reason. Ask again.", retryable=True
            )
            return _retry_or_fail(state, failure, text=ended.text, at=0.0)
        case "length":
            reason = "The model reached its limit of output, so the answer is not whole. Ask it to go on."
            return _finish(state, Finish(status="error", reason=reason, mark=CUT))
        case "content_filter":
            reason = "The endpoint's content filter cut the answer. Ask in other words."
            return _finish(state, Finish(status="error", reason=reason, mark=CUT))
        case _:
            pass  # it came to its end: what it said and called is whole
    if not ended.calls:
        return _last_word(state)
    if state.step >= state.limits.steps:
        reason = (
            f"The turn reached its limit of {state.limits.steps} steps (agent.step_limit). What it found so far stands above: "
            "ask again to go on from there."
        )
        return _finish(state, Finish(status="error", reason=reason))
    return _use_tools(state, ended)


def _use_tools(state: TurnState, ended: CallEnded) -> Step:
    good: list[ToolUse] = []
    bad: list[tuple[str, str]] = []
    names = {call.id: call.function.name for call in ended.calls}
    for call in ended.calls:
        decoded = state.surroundings.toolbox.decode(call.function.name, call.function.arguments)
        if isinstance(decoded, BadCall):
            bad.append((call.id, decoded.text))
        else:
            good.append(ToolUse(call_id=call.id, name=call.function.name, arguments=decoded))
    repairs = state.repairs + 1 if bad else 0
    if repairs > state.limits.repairs:
        reason = f"The model made a tool call that cannot be made {repairs} times in a row (agent.repair_limit). The last: {bad[-1][1]}"
        return _finish(state, Finish(status="error", reason=reason, mark=CUT if state.said else ""))
    state = msgspec.structs.replace(
        state,
        repairs=repairs,
        calls=ended.calls,
        mended=tuple(bad),
        conversation=(*state.conversation, Assistant(content=ended.text, tool_calls=[_mended(call) for call in ended.calls])),
    )
    refusals = tuple(Refuse(call_id=call_id, text=text, name=names[call_id]) for call_id, text in bad)
    if good:
        return state, (*refusals, UseTools(uses=tuple(good)))
    state, actions = _answered(state, ToolsAnswered(replies=()))
    return state, (*refusals, *actions)


def _answered(state: TurnState, answered: ToolsAnswered) -> Step:
    names = {call.id: call.function.name for call in state.calls}
    results = dict(state.mended) | {
        call_id: state.surroundings.toolbox.describe(names[call_id], reply) for call_id, reply in answered.replies
    }
    proposed = state.proposed + sum(isinstance(reply, Proposed) for _, reply in answered.replies)
    messages = tuple(ToolResult(tool_call_id=call.id, content=results.get(call.id, "It was not called.")) for call in state.calls)
    return _call(msgspec.structs.replace(state, proposed=proposed, conversation=state.conversation + messages, calls=(), mended=()))


def _last_word(state: TurnState) -> Step:
    if not state.said and not state.proposed:
        reason = "The model ended its answer without a word. Ask again, or choose another model by BEAKER_MODEL."
        return _finish(state, Finish(status="error", reason=reason))
    if _told_to_end(state):
        return msgspec.structs.replace(state, ended=True), (Say(text=last_step_words(state.limits.steps)), Finish(status="ok"))
    return _finish(state, Finish(status="ok"))


def _failed(state: TurnState, failed: CallFailed) -> Step:
    state = msgspec.structs.replace(state, said=state.said or bool(failed.text.strip()))
    kind, quirks = failed.failure.kind, state.quirks
    if kind == "effort" and quirks.tools and not quirks.reasoning_off:
        state = msgspec.structs.replace(state, quirks=msgspec.structs.replace(quirks, reasoning_off=True))
        return state, (_model_call(state),)
    if kind == "count" and quirks.counts_tokens:
        state = msgspec.structs.replace(state, quirks=msgspec.structs.replace(quirks, counts_tokens=False))
        return state, (_model_call(state),)
    if kind == "roles" and not quirks.plain_roles:
        state = msgspec.structs.replace(state, quirks=msgspec.structs.replace(quirks, plain_roles=True))
        return state, (_model_call(state),)
    if kind == "long" and (shorter := _shorter(state)) is not None:
        return shorter, (*((Say(text=LEFT_OUT),) if shorter.left_out == 2 else ()), _model_call(shorter))
    if kind == "tools" and quirks.tools:
        state = msgspec.structs.replace(
            state,
            quirks=msgspec.structs.replace(quirks, tools=False),
            conversation=(
                System(content=system_prompt(state.language, tools=False, persona=state.surroundings.persona)),
                *state.conversation[1:],
            ),
        )
        return state, (Say(text=no_tools_note(failed.failure.reason)), _model_call(state))
    return _retry_or_fail(state, failed.failure, text=failed.text, at=failed.at)


def _shorter(state: TurnState) -> TurnState | None:
    """With less in the conversation: first what is oldest, at last of what this turn's own tools told; None if that was all."""
    own = state.conversation[state.opened :]
    for left_out in range(state.left_out + 1, 3):
        if (question := shortened(state.question, left_out)) is not None:
            opened = _opening(question, state.quirks, state.surroundings)
            conversation = (*opened, *own)
            return msgspec.structs.replace(state, left_out=left_out, question=question, opened=len(opened), conversation=conversation)
    short = tuple(
        msgspec.structs.replace(each, content=cut(each.content, LEFT_CHARS)) if isinstance(each, ToolResult) else each for each in own
    )
    if short == own:
        return None
    return msgspec.structs.replace(state, left_out=3, conversation=(*state.conversation[: state.opened], *short))


def _retry_or_fail(state: TurnState, failure: ModelFailure, *, text: str, at: float) -> Step:
    wait_s = failure.retry_after_s if failure.retry_after_s is not None else state.limits.backoff_s * 2 ** (state.attempt - 1)
    mark = CUT if state.said else ""
    if not failure.retryable or text:  # what was said cannot be taken back, and a second attempt would say it twice
        return _finish(state, Finish(status="error", reason=failure.reason, mark=mark))
    if wait_s > state.limits.retry_after_s:
        until = time.strftime("%H:%M:%S", time.localtime(at + wait_s))
        reason = (
            f"{failure.reason} It asks to wait {wait_s:g} s, longer than {state.limits.retry_after_s:g} s "
            f"(agent.retry_after_limit_s): ask again after {until}."
        )
        return _finish(state, Finish(status="error", reason=reason, mark=mark))
    if state.attempt >= state.limits.calls:
        reason = f"{failure.reason} Tried {state.attempt} times."
        return _finish(state, Finish(status="error", reason=reason, mark=mark))
    state = msgspec.structs.replace(state, attempt=state.attempt + 1)
    words = f"waiting {wait_s:g} s ({state.attempt} of {state.limits.calls}): {failure.reason}"
    return state, (Pause(seconds=wait_s, words=words),)


def _call(state: TurnState) -> Step:
    """Begin the next step's model call, if there is budget for one."""
    if over := overspent(state.limits.budget, turn=state.spent, session=state.spent_before):
        found = " What it found so far stands above." if state.step else ""
        return _finish(state, Finish(status="error", reason=over + found))
    state = msgspec.structs.replace(state, step=state.step + 1, attempt=1)
    if _told_to_end(state):
        state = msgspec.structs.replace(state, conversation=_noted(state.conversation, last_step_note()))
    return state, (_model_call(state),)


def _noted(conversation: tuple[ChatMessage, ...], note: str) -> tuple[ChatMessage, ...]:
    """With a note to the model behind it: in the last result of a tool, since some endpoints (Mistral's) refuse a user behind one."""
    last = conversation[-1]
    if isinstance(last, ToolResult):
        return (*conversation[:-1], msgspec.structs.replace(last, content=f"{last.content}\n\n{note}"))
    return (*conversation, User(content=note))


def _told_to_end(state: TurnState) -> bool:
    """Whether this step is the last and the model knows it; of a single one it is not told, and its answer is a plain answer."""
    return state.step >= state.limits.steps and state.step > 1


def _model_call(state: TurnState) -> CallModel:
    toolbox, counts = state.surroundings.toolbox, state.quirks.counts_tokens
    if not state.quirks.tools:
        messages = without_calls(state.conversation)
        messages = by_turns(messages) if state.quirks.plain_roles else messages
        return CallModel(messages=messages, offer="no_tools", reasoning_off=False, counts_tokens=counts, toolbox=toolbox)
    last = state.step >= state.limits.steps
    return CallModel(
        messages=by_turns(state.conversation) if state.quirks.plain_roles else state.conversation,
        offer="tools_unused" if last else "tools",
        reasoning_off=state.quirks.reasoning_off,
        counts_tokens=counts,
        toolbox=toolbox,
    )


def _mended(call: ToolCall) -> ToolCall:
    """Make a call fit for being sent back: many servers refuse a conversation in which arguments are no JSON object."""
    try:
        msgspec.json.decode(call.function.arguments, type=dict)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        function = msgspec.structs.replace(call.function, arguments="{}")
        return msgspec.structs.replace(call, function=function)
    return call


def _finish(state: TurnState, finish: Finish) -> Step:
    return msgspec.structs.replace(state, ended=True), (finish,)
