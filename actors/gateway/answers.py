"""What the gateway answers: JSON, and for everything that goes wrong a sentence.

An error is `{"message", "reason"}`: `message` is what JupyterLab shows to the user, `reason` the kind of it in a few words.
Handlers raise `Problem`; `complaints` makes answers of them, and of what aiohttp raises by itself.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
from aiohttp import hdrs, web

from beaker.errors import BeakerError
from beaker.gateway.pages import fill
from beaker.wire.parts import UNREADABLE

T = TypeVar("T")

JSON = "application/json"
HTML: Final = "text/html"

TRACE_HEADER: Final = "X-Request-ID"
"""Of answers: by it the log lines of a request are found."""

RESOURCE_POLICY: Final = "Cross-Origin-Resource-Policy"

COMMON_HEADERS: Final[dict[str, str]] = {
    "Server": "beaker",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    # Not no-referrer: with it browsers hide the origin of our own forms, and we refuse what hides its origin.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    # No foreign page keeps a hold on a window with ours in it.
    "Cross-Origin-Opener-Policy": "same-origin",
    # No foreign page may take in what we send, not as a picture or a script either, from which it could learn its size.
    RESOURCE_POLICY: "same-origin",
}
"""What every answer carries unless its handler says something else; pages have a policy of their own."""

_encode = msgspec.json.Encoder().encode

_RENAMED = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
"""As RFC 9110 has them; Python does from 3.13 on."""


class Problem(BeakerError):
    """Why a request is not met.

    Args:
        status: of the answer.
        message: a sentence for the user.
        reason: the kind of it; empty: the name of the status.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, *, reason: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason or phrase_of(status)
        self.headers = headers


class BrokenOff(BeakerError):
    """An answer whose head has gone out cannot be finished."""


def phrase_of(status: int) -> str:
    """The name of a status, the same for every Python."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class _Complaint(msgspec.Struct, frozen=True):
    """The body of an error."""

    message: str
    reason: str


def json_answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with a body; Structs, dates and what else msgspec writes."""
    return web.Response(body=_encode(value), status=status, headers=headers, content_type=JSON)


def empty_answer(status: int = 204, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status, headers=headers)


def is_of_browser(request: web.Request) -> bool:
    """Whether a person looks at the answer, and no program: browsers name HTML when a page is opened or a form is sent, and programs,
    curl and `fetch` among them, take anything."""
    return any(HTML in accepted.lower() for accepted in request.headers.getall(hdrs.ACCEPT, ()))


def leading_answer(request: web.Request, status: HTTPStatus, target: str, words: str) -> web.Response:
    """An answer that leads to another page, and says so to whoever does not follow: a program reads the sentence as JSON.

    Args:
        status: 302 or 303.
        target: below this host; it may have been said by a stranger.
        words: a sentence.
    """
    headers: dict[str, str] = {hdrs.LOCATION: target}
    if not is_of_browser(request):
        return problem_answer(Problem(status, words, headers=headers))
    return web.Response(status=status, text=fill(_LEADING, words=words, target=target), content_type=HTML, headers=headers)


_LEADING: Final = '<!doctype html>\n<html lang="en"><title>beaker gateway</title><p>$words <a href="$target">Go on</a></p></html>\n'


def problem_answer(problem: Problem) -> web.Response:
    """The answer that says what is wrong."""
    return json_answer(_Complaint(str(problem), problem.reason), status=problem.status, headers=problem.headers)


async def read_body(request: web.Request, kind: type[T]) -> T:
    """What a client has sent, as JSON; nothing counts as an empty object.

    Args:
        kind: a Struct whose fields have defaults where they may be missing; keys that it does not name are ignored.

    Raises:
        Problem: 400, it is something else.
    """
    body = await request.read()
    try:
        return msgspec.json.decode(body.decode() or "{}", type=kind)  # decoded first: msgspec looks at no key that it skips
    except UNREADABLE as error:
        raise Problem(400, f"The body of the request is not what is wanted here: {error}.") from None


def moment(seconds: float) -> datetime:
    """Wall-clock seconds since the epoch as a date; written as ISO 8601 with Z."""
    return datetime.fromtimestamp(seconds, UTC)
