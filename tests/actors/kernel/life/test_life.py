"""Deaths, restarts and giving up: one reply, one busy first and one idle last for every request, whatever had happened before."""

import time
from collections.abc import Callable

import pytest

from actors.kernel.life.life import IDLE_LIMIT_S, read_last_words
from actors.runtime.standstill import PARTS
from beaker.messages.subkernel import Attached, Died, GaveUp, Ready, Started, Starting
from beaker.wire.compose import status
from tests.kit.kernel_stage import KernelStage
from tests.kit.passing_time import pass_s
from tests.kit.scripted_subkernel import Received, ScriptedSubkernel

REASON = "killed by signal 9"


def death(generation: int = 1, *, restarting: bool = True) -> Died:
    return Died(generation=generation, reason=REASON, at=1_700_000_000.0, stderr_tail="last line of stderr", restarting=restarting)


def once(kinds: list[str]) -> list[str]:
    """The kinds without duplicates, which must not be there."""
    assert len(set(kinds)) == len(kinds), kinds
    return kinds


Happened = Callable[[ScriptedSubkernel, Received], object]


def nothing(subkernel: ScriptedSubkernel, request: Received) -> None:
    """It was sent, that is all."""


def began(subkernel: ScriptedSubkernel, request: Received) -> None:
    subkernel.begin(request, 1)


def replied(subkernel: ScriptedSubkernel, request: Received) -> None:
    subkernel.begin(request, 1)
    subkernel.reply(request, {"status": "ok", "execution_count": 1})


def idled(subkernel: ScriptedSubkernel, request: Received) -> None:
    subkernel.begin(request, 1)
    subkernel.idle(request)


def replied_unheard(subkernel: ScriptedSubkernel, request: Received) -> None:
    subkernel.reply(request, {"status": "ok", "execution_count": 1})


def ended(subkernel: ScriptedSubkernel, request: Received) -> None:
    subkernel.run(request, 1)


@pytest.mark.parametrize(
    ("happened", "kinds", "said"),
    [
        (nothing, ["busy", "error", "execute_reply", "idle"], "error"),
        (began, ["busy", "execute_input", "error", "execute_reply", "idle"], "error"),
        (replied, ["busy", "execute_input", "execute_reply", "idle"], "ok"),
        (idled, ["busy", "execute_input", "idle", "execute_reply"], "error"),
        (replied_unheard, ["execute_reply", "busy", "idle"], "ok"),
        (ended, ["busy", "execute_input", "execute_reply", "idle"], "ok"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_cell_has_one_reply_and_one_busy_and_idle_wherever_death_came(
    stage: KernelStage, subkernel: ScriptedSubkernel, happened: Happened, kinds: list[str], said: str
) -> None:
    msg_id = stage.run("x")
    happened(subkernel, await subkernel.expect())
    # What lies unread when death comes is another test.
    await _all_heard(stage, subkernel)
    subkernel.die()
    stage.tell(death())
    await stage.front.wait(lambda: "restarting" in stage.front.unparented(), "the status")
    found = once(stage.front.kinds(msg_id))
    assert sorted(found) == sorted(kinds)
    published = [sent.kind for sent in stage.front.about(msg_id) if sent.channel == "iopub"]
    assert published == [kind for kind in kinds if not kind.endswith("_reply")]
    assert (await stage.front.reply(msg_id)).content["status"] == said


async def _all_heard(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    """Until everything that the subkernel said so far has arrived."""
    marker = stage.request("comm_msg", {})
    request = await subkernel.expect("comm_msg")
    subkernel.busy(request)
    subkernel.idle(request)
    await stage.front.output(marker, "idle")
    asked = stage.request("is_complete_request", {"code": "x"})
    subkernel.reply(await subkernel.expect("is_complete_request"))
    await stage.front.reply(asked)


async def test_the_running_cell_learns_why_and_those_behind_it_are_aborted(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running, *queued = [stage.run(code) for code in "abc"]
    info = stage.request("complete_request", {"code": "x", "cursor_pos": 1})
    subkernel.begin(await subkernel.expect(), 7)
    await stage.front.output(running, "execute_input")
    stage.tell(death())
    told = (await stage.front.reply(running)).content
    assert (told["status"], told["ename"], told["execution_count"]) == ("error", "KernelDied", 7)
    assert REASON in told["evalue"]
    assert "last line of stderr" in told["evalue"]
    assert "variables are lost, a new one is starting" in told["evalue"]
    for msg_id in (*queued, info):
        assert await stage.front.over(msg_id) == ["busy", (await stage.front.reply(msg_id)).kind, "idle"]
        assert (await stage.front.reply(msg_id)).content == {"status": "aborted"}


async def test_a_silent_cell_that_dies_shows_no_error(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("x", silent=True)
    subkernel.busy(await subkernel.expect())
    await stage.front.output(msg_id, "busy")
    stage.tell(death())
    assert await stage.front.over(msg_id) == ["busy", "execute_reply", "idle"]


async def test_last_words_that_lie_in_the_sockets_come_before_the_error(
    stage: KernelStage, subkernel: ScriptedSubkernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.kernel.life.life.QUIET_S", 0.2)  # for as long may libzmq's threads have no turn
    msg_id = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    for number in range(500):
        subkernel.publish("stream", {"name": "stdout", "text": str(number)}, request)
    subkernel.die()
    stage.tell(death())
    await stage.front.over(msg_id)
    kinds = [sent.kind for sent in stage.front.about(msg_id) if sent.channel == "iopub"]
    assert kinds == ["busy", "execute_input", *["stream"] * 500, "error", "idle"]


async def test_last_words_are_waited_for_by_looks_and_not_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a machine has stood still: nothing had arrived when it was looked first, and by the clock the time is over."""
    arrive = [0, 3, 0, 1, 0, 0]
    looks: list[int] = []
    before = time.monotonic

    def drain() -> int:
        looks.append(arrive[len(looks)])
        monkeypatch.setattr(time, "monotonic", lambda: before() + len(looks))
        return looks[-1]

    await read_last_words(drain)
    assert looks == arrive


async def test_after_a_death_requests_wait_for_the_next_life_and_the_first_cell_says_what_was_lost(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    stage.tell(death())
    await stage.settle()
    waiting = [stage.run("1"), stage.run("2")]
    second = await stage.start_subkernel()
    assert stage.front.unparented()[-2:] == ["restarting", "idle"]
    for number, msg_id in enumerate(waiting, start=1):
        request = await second.expect()
        assert request.msg_id == msg_id
        second.run(request, number)
        await stage.front.over(msg_id)
    first, later = (stage.front.about(msg_id) for msg_id in waiting)
    assert [sent.kind for sent in first if sent.channel == "iopub"] == ["busy", "execute_input", "stream", "idle"]
    (notice,) = [sent.content for sent in first if sent.kind == "stream"]
    assert notice["name"] == "stderr"
    assert f"({REASON}) and was started anew: variables lost\n" in notice["text"]
    assert "stream" not in [sent.kind for sent in later]


async def test_a_new_life_whose_reply_is_faster_than_its_start_is_idle_behind_that(
    stage: KernelStage, subkernel: ScriptedSubkernel
) -> None:
    """What it publishes and what it replies come by two sockets."""
    stage.tell(death())
    second, asked = await has_replied(stage)
    second.publish("status", status("starting"))
    second.idle(asked)
    msg_id = stage.run("1")
    second.run(await second.expect(), 1)
    await stage.front.over(msg_id)
    assert stage.front.unparented()[-3:] == ["restarting", "starting", "idle"]


async def test_a_life_that_is_never_idle_after_it_was_asked_what_it_is_takes_cells_all_the_same(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    second, _ = await has_replied(stage)
    for _ in range(PARTS):
        await pass_s(IDLE_LIMIT_S / PARTS)
    msg_id = stage.run("1")
    second.run(await second.expect_code(), 1)
    await stage.front.over(msg_id)


async def has_replied(stage: KernelStage) -> tuple[ScriptedSubkernel, Received]:
    """A life that has said what it is, and not yet that it is idle; with the request."""
    made = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=made.generation), Started(subkernel=made.as_announced()))
    asked = await made.expect("kernel_info_request")
    made.busy(asked)
    made.reply(asked, made.info)
    await stage.settle()
    return made, asked


async def test_what_a_former_life_still_says_reaches_nobody(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    msg_id = stage.run("x")
    request = await subkernel.expect()
    subkernel.begin(request, 1)
    await stage.front.output(msg_id, "execute_input")
    stage.tell(death())
    await stage.front.over(msg_id)
    second = await stage.start_subkernel()
    before = stage.front.kinds(msg_id)
    subkernel.end(request, 1)
    after = stage.run("y")
    second.run(await second.expect(), 1)
    await stage.front.over(after)
    assert stage.front.kinds(msg_id) == before


async def test_events_of_a_former_life_change_nothing(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.tell(death())
    second = await stage.start_subkernel()
    known = len(stage.front.sent)
    stage.tell(death(1), Starting(generation=1), Started(subkernel=subkernel.as_announced()), GaveUp(generation=1, reason="late"))
    await stage.settle()
    msg_id = stage.run("1")
    second.run(await second.expect(), 1)
    await stage.front.over(msg_id)
    assert {sent.parent_id for sent in stage.front.sent[known:]} == {msg_id}


async def test_the_same_life_announced_twice_is_greeted_once(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.tell(Started(subkernel=subkernel.as_announced()))
    await stage.settle()
    assert stage.supervisor.unread() == []


async def test_a_restart_ends_what_ran_with_its_own_words(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running, queued = stage.run("1"), stage.run("2")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    second = await stage.start_subkernel()
    assert (await stage.front.reply(running)).content["ename"] == "KernelRestarted"
    assert (await stage.front.reply(queued)).content == {"status": "aborted"}
    assert stage.front.unparented()[-2:] == ["restarting", "idle"]
    after = stage.run("3")
    second.run(await second.expect(), 1)
    assert "stream" not in await stage.front.over(after), "the user knows"


async def test_a_start_that_is_overtaken_by_the_next_is_forgotten(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    mute = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=1), Started(subkernel=mute.as_announced()))
    await mute.expect("kernel_info_request")
    stage.tell(death(1))
    second = await stage.start_subkernel()
    for request in [each for each in mute.received if each.kind == "kernel_info_request"]:
        mute.reply(request, mute.info)
    msg_id = stage.run("1")
    second.run(await second.expect(), 1)
    await stage.front.over(msg_id)
    assert [ready for ready in stage.supervisor.seen if isinstance(ready, Ready)] == [Ready(generation=1 + 1)]


async def test_a_greeting_that_was_not_begun_is_given_up_for_the_next_life(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.tell(death(1))
    mute = stage.make_subkernel(answers=False)
    third = stage.make_subkernel()
    # All in one turn: the second life is over before its greeting can begin behind the burial of the first.
    stage.tell(
        Starting(generation=2), Started(subkernel=mute.as_announced()), Starting(generation=3), Started(subkernel=third.as_announced())
    )
    await stage.greeted(3)
    assert mute.received == []


async def test_after_giving_up_everything_is_answered_with_the_reason(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    running = stage.run("1")
    subkernel.begin(await subkernel.expect(), 1)
    await stage.front.output(running, "execute_input")
    stage.tell(death(restarting=False))
    await stage.settle()
    held, held_control = stage.run("2"), stage.request("debug_request", {}, channel="control")
    stage.tell(GaveUp(generation=1, reason="it died six times"))
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    assert "it is not restarted again" in (await stage.front.reply(running)).content["evalue"]
    late, late_control = stage.run("3"), stage.request("usage_request", {}, channel="control")
    asked = stage.request("complete_request", {"code": "x", "cursor_pos": 1})
    for msg_id in (held, late):
        told = (await stage.front.reply(msg_id)).content
        assert (told["status"], told["ename"], told["evalue"]) == ("error", "NoSubkernel", "it died six times")
        assert await stage.front.over(msg_id) == ["busy", "error", "execute_reply", "idle"]
    assert await stage.front.over(asked) == ["busy", "complete_reply", "idle"]
    for msg_id in (held_control, late_control):
        assert (await stage.front.reply(msg_id)).content == {"status": "aborted"}
        assert [kind for kind in await stage.front.over(msg_id) if not kind.endswith("_reply")] == ["busy", "idle"]
    for channel in ("shell", "control"):
        info = await stage.front.reply(stage.request("kernel_info_request", {}, channel=channel))
        assert info.content["banner"].startswith("it died six times\n")


async def test_comm_messages_after_giving_up_get_no_reply_but_their_idle(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach(Attached(subkernel=None, generation=1, state="dead", reason="no such kernelspec"))
    msg_id = stage.request("comm_msg", {"comm_id": "c", "data": {}})
    await stage.front.output(msg_id, "idle")
    assert stage.front.kinds(msg_id) == ["busy", "idle"]


async def test_a_restart_by_hand_leads_out_of_giving_up(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.tell(GaveUp(generation=1, reason="enough"))
    await stage.front.wait(lambda: "dead" in stage.front.unparented(), "the status")
    stage.tell(Starting(generation=2))
    await stage.settle()
    assert stage.front.unparented()[-1] == "restarting"
    held = stage.run("1")
    second = await stage.start_subkernel()
    second.run(await second.expect(), 1)
    assert (await stage.front.reply(held)).content["status"] == "ok"


async def test_a_restart_right_behind_giving_up_wins(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    stage.tell(death(restarting=False), GaveUp(generation=1, reason="enough"), Starting(generation=2))
    await stage.settle()
    held = stage.run("1")
    second = await stage.start_subkernel()
    second.run(await second.expect(), 1)
    assert (await stage.front.reply(held)).content["status"] == "ok"
    assert "dead" not in stage.front.unparented()


async def test_our_messages_carry_the_session_id_of_the_subkernel_of_the_day(stage: KernelStage, subkernel: ScriptedSubkernel) -> None:
    for life in (subkernel, None):
        life = life or await stage.start_subkernel()
        stage.front.sent.clear()
        msg_id = stage.run("%beaker help", store_history=False)
        await stage.front.over(msg_id)
        assert {sent.header["session"] for sent in stage.front.sent} == {life.session_id}


async def test_with_a_subkernel_that_echoes_session_ids_ours_is_one_of_its_own(stage: KernelStage) -> None:
    subkernel = await stage.ready(echoes=True)
    ours = stage.run("%beaker help", store_history=False)
    await stage.front.over(ours)
    (session_id,) = {sent.header["session"] for sent in stage.front.about(ours)}
    assert session_id not in {"session-of-client", subkernel.session_id, f"beaker-{stage.actor.context.name}"}
    theirs = stage.run("1")
    subkernel.run(await subkernel.expect(), 1)
    await stage.front.over(theirs)
    assert {sent.header["session"] for sent in stage.front.about(theirs)} == {"session-of-client"}
    again = stage.run("%beaker help", store_history=False)
    await stage.front.over(again)
    assert {sent.header["session"] for sent in stage.front.about(again)} == {session_id}


async def test_what_a_subkernel_says_at_its_start_is_relayed_and_its_welcome_is_not(stage: KernelStage) -> None:
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=1), Started(subkernel=subkernel.as_announced()))
    request = await subkernel.expect("kernel_info_request")
    await subkernel.listened()
    subkernel.publish("iopub_welcome", {"subscription": ""})
    subkernel.publish("status", status("starting"))
    subkernel.busy(request)
    subkernel.reply(request, subkernel.info)
    subkernel.idle(request)
    await stage.greeted(1)
    assert stage.front.unparented() == ["starting"]


async def test_greeting_goes_on_until_iopub_is_heard(stage: KernelStage) -> None:
    """The reply alone proves nothing: the subscription may not stand yet, and outputs would be missed."""
    await stage.open()
    await stage.attach()
    subkernel = stage.make_subkernel(answers=False)
    stage.tell(Starting(generation=1), Started(subkernel=subkernel.as_announced()))
    for _ in range(3):
        subkernel.reply(await subkernel.expect("kernel_info_request"), subkernel.info)
    assert not [message for message in stage.supervisor.seen if isinstance(message, Ready)]
    last = await subkernel.expect("kernel_info_request")
    await subkernel.listened()
    subkernel.busy(last)
    subkernel.reply(last, subkernel.info)
    subkernel.idle(last)
    await stage.greeted(1)
