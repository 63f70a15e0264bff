"""A message at which a client's connection breaks each time: left out for that client, which reads so, and goes on."""

import json

import pytest

from beaker.gateway.stream import Reached, Told
from beaker.gateway.stumbling import LARGE_BYTES, TIMES
from beaker.wire.parts import CONTENT, HEADER, PARENT, Parts
from beaker.wire.websocket import WebsocketChannel
from tests.beaker.gateway.test_telling import FIRST, Stage, Way

LARGE = LARGE_BYTES + 1


def output(size: int, session: str = "", msg_type: str = "display_data") -> Parts:
    return [json.dumps({"msg_id": f"m{size}", "msg_type": msg_type}).encode(), b'{"msg_id":"cell"}', b"{}", b"x" * size]


class Notebook:
    """A client whose connection breaks at a message of more than so many bytes."""

    def __init__(self, takes: int = LARGE - 1) -> None:
        self.stage, self.way, self.takes = Stage(), Way(), takes
        self.heard: list[Parts] = []
        self.breaks = 0
        self.stage.come(self.way, "a")

    def tell(self, parts: Parts, channel: WebsocketChannel = "iopub") -> None:
        self.stage.telling.tell("" if channel == "iopub" else "a", channel, parts, vital=channel != "iopub", now=0.0)

    def read(self) -> None:
        """Read all that there is, and come back after each break."""
        while True:
            sent, broke, behind = list(self.way.sent), False, None
            self.way.sent.clear()
            for head, parts in sent:
                if isinstance(head, Reached):
                    behind = None if head.live else head.number
                if not isinstance(head, Told):
                    continue
                if sum(map(len, parts)) > self.takes:
                    broke = True
                    break
                self.heard.append(parts)
                self.way.slots[0] = head.number
            if behind is not None and not broke:
                self.stage.telling.fetch(self.way, "a", behind)
                continue
            if not broke:
                return
            self.breaks += 1
            assert self.breaks < 100
            self.stage.telling.close(self.way, "a", now=0.0)
            self.stage.come(self.way, "a")


def test_what_lies_behind_it_arrives_and_it_is_named_where_it_would_be() -> None:
    notebook = Notebook()
    for size in (1, LARGE, 2):
        notebook.tell(output(size))
    notebook.read()
    assert notebook.breaks == TIMES
    assert [len(parts[CONTENT]) for parts in notebook.heard][::2] == [1, 2]
    words = notebook.heard[1]
    assert json.loads(words[HEADER])["msg_type"] == "stream"
    assert words[PARENT] == b'{"msg_id":"cell"}'
    assert "beaker: a message of 4.2 MB is left out here" in json.loads(words[CONTENT])["text"]


def test_one_that_is_as_large_is_left_out_at_its_first_break_from_then_on() -> None:
    notebook = Notebook()
    for _ in range(3):
        notebook.tell(output(LARGE))
    notebook.read()
    assert (notebook.breaks, len(notebook.heard)) == (TIMES + 2, 3)


def test_a_reply_is_an_error_in_its_place() -> None:
    notebook = Notebook()
    notebook.tell(output(LARGE, msg_type="complete_reply"), "shell")
    notebook.read()
    (reply,) = notebook.heard
    assert json.loads(reply[HEADER])["msg_type"] == "complete_reply"
    assert json.loads(reply[CONTENT])["status"] == "error"


@pytest.mark.parametrize("size", [LARGE, 100])
def test_a_connection_that_breaks_elsewhere_as_often_misses_nothing(size: int) -> None:
    """At a small message; or at large ones, but each time at another."""
    stage, way = Stage(), Way()
    stage.come(way, "a")
    for n in range(TIMES * 3):
        stage.telling.tell("", "iopub", output(size + n), vital=False, now=0.0)
        stage.telling.close(way, "a", now=0.0)
        stage.come(way, "a")
        if size == LARGE:
            way.slots[0] = FIRST + n
    told = {len(parts[CONTENT]) for head, parts in way.sent if isinstance(head, Told)}
    assert told == {size + n for n in range(TIMES * 3)}
