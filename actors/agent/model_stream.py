"""The way to a model by the `openai` SDK: the one file that imports it, and that translates its errors.

Importing it takes half a second, so this module is itself imported late, by `sdk_import`. The SDK's own retries are off:
the turn machine retries, where it can be told and tested. Foreign words pass into failures only without the key.
"""

import asyncio
import re
import ssl
from typing import Any

import httpx2
import msgspec
import openai
from openai.types.chat import ChatCompletionChunk

from actors.agent.answer_body import ERROR_LIMIT_BYTES, EventTooLong, WatchedBody, shorten
from actors.agent.demo_transport import DemoTransport
from actors.agent.model import Failed, Heard, Listener, Offers, Opened
from actors.agent.silence import FellSilent, SilenceWatch, StreamTimeouts
from actors.runtime.clock import Clock
from beaker.agent.assembly import CallAssembly, Endless
from beaker.agent.chunk import Chunk, Delta, Function
from beaker.agent.cutting import sendable
from beaker.agent.demo import CONNECT
from beaker.agent.endpoint import DEMO_NAME, Endpoint, is_loopback
from beaker.agent.event_lines import EventLines
from beaker.agent.model_failure import (
    Asked,
    ModelFailure,
    from_broken_stream,
    from_connect_timeout,
    from_connection,
    from_endless,
    from_silence,
    from_status,
    parse_retry_after,
)
from beaker.agent.scrubbing import scrubbed
from beaker.agent.turn_state import CallModel, Quirks
from beaker.agent.usage import Usage, read_usage
from beaker.errors import BeakerError
from beaker.settings.key_wishes import DEMO_CHOICE

NO_KEY = "no-key"
"""Sent where no key is set: the SDK insists on one, and local endpoints take any."""

OFFER_TIMEOUT_S = 5.0
"""For the list of models, which only makes an error's sentence better."""

KEEP_ALIVE = httpx2.Limits(max_connections=10, max_keepalive_connections=2, keepalive_expiry=60.0)
"""One conversation makes one call at a time; a minute covers the pauses between the steps of a turn."""

EVENTS_AT_ONCE = 16
"""Read without a break: five milliseconds. What has come already is read without waiting, and an endpoint that is as quick as we are
would have others of this process wait for a third of a second, each time."""

PLAINLY = {"Accept-Encoding": "identity"}
"""Events are small, and of what is compressed nobody can say how long it is before it fills the memory."""

NAMES_LIMIT = 1_000
"""Of a list of models; the longest known has five hundred."""

NAME_LIMIT_CHARS = 200
"""Of a model's name in the list: no longer than `%beaker model` takes it."""


class ModelStream:
    """The models of one endpoint.

    Args:
        endpoint: where it is.
        key: the endpoint's key, if there is one.
        timeouts: how long a call may take to do what.
        clock: for those.
    """

    def __init__(self, endpoint: Endpoint, key: str | None, timeouts: StreamTimeouts, *, clock: Clock, demo_pace_s: float = 0.012) -> None:
        self._endpoint = endpoint
        self._key = key
        self._timeouts = timeouts
        self._clock = clock
        self._model = endpoint.model
        # The silence watch is the first to end a call; these hold if the loop itself was held up.
        longest_s = max(timeouts.first_byte_s, timeouts.silence_s) + 30.0
        limits = openai.Timeout(longest_s, connect=timeouts.connect_s)
        http: httpx2.AsyncClient
        if endpoint.kind == "demo":
            http = httpx2.AsyncClient(transport=DemoTransport(hint=endpoint.hint, pace_s=demo_pace_s))
        elif is_loopback(endpoint.base_url):
            # No proxy leads to this machine, and without its 150 root certificates a client is there 50 ms sooner.
            bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            http = openai.DefaultAsyncHttpxClient(
                timeout=limits, limits=KEEP_ALIVE, verify=bare, trust_env=False, follow_redirects=False, headers=PLAINLY
            )
        else:
            http = openai.DefaultAsyncHttpxClient(timeout=limits, limits=KEEP_ALIVE, follow_redirects=False, headers=PLAINLY)
        http.event_hooks = {"response": [shorten]}
        self._client = openai.AsyncOpenAI(
            api_key=key or NO_KEY, base_url=endpoint.base_url, http_client=http, timeout=limits, max_retries=0
        )
        self._completions = self._client.chat.completions  # loads the last part of the SDK now, not at the first question

    async def open(self, wanted: str | None) -> Opened | ModelFailure:
        """Settle the model; an endpoint for which none is named is asked what it offers."""
        if self._endpoint.kind == "demo":
            if wanted not in (None, "", DEMO_CHOICE, DEMO_NAME):
                missing = f"no key is set in {self._endpoint.key_name}, and there is only the demo model"
                return ModelFailure(kind="key", reason=f"The model {wanted!r} cannot be asked: {missing}.")
            return Opened(name=DEMO_NAME, quirks=Quirks())
        name = wanted or self._model
        if not name:
            offered = await self._offered()
            if isinstance(offered, ModelFailure):
                return offered
            if len(offered) != 1 and not (offered and self._endpoint.local):
                what = f"It offers: {', '.join(offered[:30])}." if offered else "It lists none."
                where = self._endpoint.shown_url
                return ModelFailure(kind="model", reason=f"No model is named for the endpoint {where}. {what} Choose one by BEAKER_MODEL.")
            name = self._model = offered[0]
        return Opened(name=name, quirks=Quirks(reasoning_off=name in self._endpoint.reasoning_off), endpoint=self._endpoint.shown_url)

    async def hear(self, call: CallModel, listener: Listener, *, model: str, step: int) -> Heard | Failed:
        """Make one model call; see `Model.hear`."""
        assembly = CallAssembly()
        asked = self._asked(model)
        try:
            async with SilenceWatch(self._clock, self._timeouts, listener.words, on_first=listener.first_byte) as watch:
                finish_reason, usage = await self._hear(call, model, listener, assembly, watch)
                return Heard(
                    text=assembly.text,
                    calls=assembly.calls(step=step),
                    finish_reason=finish_reason,
                    thought=assembly.thought,
                    usage=usage,
                )
        except FellSilent as silent:
            failure = from_silence(silent.waited_s, asked, began=silent.began)
        except openai.APIStatusError as error:
            failure = await self._refused(error, asked)
            if call.counts_tokens and error.status_code in (400, 422) and _COUNT.search(f"{error.message} {error.body}"):
                failure = msgspec.structs.replace(failure, kind="count")
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            failure = self._lost(error, asked)
        except msgspec.ValidationError as error:  # a ValueError, too
            failure = from_broken_stream(f"a piece is no chat completion chunk ({error})", asked)
        except (ValueError, RecursionError) as error:
            # The SDK lets these of a malformed stream through: no JSON, no UTF-8, a number of 5,000 digits, a thousand brackets.
            failure = from_broken_stream(self._clean(f"a piece is no JSON ({error})"), asked)
        except (Endless, EventTooLong) as error:
            failure = from_endless(str(error), asked)
        except _NoStreamError as error:
            failure = from_broken_stream(self._clean(str(error)), asked)
        return Failed(failure=failure, text=assembly.text)

    async def offers(self) -> Offers:
        """Ask the endpoint what models it has; see `Model.offers`."""
        endpoint = self._endpoint
        if endpoint.kind == "demo":
            return Offers(endpoint=f"the built-in {DEMO_NAME}", model=DEMO_CHOICE, names=[DEMO_CHOICE], problem=endpoint.hint or CONNECT)
        offered = await self._offered()
        if isinstance(offered, ModelFailure):
            return Offers(endpoint=endpoint.shown_url, model=self._model, names=[], problem=offered.reason)
        return Offers(endpoint=endpoint.shown_url, model=self._model, names=sorted(offered))

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _hear(
        self, call: CallModel, model: str, listener: Listener, assembly: CallAssembly, watch: SilenceWatch
    ) -> tuple[str | None, Usage | None]:
        """Make the call; returns the finish reason, None if the stream just stopped, and what the endpoint counted."""
        options: dict[str, Any] = {"messages": scrubbed(msgspec.to_builtins(call.messages), self._key)}  # Any: JSON
        if call.offer != "no_tools":
            options["tools"] = call.toolbox.definitions()
        if call.offer == "tools_unused":
            options["tool_choice"] = "none"
        if call.reasoning_off:
            options["reasoning_effort"] = "none"
        if call.counts_tokens and self._endpoint.kind != "demo":
            options["stream_options"] = {"include_usage": True}
        stream: openai.AsyncStream[ChatCompletionChunk] = await self._completions.create(model=model, stream=True, **options)
        finish_reason: str | None = None
        usage: Usage | None = None
        async with stream:
            kind = stream.response.headers.get("content-type", "")
            if "json" in kind:
                said = (await stream.response.aread())[:ERROR_LIMIT_BYTES].decode(errors="replace")
                raise _NoStreamError(f"no stream but {kind}: {said}")
            if (encoding := stream.response.headers.get("content-encoding", "identity").lower()) != "identity":
                raise _NoStreamError(f"it came compressed ({encoding[:40]}), though it was asked to come plain")
            stream.response.stream = body = WatchedBody(stream.response.stream, watch, EventLines())
            read = 0
            async for piece in stream:
                if (read := read + 1) % EVENTS_AT_ONCE == 0:
                    await asyncio.sleep(0)
                chunk = msgspec.convert(piece, Chunk, from_attributes=True)
                usage = read_usage(chunk.usage) or usage
                for choice in (chunk.choices or [])[:1]:
                    finish_reason = choice.finish_reason or finish_reason
                    if choice.delta is not None:
                        self._take(choice.delta, assembly, listener)
            if not body.had_data and "event-stream" not in kind:
                raise _NoStreamError(f"no stream of events but {kind or 'something'}: {body.beginning}")
        return finish_reason, usage

    def _take(self, delta: Delta, assembly: CallAssembly, listener: Listener) -> None:
        if text := sendable(delta.content or delta.refusal or ""):
            assembly.add_text(text)
            listener.say(text)
        for thought in (delta.reasoning_content, delta.reasoning):
            if isinstance(thought, str) and thought:
                assembly.add_thought(sendable(thought))
                break
        for position, piece in enumerate(delta.tool_calls or []):
            function = piece.function or Function()
            assembly.add_fragment(
                position if piece.index is None else piece.index,
                call_id=sendable(piece.id or ""),
                name=sendable(function.name or ""),
                arguments=sendable(function.arguments or ""),
            )

    async def _offered(self) -> list[str] | ModelFailure:
        """Ask what models there are."""
        try:
            page = await self._client.models.list(timeout=openai.Timeout(OFFER_TIMEOUT_S, connect=self._timeouts.connect_s))
            names = [sendable(name)[:NAME_LIMIT_CHARS] for entry in page.data or [] if isinstance(name := entry.id, str) and name.strip()]
            return [name for name in names if name.isprintable()][:NAMES_LIMIT]
        except openai.APIStatusError as error:
            if error.status_code == 404:  # an endpoint without a list is still an endpoint
                return []
            return await self._refused(error, self._asked(""))
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            return self._lost(error, self._asked(""))
        except (ValueError, RecursionError, AttributeError, TypeError):  # whatever it sent, it is no list of models
            return []

    async def _refused(self, error: openai.APIStatusError, asked: Asked) -> ModelFailure:
        offered: list[str] = []
        if error.status_code == 404 and asked.model:
            listed = await self._offered()
            offered = [] if isinstance(listed, ModelFailure) else listed
        headers = error.response.headers
        return from_status(
            error.status_code,
            self._clean(_words_of(error)),
            asked,
            retry_after_s=parse_retry_after(headers.get("retry-after-ms"), headers.get("retry-after"), now=self._clock.wall()),
            offered=offered,
            location=self._clean(headers.get("location", "")),
        )

    def _lost(self, error: Exception, asked: Asked) -> ModelFailure:
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ is not None else error
        if isinstance(cause, httpx2.ConnectTimeout):
            return from_connect_timeout(self._timeouts.connect_s, asked)
        if isinstance(cause, httpx2.TimeoutException):
            return from_silence(self._timeouts.silence_s, asked, began=True)
        if isinstance(cause, (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
            return from_connection(self._clean(str(cause)), asked)
        return from_broken_stream(self._clean(str(cause) or type(cause).__name__), asked)

    def _asked(self, model: str) -> Asked:
        there = self._endpoint
        return Asked(model=model, base_url=there.shown_url, key_name=there.key_name, key_origin=there.key_origin, key_note=there.key_note)

    def _clean(self, words: str) -> str:
        """Take the key out of foreign words: some endpoints quote it."""
        words = sendable(words)
        return words.replace(self._key, "[key]") if self._key else words


_COUNT = re.compile("stream_options|include_usage")
"""How endpoints that refuse to be asked for their count name what they refuse."""


class _NoStreamError(BeakerError):
    """The endpoint answered with something else than a stream."""


def _words_of(error: openai.APIStatusError) -> str:
    """The endpoint's own words: the message of an error body, else the body."""
    body = error.body
    if isinstance(body, dict):
        code = body.get("code")
        message = body.get("message") or body.get("error") or body.get("detail")
        if isinstance(message, str):
            return f"{message} ({code})" if code and str(code) not in message else message
    return body if isinstance(body, str) else ""
