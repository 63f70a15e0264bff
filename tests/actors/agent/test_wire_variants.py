"""What the many servers make of the event stream, through the real SDK: all of it is one and the same answer.

OpenAI's own endpoint, Azure, vLLM, llama.cpp, Ollama, LiteLLM and the proxies before them each do some of these.
"""

import gzip
import json
from typing import Any

import pytest

from actors.agent import answer_body
from actors.agent.model import Failed, Heard
from tests.actors.agent.test_model_stream import KEY, hear
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Answer, Raw, Speak

TEXT = "naïve → 42 °C ✓ 🦊"
DONE = b"data: [DONE]\n\n"

Json = dict[str, Any]  # Any: JSON


def chunk(delta: Json | None = None, reason: str | None = None, **more: object) -> Json:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def events(*chunks: Json, ascii_only: bool = False) -> bytes:
    return b"".join(b"data: " + json.dumps(each, ensure_ascii=ascii_only).encode() + b"\n\n" for each in chunks)


def call(index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> Json:
    """A fragment; None leaves a field out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    head = {key: value for key, value in (("index", index), ("id", call_id), ("type", "function")) if value is not None}
    return {**head, "function": function}


PLAIN = events(chunk({"role": "assistant", "content": ""}), chunk({"content": TEXT[:7]}), chunk({"content": TEXT[7:]}), chunk({}, "stop"))

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}

ALIKE: dict[str, list[bytes]] = {
    "whole": [PLAIN + DONE],
    "one byte at a time": [bytes([byte]) for byte in PLAIN + DONE],
    "a byte order mark": [b"\xef\xbb\xbf" + PLAIN + DONE],
    "a byte order mark in pieces": [b"\xef\xbb", b"\xbf" + PLAIN + DONE],
    "lines that end in CRLF": [(PLAIN + DONE).replace(b"\n", b"\r\n")],
    "a CR and its LF in two pieces": [piece + b"\r" if odd else b"\n" + piece for odd, piece in enumerate([b"", PLAIN + DONE])][::-1],
    "lines that end in CR": [(PLAIN + DONE).replace(b"\n", b"\r")],
    "no space behind the colon": [(PLAIN + DONE).replace(b"data: ", b"data:")],
    "comments and names between": [b": OPENROUTER PROCESSING\n\n", b"event: message\nretry: 10\n" + PLAIN, b":\n\n", DONE],
    "numbered, with comments between": [
        PLAIN.replace(b"data: ", b"id: 7\nevent: message\ndata: ").replace(b"}\n\n", b"}\n\n: keep-alive\n\n"),
        b"id: 8\n\nevent: ping\n\n",
        DONE,
    ],
    "numbered, one byte at a time": [bytes([byte]) for byte in PLAIN.replace(b"data: ", b"id: 7\r\ndata: ") + b"\r\n:\r\n\r\n" + DONE],
    "escaped": [events(chunk({"role": "assistant"}), chunk({"content": TEXT}), chunk({}, "stop"), ascii_only=True), DONE],
    "no [DONE]": [PLAIN],
    "more behind [DONE]": [PLAIN, DONE, events(chunk({"content": "not this"}))],
    "a filter's report first, without choices": [
        events({"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "id": "", "model": "", "object": "", "created": 0}),
        PLAIN,
        DONE,
    ],
    "the usage in every chunk, and a last one without choices": [
        events(
            chunk({"role": "assistant", "content": TEXT}, usage={**USAGE, "completion_tokens": 1}),
            chunk({}, "stop", usage=USAGE),
            chunk(usage=USAGE),
        ),
        DONE,
    ],
    "null where something may stand": [
        events(
            chunk({"role": "assistant", "content": None, "tool_calls": None, "refusal": None}, usage=None, system_fingerprint=None),
            chunk({"content": TEXT, "tool_calls": None}),
            chunk({"content": None}, "stop"),
        ),
        DONE,
    ],
    "choices that are null, a delta that is null": [
        events({**chunk(), "choices": None}, chunk({"content": TEXT}), {**chunk(), "choices": [{"delta": None, "finish_reason": "stop"}]}),
        DONE,
    ],
    "the reason beside the last text, and an empty chunk behind": [events(chunk({"content": TEXT}, "stop"), chunk({"content": ""})), DONE],
    "a second choice, not asked for": [
        events({**chunk(), "choices": [{"index": 0, "delta": {"content": TEXT}}, {"index": 1, "delta": {"content": "no"}}]}),
        events(chunk({}, "stop")),
        DONE,
    ],
    "fields that nobody knows": [
        events(chunk({"content": TEXT, "annotations": [{"x": 1}], "audio": {"id": "a"}}, obfuscation="xyz", x_groq={"id": 1})),
        events(chunk({}, "stop")),
        DONE,
    ],
}


@pytest.mark.parametrize("pieces", ALIKE.values(), ids=ALIKE.keys())
async def test_text_is_the_same_however_it_is_sent(pieces: list[bytes]) -> None:
    heard, ear, _ = await hear([Raw(pieces=pieces)])
    assert isinstance(heard, Heard), heard
    assert (heard.text, "".join(ear.texts), heard.finish_reason, heard.calls) == (TEXT, TEXT, "stop", ())


TOOLS: dict[str, list[bytes]] = {
    "in fragments, side by side": [
        events(
            chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "a", "list_variables", "")]}),
            chunk({"tool_calls": [call(1, "b", "propose_cell", "")]}),
            chunk({"tool_calls": [call(1, None, None, '{"co'), call(0, None, None, "{")]}),
            chunk({"tool_calls": [call(0, None, None, "}"), call(1, None, None, 'de": "ä"}')]}),
            chunk({}, "tool_calls"),
        )
    ],
    "the id and the name in every fragment's place, empty": [
        events(
            chunk({"tool_calls": [call(0, "a", "list_variables", "{}")]}),
            chunk({"tool_calls": [call(1, "b", "propose_cell", "")]}),
            chunk({"tool_calls": [call(1, "", "", '{"code": ')]}),
            chunk({"tool_calls": [call(1, "b", None, '"ä"}')]}),
            chunk({}, "tool_calls"),
        )
    ],
    "whole, all with index 0": [
        events(
            chunk({"tool_calls": [call(0, "a", "list_variables", "{}")]}),
            chunk({"tool_calls": [call(0, "b", "propose_cell", '{"code": "ä"}')]}),
            chunk({}, "stop"),
        )
    ],
    "whole, in one chunk without an index": [
        events(
            chunk({"tool_calls": [call(None, "a", "list_variables", "{}"), call(None, "b", "propose_cell", '{"code": "ä"}')]}),
            chunk({}, "tool_calls"),
        )
    ],
    "indices that begin at 1": [
        events(
            chunk({"tool_calls": [call(1, "a", "list_variables", "{}")]}),
            chunk({"tool_calls": [call(2, "b", "propose_cell", '{"code": "ä"}')]}, "tool_calls"),
        )
    ],
    "a byte at a time": [
        bytes([byte])
        for byte in events(
            chunk({"tool_calls": [call(0, "a", "list_variables", "{}"), call(1, "b", "propose_cell", '{"code": "ä"}')]}),
            chunk({}, "tool_calls"),
        )
    ],
}


@pytest.mark.parametrize("pieces", TOOLS.values(), ids=TOOLS.keys())
async def test_two_tool_calls_are_the_same_however_they_are_sent(pieces: list[bytes]) -> None:
    heard, _, _ = await hear([Raw(pieces=[*pieces, DONE])])
    assert isinstance(heard, Heard), heard
    assert [(each.id, each.function.name, json.loads(each.function.arguments)) for each in heard.calls] == [
        ("a", "list_variables", {}),
        ("b", "propose_cell", {"code": "ä"}),
    ]
    assert heard.finish_reason is not None


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning_content": "hm", "content": ""},
    ],
)
async def test_thoughts_are_no_text_whatever_they_are_called(delta: Json) -> None:
    heard, ear, _ = await hear([Raw(pieces=[events(chunk(delta), chunk({"content": TEXT}), chunk({}, "stop")), DONE])])
    assert isinstance(heard, Heard)
    assert (heard.thought, heard.text, ear.texts) == ("hm", TEXT, [TEXT])


BROKEN: dict[str, bytes] = {
    "cut in the middle of a character": events(chunk({"content": "one "})) + b'data: {"choices": [{"delta": {"content": "\xc3',
    "bytes that are no UTF-8": events(chunk({"content": "one "})) + b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
    "a number for text": events(chunk({"content": "one "}), chunk({"content": 7})),
    "brackets without end": events(chunk({"content": "one "})) + b'data: {"choices": ' + b"[" * 100_000 + b"\n\n",
    "a number that Python does not read": events(chunk({"content": "one "})) + b'data: {"created": ' + b"9" * 5_000 + b"}\n\n",
    "a list": events(chunk({"content": "one "})) + b"data: [1]\n\n",
    "a web page": events(chunk({"content": "one "})) + b"data: <html>502</html>\n\n",
    "an error among the events": events(chunk({"content": "one "})) + b'event: error\ndata: {"error": {"message": "overloaded"}}\n\n',
    "an error that is a word": events(chunk({"content": "one "})) + b'data: {"error": "overloaded"}\n\n',
}


@pytest.mark.parametrize("stream", BROKEN.values(), ids=BROKEN.keys())
async def test_what_is_no_answer_is_a_failure_that_keeps_the_text_before(stream: bytes) -> None:
    heard, _, _ = await hear([Raw(pieces=[stream])])
    assert isinstance(heard, Failed), heard
    assert (heard.text, heard.failure.kind) == ("one ", "broken")
    assert "Traceback" not in heard.failure.reason


async def test_half_a_surrogate_pair_is_a_question_mark_wherever_it_stands() -> None:
    """JSON can carry it, and no message between processes can."""
    half = "\ud800"
    asked = chunk({"tool_calls": [call(0, f"a{half}", f"propose_cell{half}", f'{{"code": "{half}"}}')]})
    said = chunk({"content": f"one{half}", "reasoning_content": f"hm{half}"})
    heard, ear, _ = await hear([Raw(pieces=[events(said, asked, chunk({}, "tool_calls"), ascii_only=True), DONE])])
    assert isinstance(heard, Heard), heard
    assert (heard.text, heard.thought, ear.texts) == ("one?", "hm?", ["one?"])
    assert [(each.id, each.function.name, each.function.arguments) for each in heard.calls] == [("a?", "propose_cell?", '{"code": "?"}')]


async def test_an_event_without_end_is_ended_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_body, "EVENT_LIMIT_BYTES", 3_000_000)
    pieces = [events(chunk({"content": "one "})), b"data: ", *[b"x" * 1_000_000] * 5]
    heard, _, _ = await hear([Raw(pieces=pieces)])
    assert isinstance(heard, Failed), heard
    assert (heard.text, heard.failure.retryable) == ("one ", False)
    assert "an event of more than 3 MB" in heard.failure.reason


async def test_many_events_are_no_event_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_body, "EVENT_LIMIT_BYTES", 1_000)
    pieces = [part for _ in range(100) for part in (events(chunk({"content": "x" * 500}))[:-1], b"\n")]
    heard, ear, _ = await hear([Raw(pieces=[*pieces, events(chunk({}, "stop")), DONE])])
    assert isinstance(heard, Heard), heard
    assert len("".join(ear.texts)) == 50_000


async def test_an_answer_that_comes_compressed_unasked_is_refused() -> None:
    packed = gzip.compress(PLAIN + DONE)
    heard, _, server = await hear([Answer(body=packed, content_type="text/event-stream", headers={"Content-Encoding": "gzip"})])
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert isinstance(heard, Failed), heard
    assert "came compressed (gzip)" in heard.failure.reason


@pytest.mark.parametrize("kind", ["text/html", "text/plain", ""])
async def test_a_web_page_in_place_of_an_answer_is_called_so(kind: str) -> None:
    heard, _, _ = await hear([Answer(body=b"<html><p>Log in first</p></html>", content_type=kind)])
    assert isinstance(heard, Failed), heard
    assert f"no stream of events but {kind}" in heard.failure.reason
    assert "Log in first" in heard.failure.reason


async def test_a_question_is_not_sent_on_to_where_a_redirect_leads() -> None:
    async with ScriptedEndpoint([Speak(text="stolen")]) as other:
        target = f"{other.base_url}/chat/completions?x=1"
        heard, _, _ = await hear([Answer(status=307, headers={"Location": target})])
    assert other.requests == []
    assert isinstance(heard, Failed), heard
    assert f"sends requests on to {other.base_url} (status 307)" in heard.failure.reason
    assert "OPENAI_BASE_URL" in heard.failure.reason


async def test_an_address_that_an_endpoint_redirects_to_is_named_without_the_key_and_the_path() -> None:
    heard, _, _ = await hear([Answer(status=307, headers={"Location": f"https://other.test/{KEY}/v1/models"})])
    assert isinstance(heard, Failed), heard
    assert KEY not in heard.failure.reason
    assert "https://other.test/" in heard.failure.reason
    assert "/models" not in heard.failure.reason
