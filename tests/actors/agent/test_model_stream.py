"""Model calls through the real SDK against the scripted endpoint: what arrives, and what each way to fail is called."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

from actors.agent import model_stream
from actors.agent.model import Failed, Heard, Opened
from actors.agent.model_stream import EVENTS_AT_ONCE, ModelStream
from actors.agent.silence import StreamTimeouts
from actors.runtime.clock import Clock, SystemClock
from actors.runtime.kit import ManualClock
from beaker.agent.conversation import System, User
from beaker.agent.endpoint import DEMO_NAME, Endpoint, choose_endpoint, read_presets
from beaker.agent.model_failure import Kind, ModelFailure
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.turn_state import CallModel, Quirks
from beaker.agent.usage import Usage
from beaker.settings.key import KeyFacts
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import (
    BARE_ERROR,
    CUT,
    HANG,
    MALFORMED,
    MID_STREAM_ERROR,
    NO_CHUNK,
    NO_FINISH,
    STALL,
    Answer,
    Call,
    Raw,
    Reply,
    Speak,
    failure,
    pieces,
)

KEY = "sk-canary-1234567890"
KEY_FACTS = KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY")
MODEL = "scripted-1"
PATIENCE_S = 30
"""Ends a hang."""
CALL = CallModel(messages=(System(content="s"), User(content="u")), offer="tools", reasoning_off=False)
USAGE = Usage(tokens_in=9, tokens_cached=4, tokens_out=3)
"""What the scripted endpoint counts."""


@dataclass
class Ear:
    """A listener that keeps what it hears."""

    texts: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    began: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def first_byte(self) -> None:
        self.began += 1

    def say(self, text: str) -> None:
        self.texts.append(text)
        self.heard.set()

    def words(self, words: str) -> None:
        self.shown.append(words)
        self.heard.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once text or words have made this true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.heard.clear()
                await self.heard.wait()


def endpoint_at(base_url: str, model: str = "scripted-1") -> Endpoint:
    chosen = choose_endpoint(KEY_FACTS, read_presets(), model=model, base_url=base_url)
    assert isinstance(chosen, Endpoint)
    return chosen


@asynccontextmanager
async def opened(
    base_url: str, *, model: str = "scripted-1", timeouts: StreamTimeouts | None = None, clock: Clock | None = None
) -> AsyncIterator[ModelStream]:
    stream = ModelStream(endpoint_at(base_url, model), KEY, timeouts or StreamTimeouts(), clock=clock or SystemClock())
    try:
        yield stream
    finally:
        await stream.close()


async def hear(script: list[Reply]) -> tuple[Heard | Failed, Ear, ScriptedEndpoint]:
    ear = Ear()
    async with ScriptedEndpoint(script) as server, opened(server.base_url) as stream:
        return await stream.hear(CALL, ear, model=MODEL, step=1), ear, server


@dataclass
class Timed:
    """A call whose time stands still until the test turns it, so that no byte is late."""

    task: asyncio.Task[Heard | Failed]
    ear: Ear
    server: ScriptedEndpoint
    clock: ManualClock

    async def over(self) -> Heard | Failed:
        async with asyncio.timeout(PATIENCE_S):
            return await self.task


@asynccontextmanager
async def timed(reply: Reply) -> AsyncIterator[Timed]:
    clock, ear = ManualClock(), Ear()
    async with ScriptedEndpoint([reply]) as server, opened(server.base_url, clock=clock) as stream:
        task = asyncio.create_task(stream.hear(CALL, ear, model=MODEL, step=1))
        try:
            yield Timed(task, ear, server, clock)
        finally:
            task.cancel()


async def test_text_arrives_in_pieces_and_whole() -> None:
    heard, ear, _ = await hear([Speak(text="one two three")])
    assert heard == Heard(text="one two three", calls=(), finish_reason="stop", usage=USAGE)
    assert ear.texts == ["one ", "two ", "three"]


async def test_others_of_this_process_have_their_turns_while_much_is_read_that_has_come_already() -> None:
    turns = 0
    read_in: Counter[int] = Counter()

    class Noting(Ear):
        def say(self, text: str) -> None:
            read_in[turns] += 1

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    at_once = Raw(pieces=[b"".join(pieces(Speak(text="one " * 300), 0))])
    async with ScriptedEndpoint([at_once]) as server, opened(server.base_url) as stream:
        turn()
        assert isinstance(await stream.hear(CALL, Noting(), model=MODEL, step=1), Heard)
    assert read_in.total() == 300
    assert max(read_in.values()) <= EVENTS_AT_ONCE


async def test_fragments_of_two_tool_calls_are_put_together() -> None:
    calls = [Call(name="list_variables", arguments="{}", id="a"), Call(name="propose_cell", arguments='{"code": "1 + 1"}', id="b")]
    heard, _, _ = await hear([Speak(text="well", calls=calls)])
    assert isinstance(heard, Heard)
    assert [(call.id, call.function.name, call.function.arguments) for call in heard.calls] == [
        ("a", "list_variables", "{}"),
        ("b", "propose_cell", '{"code": "1 + 1"}'),
    ]
    assert heard.finish_reason == "tool_calls"


async def test_the_request_carries_conversation_tools_and_key() -> None:
    _, _, server = await hear([Speak(text="x")])
    request = server.requests[0]
    assert request.body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert request.body["tools"] == BUILT_IN.definitions()
    assert request.body["model"] == "scripted-1"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert "reasoning_effort" not in request.body
    assert "tool_choice" not in request.body


async def test_thoughts_are_heard_apart_from_the_text() -> None:
    heard, ear, _ = await hear([Speak(thought="let me see", text="one")])
    assert isinstance(heard, Heard)
    assert (heard.thought, heard.text, ear.texts) == ("let me see ", "one", ["one"])


async def test_the_endpoint_is_asked_to_count() -> None:
    heard, _, server = await hear([Speak(text="x", usage=False)])
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert isinstance(heard, Heard)
    assert heard.usage is None


FASTAPI = Answer(status=422, body=b'{"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]}')


@pytest.mark.parametrize("refusal", [failure(400, "Unrecognized request argument supplied: stream_options"), FASTAPI])
async def test_an_endpoint_that_will_not_be_asked_to_count_is_known_by_its_words(refusal: Answer) -> None:
    without = CallModel(messages=CALL.messages, offer="tools", reasoning_off=False, counts_tokens=False)
    async with ScriptedEndpoint([refusal, Speak(text="x", usage=False)]) as server, opened(server.base_url) as stream:
        refused = await stream.hear(CALL, Ear(), model=MODEL, step=1)
        assert isinstance(refused, Failed)
        assert refused.failure.kind == "count"
        assert isinstance(await stream.hear(without, Ear(), model=MODEL, step=1), Heard)
    assert ["stream_options" in request.body for request in server.requests] == [True, False]


async def test_quirks_shape_the_request() -> None:
    silent = CallModel(messages=CALL.messages, offer="no_tools", reasoning_off=False)
    last = CallModel(messages=CALL.messages, offer="tools_unused", reasoning_off=True)
    async with ScriptedEndpoint([Speak(text="x")]) as server, opened(server.base_url) as stream:
        await stream.hear(silent, Ear(), model=MODEL, step=1)
        await stream.hear(last, Ear(), model=MODEL, step=2)
    assert "tools" not in server.requests[0].body
    assert (server.requests[1].body["tool_choice"], server.requests[1].body["reasoning_effort"]) == ("none", "none")


@pytest.mark.parametrize(
    ("reply", "kind", "retryable", "words"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}"), "key", False, "OPENAI_API_KEY"),
        (failure(403, "no"), "key", False, "OPENAI_API_KEY"),
        (failure(404, "The model does not exist", code="model_not_found"), "model", False, "It offers: scripted-1."),
        (failure(429, "slow down", headers={"Retry-After": "7"}), "rate", True, "429"),
        (failure(429, "You exceeded your current quota", code="insufficient_quota"), "refused", False, "no quota left"),
        (failure(500, f"crashed with {KEY}"), "server", True, "crashed with [key]"),
        (Answer(status=502, body=b"<html>Bad gateway</html>", content_type="text/html"), "server", True, "(status 502): Bad gateway."),
        (failure(400, "context too long"), "refused", False, "context too long"),
        (failure(400, "registry.ollama.ai/library/tiny does not support tools"), "tools", False, "cannot call tools"),
        (failure(404, "No endpoints found that support tool use."), "tools", False, "cannot call tools"),
        (
            failure(
                400, "Function tools with reasoning_effort are not supported for gpt-9 in /v1/chat/completions.", param="reasoning_effort"
            ),
            "effort",
            False,
            "another interface",
        ),
        (BARE_ERROR, "broken", True, "model is loading"),
        (MALFORMED, "broken", True, "no JSON"),
        (NO_CHUNK, "broken", True, "no chat completion chunk"),
        (Raw(pieces=[b"data: \xff\xfe{}\n\n"]), "broken", True, "no JSON"),
        (MID_STREAM_ERROR, "broken", True, "the worker died"),
        (CUT, "broken", True, "broken"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value[:20],
)
async def test_each_failure_is_named_in_a_sentence_without_the_key(reply: Reply, kind: Kind, retryable: bool, words: str) -> None:
    heard, _, server = await hear([reply])
    assert isinstance(heard, Failed)
    assert (heard.failure.kind, heard.failure.retryable) == (kind, retryable)
    assert words in heard.failure.reason
    assert KEY not in heard.failure.reason
    assert "Traceback" not in heard.failure.reason
    assert heard.failure.reason.endswith(".")
    assert len(server.requests) == 1, "the SDK must not retry by itself"


async def test_retry_after_is_read() -> None:
    heard, _, _ = await hear([failure(429, "slow down", headers={"Retry-After": "7"})])
    assert isinstance(heard, Failed)
    assert heard.failure.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("reply", "text"), [(CUT, "one two "), (MALFORMED, "one "), (MID_STREAM_ERROR, "one ")], ids=["cut", "malformed", "error"]
)
async def test_the_text_before_a_failure_is_kept(reply: Reply, text: str) -> None:
    heard, _, _ = await hear([reply])
    assert heard.text == text if isinstance(heard, Failed) else None


async def test_a_stream_without_a_finish_reason_says_so() -> None:
    heard, _, _ = await hear([NO_FINISH])
    assert heard == Heard(text="one two", calls=(), finish_reason=None, usage=USAGE)


async def test_a_stall_brings_words_and_then_a_failure_with_the_text_so_far() -> None:
    async with timed(STALL) as call:
        await call.ear.until(lambda: call.ear.texts == ["one ", "two "])
        await call.clock.advance(16)
        assert call.ear.shown == ["no data for 15 s"]
        await call.clock.advance(103)
        assert not call.task.done()
        await call.clock.advance(2)
        heard = await call.over()
    assert isinstance(heard, Failed)
    assert (heard.failure.kind, heard.text) == ("timeout", "one two ")
    assert "sent nothing more for 120 s (agent.silence_timeout_s)" in heard.failure.reason
    assert call.ear.shown[-1] == ""


async def test_headers_alone_are_no_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local servers send headers at once and then read the prompt for minutes."""
    headers_came = asyncio.Event()

    async def noted(response: httpx2.Response) -> None:
        headers_came.set()

    monkeypatch.setattr(model_stream, "shorten", noted)
    async with timed(HANG) as call:
        async with asyncio.timeout(PATIENCE_S):
            await headers_came.wait()
        await call.clock.advance(299)
        assert not call.task.done()
        await call.clock.advance(2)
        heard = await call.over()
    assert isinstance(heard, Failed)
    assert "did not begin to answer for 300 s (agent.first_byte_timeout_s)" in heard.failure.reason
    assert call.ear.began == 0


async def test_keep_alive_comments_are_signs_of_life() -> None:
    async with timed(Speak(text="one two three", stall_after=2)) as call:
        await call.ear.until(lambda: call.ear.texts == ["one "])
        for _ in range(3):
            await call.clock.advance(100)
            assert call.ear.shown[-1] == "no data for 90 s"
            await call.server.keep_alive()
            await call.ear.until(lambda: call.ear.shown[-1] == "")
        call.server.release()
        heard = await call.over()
    assert isinstance(heard, Heard), heard
    assert heard.text == "one two three"


async def test_a_refused_connection_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        async with opened(base_url) as stream:
            heard = await stream.hear(CALL, Ear(), model=MODEL, step=1)
    assert isinstance(heard, Failed)
    assert (heard.failure.kind, heard.failure.retryable) == ("connection", True)
    assert base_url in heard.failure.reason


async def test_a_black_hole_fails_within_the_connect_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.socket() as first, socket.socket() as second:
            for each in (first, second):  # a full backlog drops what comes next
                each.setblocking(False)
                each.connect_ex(address)
            async with opened(f"http://127.0.0.1:{address[1]}/v1", timeouts=StreamTimeouts(connect_s=0.2)) as stream:
                heard = await stream.hear(CALL, Ear(), model=MODEL, step=1)
    assert isinstance(heard, Failed)
    assert heard.failure.kind == "connection"
    assert "within 0.2 s" in heard.failure.reason


async def test_a_host_that_does_not_exist_is_a_sentence() -> None:
    async with opened("http://nowhere.invalid/v1") as stream:
        heard = await stream.hear(CALL, Ear(), model=MODEL, step=1)
    assert isinstance(heard, Failed)
    assert heard.failure.kind == "connection"
    assert "http://nowhere.invalid/v1" in heard.failure.reason


@pytest.mark.parametrize(
    ("models", "check"),
    [
        (["only-one"], lambda found: found.name == "only-one" and found.quirks == Quirks()),
        (["a", "b"], lambda found: isinstance(found, ModelFailure) and "It offers: a, b." in found.reason),
        ([], lambda found: isinstance(found, ModelFailure) and "BEAKER_MODEL" in found.reason),
        (None, lambda found: isinstance(found, ModelFailure) and "BEAKER_MODEL" in found.reason),
    ],
    ids=["one", "several", "none", "no list"],
)
async def test_with_no_model_named_the_endpoint_is_asked(models: list[str] | None, check: Callable[[object], bool]) -> None:
    async with ScriptedEndpoint([Speak(text="x")], models=models) as server, opened(server.base_url, model="") as stream:
        assert check(await stream.open(None))


async def test_the_demo_model_answers_by_the_same_way_without_a_port() -> None:
    chosen = choose_endpoint(None, read_presets(), model="", base_url="")
    assert isinstance(chosen, Endpoint)
    stream = ModelStream(chosen, None, StreamTimeouts(), clock=SystemClock(), demo_pace_s=0.0)
    call = CallModel(messages=(System(content="a live python session"), User(content="plot df")), offer="tools", reasoning_off=False)
    ear = Ear()
    assert await stream.open(None) == Opened(name=DEMO_NAME, quirks=Quirks())
    heard = await stream.hear(call, ear, model=MODEL, step=1)
    await stream.close()
    assert isinstance(heard, Heard), heard
    assert heard.text.startswith("**demo model:**")
    assert [call.function.name for call in heard.calls] == ["list_variables"]
    assert len(ear.texts) > 3


async def test_a_key_that_a_cell_has_printed_does_not_reach_the_model() -> None:
    call = CallModel(messages=(System(content="s"), User(content=f"what is {KEY}?")), offer="tools", reasoning_off=False)
    async with ScriptedEndpoint([Speak(text="x")]) as server, opened(server.base_url) as stream:
        await stream.hear(call, Ear(), model=MODEL, step=1)
    (request,) = server.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body["messages"][1]["content"] == "what is [key]?"


async def test_a_question_may_name_another_model() -> None:
    async with ScriptedEndpoint([Speak(text="x")]) as server, opened(server.base_url) as stream:
        found = await stream.open("other-2")
        await stream.hear(CALL, Ear(), model="other-2", step=1)
    assert found == Opened(name="other-2", quirks=Quirks(), endpoint=server.base_url)
    assert server.requests[0].body["model"] == "other-2"


async def test_a_model_that_needs_its_reasoning_off_is_opened_so() -> None:
    openai = read_presets()["openai"]
    chosen = choose_endpoint(KEY_FACTS, read_presets(), model="", base_url="")
    assert isinstance(chosen, Endpoint)
    stream = ModelStream(chosen, KEY, StreamTimeouts(), clock=SystemClock())
    assert await stream.open(None) == Opened(name=openai.model, quirks=Quirks(reasoning_off=True), endpoint=chosen.shown_url)
    assert await stream.open("gpt-4.1") == Opened(name="gpt-4.1", quirks=Quirks(), endpoint=chosen.shown_url)
    await stream.close()


async def test_the_demo_model_does_not_pass_for_another() -> None:
    chosen = choose_endpoint(None, read_presets(), model="", base_url="")
    assert isinstance(chosen, Endpoint)
    stream = ModelStream(chosen, None, StreamTimeouts(), clock=SystemClock())
    found = await stream.open("gpt-5")
    await stream.close()
    assert isinstance(found, ModelFailure)
    assert "'gpt-5' cannot be asked: no key is set in OPENAI_API_KEY" in found.reason
