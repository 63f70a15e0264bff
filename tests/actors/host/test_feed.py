"""The clients' side of a kernel of a host: what is handed on, what waits, what is dropped."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from actors.host.feed import Feed
from actors.host.told_file import ToldFile
from actors.kernel.sockets.backlog import LIMIT_BYTES
from actors.runtime.log import Log
from actors.runtime.trace import current_trace
from beaker.gateway.stream import Close, Fetch, FromHost, Hold, Open, Opened, Reached, Release, Said, Told
from beaker.gateway.told_log import MESSAGE_BYTES
from beaker.settings.gateway import GatewaySettings
from beaker.wire.compose import Composer, status
from beaker.wire.parts import CONTENT, PARENT, Header, Parts
from beaker.wire.websocket import WebsocketChannel

COMPOSER = Composer("s", "u")
LOG = Log(role="test")


class Taking:
    """A KernelActor, as far as a front knows it."""

    def __init__(self, feed: Feed) -> None:
        self.taken: list[tuple[str, str, str]] = []
        """Channel, client and msg_id."""
        self.traces: list[str] = []
        self._feed = feed
        self.full_after = 1_000_000
        """It pauses the channel after so many more requests."""

    def shell_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self._take("shell", idents, header)
        self.full_after -= 1
        if self.full_after <= 0:
            self._feed.pause_shell()

    def control_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self._take("control", idents, header)

    def stdin_reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self._take("stdin", idents, header)

    def subscribed(self, topic: bytes) -> None:
        raise AssertionError("websockets have no topics")

    def missed(self, count: int, parent: bytes) -> Parts:
        return COMPOSER.message("stream", {"name": "stderr", "text": f"{count} dropped"}, parent=parent)

    def reply_lost(self, msg_type: str, parent: bytes, reason: str) -> None:
        raise AssertionError("replies are not lost")

    def reply_waits(self, channel: str, idents: list[bytes], parent: bytes) -> None:
        raise AssertionError("what was told outlives the host otherwise")

    def reply_left(self, channel: str, parent: bytes) -> None:
        raise AssertionError("what was told outlives the host otherwise")

    def answer_lost(self, reply: Parts) -> Parts:
        return COMPOSER.message("execute_reply", {"status": "error"}, parent=reply[PARENT])

    def _take(self, channel: str, idents: list[bytes], header: Header) -> None:
        self.taken.append((channel, idents[0].decode(), header.msg_id))
        self.traces.append(current_trace.get())


class Way:
    """To a worker that keeps what it is told."""

    full = False
    pid = 1

    def __init__(self) -> None:
        self.sent: list[tuple[FromHost, Parts]] = []
        self.waits: list[bool] = []

    def send(self, head: FromHost, parts: Parts, *, may_wait: bool = False) -> None:
        self.sent.append((head, parts))
        self.waits.append(may_wait)

    def taken(self, slot: int) -> int:
        return 0

    left = taken

    def heads(self, kind: type) -> list[Any]:
        return [head for head, _ in self.sent if isinstance(head, kind)]


class Stage:
    """A feed with a KernelActor behind it and two clients before it."""

    def __init__(self) -> None:
        self.feed = Feed(GatewaySettings(), Log(role="test"), first=1000, max_message_bytes=100 * 1024 * 1024, takes_over=False)
        self.kernel = Taking(self.feed)
        self.feed.attach(self.kernel)
        self.way = Way()
        for slot, session in enumerate("ab"):
            self.feed.take(self.way, Open(kernel_id="k", session=session, slot=slot), [])
            self.feed.take(self.way, Fetch(session=session, after=-1), [])

    def say(self, msg_id: str, session: str = "a", channel: WebsocketChannel = "shell", size: int = 0) -> None:
        header = json.dumps({"msg_id": msg_id, "msg_type": "t", "session": "x"}).encode()
        self.send([header, b"{}", b"{}", b"x" * size], session, channel)

    def send(self, parts: Parts, session: str = "a", channel: WebsocketChannel = "shell") -> None:
        self.feed.take(self.way, Said(session=session, channel=channel), [memoryview(part) for part in parts])


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_each_channel_goes_to_its_handler_under_the_clients_name_and_the_requests_trace(stage: Stage) -> None:
    stage.say("1")
    stage.say("2", "b", "control")
    stage.say("3" * 200, "a", "stdin")
    assert [(channel, client) for channel, client, _ in stage.kernel.taken] == [("shell", "a"), ("control", "b"), ("stdin", "a")]
    assert stage.kernel.traces == ["1", "2", "3" * 100]


def test_shell_waits_in_order_while_it_is_paused_and_nothing_else_does(stage: Stage) -> None:
    stage.feed.pause_shell()
    for msg_id, session in (("1", "a"), ("2", "b"), ("3", "a")):
        stage.say(msg_id, session)
    stage.say("c", "a", "control")
    assert [msg_id for *_, msg_id in stage.kernel.taken] == ["c"]
    stage.kernel.full_after = 2
    stage.feed.resume_shell()
    stage.say("4")
    assert [msg_id for *_, msg_id in stage.kernel.taken] == ["c", "1", "2"]
    stage.kernel.full_after = 100
    stage.feed.resume_shell()
    assert [msg_id for *_, msg_id in stage.kernel.taken] == ["c", "1", "2", "3", "4"]
    assert stage.kernel.traces[-1] == "4"


def test_clients_that_send_beyond_what_may_wait_are_held_until_it_is_taken(stage: Stage) -> None:
    stage.feed.pause_shell()
    stage.say("1", "a", size=LIMIT_BYTES - 1000)
    assert stage.way.heads(Hold) == []
    stage.say("2", "a", size=2000)
    stage.say("3", "a")
    assert stage.way.heads(Hold) == [Hold(session="a")]
    stage.say("4", "b")
    assert [head.session for head in stage.way.heads(Hold)] == ["a", "b"]
    stage.feed.take(stage.way, Close(session="b"), [])
    stage.feed.resume_shell()
    assert stage.way.heads(Release) == [Release(session="a")]
    assert len(stage.kernel.taken) == 4


def test_what_a_client_said_at_a_websocket_that_another_has_superseded_is_taken_and_held_back_like_any(stage: Stage) -> None:
    elsewhere = Way()
    stage.feed.take(elsewhere, Open(kernel_id="k", session="a", slot=7), [])
    stage.say("1", "a")
    assert [msg_id for *_, msg_id in stage.kernel.taken] == ["1"]
    stage.feed.pause_shell()
    stage.say("2", "a", size=LIMIT_BYTES)
    before, stage.way = stage.way, elsewhere
    stage.say("3", "a")
    assert (len(before.heads(Hold)), len(elsewhere.heads(Hold))) == (1, 1)
    stage.feed.resume_shell()
    assert (len(before.heads(Release)), len(elsewhere.heads(Release))) == (1, 1)
    assert [msg_id for *_, msg_id in stage.kernel.taken] == ["1", "2", "3"]


def test_what_comes_while_a_kernel_actor_is_replaced_waits_for_the_next(stage: Stage) -> None:
    stage.feed.close()
    stage.say("1")
    stage.say("2", "a", "control")
    following = Taking(stage.feed)
    stage.feed.attach(following)
    stage.feed.hand_on()
    assert [(channel, msg_id) for channel, _, msg_id in following.taken] == [("shell", "1"), ("control", "2")]
    assert stage.kernel.taken == []


@pytest.mark.parametrize(
    ("parts", "channel"),
    [
        ([], "shell"),
        ([b"{}"], "shell"),
        ([b'{"msg_id": "1", "msg_type": "t"}', b"{}", b"{}"], "shell"),
        ([b"\xff", b"{}", b"{}", b"{}"], "shell"),
        ([b"[]", b"{}", b"{}", b"{}"], "shell"),
        ([b"[" * 100_000, b"{}", b"{}", b"{}"], "shell"),
        ([b'{"msg_id": 1, "msg_type": "t"}', b"{}", b"{}", b"{}"], "shell"),
        ([b'{"msg_id": "", "msg_type": "t"}', b"{}", b"{}", b"{}"], "control"),
        ([b'{"msg_id": "1"}', b"{}", b"{}", b"{}"], "stdin"),
        ([b'{"msg_id": "1", "msg_type": "t"}', b"{}", b"{}", b"{}"], "iopub"),
        ([b'{"msg_id": "1", "msg_type": "t"}', b"{}", b"{}", bytes(101 * 1024 * 1024)], "shell"),
    ],
)
def test_what_cannot_be_a_message_is_dropped(stage: Stage, parts: Parts, channel: WebsocketChannel) -> None:
    stage.send(parts, "a", channel)
    stage.send(parts, "nobody", channel)
    assert stage.kernel.taken == []


def test_replies_go_to_their_client_and_outputs_to_all(stage: Stage) -> None:
    stage.feed.send_shell([b"a"], COMPOSER.message("execute_reply", {}))
    stage.feed.send_stdin([b"b"], COMPOSER.message("input_request", {}))
    stage.feed.publish([b"topic"], COMPOSER.message("stream", {}))
    told = [(head.session, head.channel) for head in stage.way.heads(Told)]
    assert told == [("a", "shell"), ("b", "stdin"), ("", "iopub")]
    assert (len(stage.way.heads(Opened)), len(stage.way.heads(Reached))) == (2, 2)


def test_only_what_begins_a_cell_may_wait_for_what_comes_behind_it(stage: Stage) -> None:
    begun = len(stage.way.waits)
    busy, idle = (f'{{"execution_state": "{state}"}}'.encode() for state in ("busy", "idle"))
    for kind, content in (("status", busy), ("execute_input", b"{}"), ("stream", b"{}"), ("status", idle)):
        stage.feed.publish([], [f'{{"msg_type": "{kind}"}}'.encode(), b"{}", b"{}", content])
    assert stage.way.waits[begun:] == [True, True, False, False]


def test_a_successor_knows_what_was_answered_and_told_to_be_over_and_has_a_stand_in_for_what_is_too_large(tmp_path: Path) -> None:
    def made(begin: int) -> Feed:
        told = ToldFile(str(tmp_path), str(tmp_path), LOG)
        feed = Feed(GatewaySettings(), LOG, first=begin, max_message_bytes=1000, takes_over=False, told=told)
        feed.attach(Taking(feed))
        return feed

    first, second = b'{"msg_id": "1"}', b'{"msg_id": "2"}'
    begun, feed = time.monotonic(), made(1000)
    feed.send_shell([b"a"], COMPOSER.message("history_reply", {"history": "x" * MESSAGE_BYTES}, parent=first))
    feed.publish([], COMPOSER.message("status", status("busy"), parent=first))
    feed.publish([], COMPOSER.message("status", status("idle"), parent=second))
    following, way = made(5000), Way()
    assert [following.has_reply("shell", [b"a"], request, begun) for request in (first, second)] == [True, False]
    assert not following.has_reply("control", [b"a"], first, begun)
    assert not following.has_reply("shell", [b"b"], first, begun)
    assert [following.has_idle(request, begun) for request in (first, second)] == [False, True]
    assert not following.has_reply("shell", [b"a"], first, time.monotonic()), "that would be another one with its id"
    assert not following.has_idle(second, time.monotonic())
    assert following.unended() == [("shell", [b"a"], first)]
    following.take(way, Open(kernel_id="k", session="a", slot=0), [])
    following.take(way, Fetch(session="a", after=-1), [])
    (stand_in,) = [parts for head, parts in way.sent if isinstance(head, Told) and head.channel == "shell"]
    assert (json.loads(stand_in[CONTENT]), stand_in[PARENT]) == ({"status": "error"}, first)


def test_a_message_that_no_link_would_take_is_told_as_missed(stage: Stage) -> None:
    parts = COMPOSER.message("display_data", {}, parent=b'{"msg_id": "p"}')
    stage.feed.publish([], [*parts, *([b""] * 20_000)])
    (told,) = [parts for head, parts in stage.way.sent if isinstance(head, Told)]
    assert (json.loads(told[CONTENT])["text"], told[1]) == ("1 dropped", b'{"msg_id": "p"}')


@pytest.mark.parametrize(
    ("kind", "content", "state"),
    [
        ("status", status("busy"), "busy"),
        ("status", status("restarting"), "restarting"),
        ("status", status("of a kind that nobody knows"), "starting"),
        ("stream", {"text": '{"execution_state": "busy"}'}, "starting"),
        ("execute_result", {"execution_state": "dead"}, "starting"),
        ("status", {"execution_state": "busy", "more": "x" * 300}, "starting"),
    ],
)
def test_the_state_of_a_kernel_is_what_its_clients_were_told_last(stage: Stage, kind: str, content: object, state: str) -> None:
    before = stage.feed.standing.last_activity
    stage.feed.publish([], COMPOSER.message(kind, content))
    assert stage.feed.standing.state == state
    assert stage.feed.standing.last_activity >= before
