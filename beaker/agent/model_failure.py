"""Why a model call failed, and the sentences that say it.

The one file that imports the SDK translates each foreign error into a `ModelFailure`; the turn machine decides by its
`kind` and `retryable` what follows. Every reason names the value and the remedy, and holds no key and no traceback.
"""

import math
import re
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

from beaker.agent.cutting import cut

Kind = Literal["key", "model", "rate", "server", "connection", "timeout", "broken", "refused", "tools", "effort", "count", "roles", "long"]
"""`broken`: the stream was no proper stream. `refused`: the endpoint will not do this request, now or later.
`tools`: the model cannot call tools. `effort`: it takes tools only with its reasoning switched off.
`count`: the endpoint will not be asked to count tokens. `roles`: the model's template takes users and assistants in turns alone.
`long`: the conversation is longer than the model takes."""

QUOTED_LIMIT_CHARS = 300
"""How much of an endpoint's own words stands in a reason: a sentence or two, not a web page of a proxy."""

_NO_TOOLS = re.compile(
    r"(not support\w*|endpoints found that support).{0,60}\btool|\btools?\b.{0,60}(not support|requires)", re.IGNORECASE | re.DOTALL
)
# How endpoints say it. Ollama: "... does not support tools"; OpenRouter: "No endpoints found that support tool use";
# vLLM: '"auto" tool choice requires ...'; OpenAI since GPT-5.4: "Function tools with reasoning_effort are not supported for
# ... in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'".


_ROLES = re.compile(
    r"roles? must alternate|must alternate between|system (?:role|message|prompt)s?\b.{0,40}not (?:be )?support"
    r"|not support.{0,40}\bsystem\b|only user(?: role)? (?:and|or) (?:assistant|model)",
    re.IGNORECASE | re.DOTALL,
)
# The chat templates of Gemma and of older models by Mistral, as vLLM, llama.cpp and TGI hand them on: "Conversation roles must alternate
# user/assistant/...", "System role not supported", "Only user and assistant roles are supported!".

_LONG = re.compile(
    r"context_length_exceeded|maximum context|context (?:length|size|window)|prompt is too long|input is too long"
    r"|too many (?:input )?tokens|request too large|exceeds the maximum number of tokens",
    re.IGNORECASE,
)
# OpenAI, vLLM: "This model's maximum context length is 4096 tokens"; llama.cpp: "the request exceeds the available context size";
# Anthropic: "prompt is too long"; Gemini: "exceeds the maximum number of tokens allowed"; OpenAI and Groq, where the tokens of a minute
# are fewer: "Request too large for ...".


class ModelFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One failed model call."""

    kind: Kind
    reason: str
    """A sentence for the user."""
    retryable: bool = False
    """Whether the same call may succeed in a moment."""
    retry_after_s: float | None = None
    """What the endpoint asked us to wait."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a failed call was about, for the sentences."""

    model: str
    base_url: str
    key_name: str
    """The variable in which the key belongs, such as OPENAI_API_KEY."""
    key_origin: str = ""
    """Where the key that was sent was found; empty: none was sent."""
    key_note: str = ""
    """Why one that is there was not sent; a sentence."""


def from_status(
    status: int, said: str, asked: Asked, *, retry_after_s: float | None, offered: list[str], location: str = ""
) -> ModelFailure:
    """Translate an HTTP error answer.

    Args:
        status: the HTTP status.
        said: the endpoint's own words, already free of the key.
        asked: what the call was about.
        retry_after_s: from the Retry-After header.
        offered: for a 404, what `/v1/models` lists; empty when it could not be had.
        location: where a redirect leads, free of the key too.
    """
    quote = quoted(said)
    where = asked.base_url
    if _speaks_of_effort(said) and status == 400:
        return ModelFailure(
            kind="effort",
            reason=f"The model {asked.model!r} at {where} calls tools only over another interface than chat completions"
            f"{quote} Choose another by BEAKER_MODEL.",
        )
    if _speaks_of_tools(said) and status in (400, 404, 422, 501):
        return ModelFailure(kind="tools", reason=f"The model {asked.model!r} at {where} cannot call tools{quote}")
    if _LONG.search(said) and status in (400, 413, 422, 429, 500):
        reason = f"The question with all that goes with it is longer than the model {asked.model!r} at {where} takes{quote}"
        return ModelFailure(kind="long", reason=f"{reason} `%beaker reset` begins a new conversation.")
    if _ROLES.search(said) and status in (400, 422, 500):
        return ModelFailure(kind="roles", reason=f"The model {asked.model!r} at {where} takes no conversation of this form{quote}")
    if 300 <= status < 400:
        return ModelFailure(kind="refused", reason=_redirect_words(status, location, where))
    match status:
        case 401 | 403:
            return ModelFailure(kind="key", reason=_key_words(status, asked))
        case 404:
            choice = f" It offers: {', '.join(offered[:30])}." if offered else " Check OPENAI_BASE_URL as well."
            return ModelFailure(
                kind="model",
                reason=f"The endpoint {where} does not know the model {asked.model!r}{quote}{choice} Choose one by BEAKER_MODEL.",
            )
        case 402:
            return ModelFailure(kind="refused", reason=f"The account at {where} has no credit left (status 402){quote}")
        case 429:
            if "insufficient_quota" in said:
                return ModelFailure(kind="refused", reason=f"The account at {where} has no quota left (status 429){quote}")
            return ModelFailure(
                kind="rate",
                reason=f"The endpoint {where} takes no more requests for now (status 429){quote}",
                retryable=True,
                retry_after_s=retry_after_s,
            )
        case 408 | 409 | 500 | 502 | 503 | 504 | 529:
            return ModelFailure(
                kind="server",
                reason=f"The endpoint {where} failed (status {status}){quote}",
                retryable=True,
                retry_after_s=retry_after_s,
            )
        case _:
            return ModelFailure(kind="refused", reason=f"The endpoint {where} refused the request (status {status}){quote}")


def _redirect_words(status: int, location: str, where: str) -> str:
    """Nobody is asked but who was configured: a redirect would carry the question elsewhere."""
    target = location.split("?")[0].removesuffix("/chat/completions").removesuffix("/models")
    to = f" to {cut(target, QUOTED_LIMIT_CHARS)}" if target.startswith(("http://", "https://")) and "@" not in target else ""
    return (
        f"The endpoint {where} sends requests on{to} (status {status}), and nothing was sent there. If that is where your questions shall "
        "go, set OPENAI_BASE_URL to it."
    )


def _key_words(status: int, asked: Asked) -> str:
    """Name the place where the key has to be mended, or the places where one may be set."""
    where = asked.base_url
    if asked.key_origin:
        # A kernel that is restarted gets the environment in which Jupyter was started, as it was.
        remedy = (
            "set a valid one where Jupyter is started, and start Jupyter again."
            if asked.key_origin.startswith("environment ")
            else "set a valid one there, and restart the kernel."
        )
        return f"The endpoint {where} refused the key (status {status}). It comes from {asked.key_origin}: {remedy}"
    if asked.key_note:
        return (
            f"The endpoint {where} wants a key (status {status}). {asked.key_note} Set key and address in one place, and restart the "
            "kernel; Jupyter, if that place is its environment."
        )
    return (
        f"The endpoint {where} wants a key (status {status}), and there is none. Set {asked.key_name} where Jupyter is started, or, in a "
        "checkout, in a copy of env.example called .env, for make dev; then start Jupyter again."
    )


def from_connection(detail: str, asked: Asked) -> ModelFailure:
    """Translate a connection that could not be made or was lost before any answer."""
    return ModelFailure(
        kind="connection",
        reason=f"No connection to {asked.base_url}{quoted(detail)} Check OPENAI_BASE_URL, and that the endpoint runs.",
        retryable=True,
    )


def from_connect_timeout(waited_s: float, asked: Asked) -> ModelFailure:
    """Translate a connection that was not made in time."""
    return ModelFailure(
        kind="connection",
        reason=f"No connection to {asked.base_url} within {waited_s:g} s. Check OPENAI_BASE_URL and the network.",
        retryable=True,
    )


def from_silence(waited_s: float, asked: Asked, *, began: bool) -> ModelFailure:
    """Translate an endpoint that fell silent. Not tried again: that would double a wait that was long already."""
    what, setting = ("sent nothing more", "agent.silence_timeout_s") if began else ("did not begin to answer", "agent.first_byte_timeout_s")
    return ModelFailure(
        kind="timeout",
        reason=f"The endpoint {asked.base_url} {what} for {waited_s:g} s ({setting}). Ask again, or allow a longer silence.",
    )


def from_broken_stream(detail: str, asked: Asked) -> ModelFailure:
    """Translate a stream that is not what chat completions look like, or that ended too early."""
    return ModelFailure(
        kind="broken",
        reason=f"The answer of {asked.base_url} was broken: {quoted(detail, bare=True)} Ask again.",
        retryable=True,
    )


def from_endless(detail: str, asked: Asked) -> ModelFailure:
    """Translate an answer that was ended by us. Not tried again: it would be as long."""
    return ModelFailure(kind="broken", reason=f"The answer of {asked.base_url} was ended here: it had {detail}. Ask for less at once.")


def quoted(said: str, *, bare: bool = False) -> str:
    """End a sentence with foreign words, shortened to one line: `: words.`, or just a full stop if there are none.

    >>> quoted("no such\\n thing")
    ': no such thing.'
    >>> quoted("")
    '.'
    """
    plain = re.sub(r"<[^<>]{1,200}>|[\x00-\x1f\x7f-\x9f]", " ", said)  # some answer with a web page
    words = cut(re.sub(r"\s+", " ", plain).strip(), QUOTED_LIMIT_CHARS).rstrip(".")
    if not words:
        return "." if not bare else "no details."
    return f"{words}." if bare else f": {words}."


def _speaks_of_tools(said: str) -> bool:
    return _NO_TOOLS.search(said) is not None


def _speaks_of_effort(said: str) -> bool:
    return "reasoning_effort" in said or "/v1/responses" in said


def parse_retry_after(milliseconds: str | None, header: str | None, *, now: float) -> float | None:
    """Read how long an endpoint asks us to wait.

    Args:
        milliseconds: the header Retry-After-Ms, which some endpoints send beside the other.
        header: the header Retry-After: seconds, or an HTTP date.
        now: wall clock, seconds since the epoch.

    Returns:
        Seconds, or None where there is no header that makes sense.

    >>> parse_retry_after(None, "7", now=0.0)
    7.0
    >>> parse_retry_after(None, "Thu, 01 Jan 1970 00:01:00 GMT", now=50.0)
    10.0
    """
    for value, scale in ((milliseconds, 0.001), (header, 1.0)):
        try:
            seconds = float(value or "") * scale
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    try:
        return max(parsedate_to_datetime(header or "").timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None
