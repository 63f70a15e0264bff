"""The few pages of the gateway itself: the login, the way out, and what this is and how to connect to it.

The login is a plain form without a script. It cannot be forged: the door refuses whatever names a foreign Origin, browsers
name it with every form, and whoever sends the form has to know the token. What it gives is the session cookie, which holds no
token. The templates lie in `web/`, beside this file; they are read once.
"""

import shlex
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import hdrs, web

from actors.gateway.answers import HTML, Problem, is_of_browser, leading_answer, problem_answer
from actors.gateway.asking import not_saving
from actors.gateway.door import begin_session, end_session, renew_word, take_session
from actors.gateway.models import KernelModel, all_kernel_models
from actors.gateway.rates import count_failure
from actors.gateway.routes import Route, get, post
from actors.gateway.service import Service, service_of
from beaker.gateway.cookies import same_token
from beaker.gateway.pages import POLICY, Html, fill, raw, safe_next, table
from beaker.places import FULL

FOLDER: Final = Path(__file__).with_name("web")

STATIC: Final = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
"""All files that are handed out, with their types; others are not looked for."""

KEEP_S: Final = 3600
"""How long browsers keep these; an hour spares most of the asking, and a new version is seen the same day."""

_WRONG: Final = "That is not the token of this gateway."

_LONGEST: Final = 10_000
"""Bytes of a form: a token and an address."""


class LoginWanted(msgspec.Struct):
    """The login in JSON, for whoever has no form."""

    token: str = ""
    next: str = ""


async def show_home(request: web.Request) -> web.Response:
    """`GET /`: what this is, what runs, how to connect."""
    service = service_of(request)
    address = f"{service.rules.origin_of(request.host)}{service.base_url}".rstrip("/")
    try:
        kernels = await all_kernel_models(service)
        title, listed, trouble = _count(len(kernels)), _kernels(kernels), await not_saving(service)
    except Problem as problem:
        title, listed, trouble = "Kernels", fill("<p>$words</p>", words=str(problem)), ""
    page = _page(
        service,
        "beaker gateway",
        _template("home.html"),
        kernels_title=title,
        kernels=raw(listed),
        connect=raw(_connecting(service, address)),
        logout=raw("") if service.rules.token is None else raw(fill(_LOGOUT, base=service.base_url)),
        banner=raw(fill(_NOT_SAVING, why=trouble) if trouble else ""),
        ui=raw(_NO_UI if service.settings.ui else ""),
    )
    renew_word(request, page)
    return page


async def show_login(request: web.Request) -> web.Response:
    """`GET /login`: the form, unless whoever asks is in already."""
    service = service_of(request)
    target = safe_next(request.query.get("next", ""), service.base_url)
    if service.rules.token is None or service.session_of(request):
        return leading_answer(request, HTTPStatus.FOUND, target, "You are signed in.")
    return _login(service, target)


async def log_in(request: web.Request) -> web.Response:
    """`POST /login`: the token for a session.

    Raises:
        Problem: 401, it is a wrong one, and a program has sent it; 429, too many of these have come from there.
    """
    service = service_of(request)
    form = await _read(request)
    target = safe_next(form.next, service.base_url)
    if service.rules.token is not None and not same_token(form.token.strip(), service.rules.token):
        count_failure(service.failures, request.remote or "")
        if not is_of_browser(request):
            raise Problem(HTTPStatus.UNAUTHORIZED, _WRONG)
        return _login(service, target, complaint=_WRONG)
    answer = leading_answer(request, HTTPStatus.SEE_OTHER, target, "You are signed in.")
    begin_session(request, answer)
    return answer


async def show_logout(request: web.Request) -> web.Response:
    """`GET /logout`: a form, since a link alone must change nothing."""
    service = service_of(request)
    return _page(service, "Sign out - beaker gateway", _template("logout.html"))


async def log_out(request: web.Request) -> web.Response:
    """`POST /logout`: takes the browser's session away, whether or not it had one.

    Where the end of it cannot be written down the answer is a page that says so, because a copy of its cookie is worth something yet.
    """
    service = service_of(request)
    answer = leading_answer(request, HTTPStatus.SEE_OTHER, f"{service.base_url}login", "You are signed out.")
    try:
        end_session(request)
    except OSError as error:
        service.log.error("session.end_not_written", reason=str(error))
        full = error.errno in FULL
        status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.INTERNAL_SERVER_ERROR
        why = error.strerror or str(error)
        if is_of_browser(request):
            answer = _page(service, "Not signed out everywhere - beaker gateway", _NOT_WRITTEN, status=status, why=why)
        else:
            answer = problem_answer(Problem(status, f"Your session is over here, but its end could not be written down ({why})."))
    take_session(request, answer)
    return answer


async def send_static(request: web.Request) -> web.Response:
    """`GET /static/<name>`: the style sheet and the icon.

    Raises:
        Problem: 404, it is neither.
    """
    name = request.match_info["name"]
    if name not in STATIC:
        raise Problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
    return web.Response(body=_template(name).encode(), content_type=STATIC[name], headers={hdrs.CACHE_CONTROL: f"max-age={KEEP_S}"})


@cache
def _template(name: str) -> str:
    return (FOLDER / name).read_text()


def _page(service: Service, title: str, template: str, *, status: int = 200, **values: str) -> web.Response:
    body = fill(template, base=service.base_url, **values)
    whole = fill(_template("frame.html"), title=title, base=service.base_url, body=raw(body))
    return web.Response(status=status, text=whole, content_type=HTML, headers={"Content-Security-Policy": POLICY})


def _login(service: Service, target: str, *, complaint: str = "") -> web.Response:
    said = fill('<p class="bad" role="alert" id="wrong">$words</p>', words=complaint) if complaint else Html("")
    return _page(
        service,
        "Sign in - beaker gateway",
        _template("login.html"),
        status=HTTPStatus.UNAUTHORIZED if complaint else HTTPStatus.OK,
        next=target,
        complaint=raw(said),
        invalid=raw(' aria-invalid="true" aria-errormessage="wrong"' if complaint else ""),
    )


async def _read(request: web.Request) -> LoginWanted:
    # Everybody may send this: no more of it is read than it can be, which its head has to say.
    if request.content_length is None:
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "Say how long the form is.")
    if request.content_type not in {"application/json", "application/x-www-form-urlencoded"}:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send a form, or JSON.")
    try:
        if request.content_type == "application/json":
            return msgspec.json.decode(await request.read(), type=LoginWanted)
        sent = await request.post()
    except (ValueError, LookupError, msgspec.DecodeError):  # LookupError: letters of a kind that there is not
        raise Problem(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from None
    token, target = sent.get("token", ""), sent.get("next", "")
    return LoginWanted(token if isinstance(token, str) else "", target if isinstance(target, str) else "")


def _count(number: int) -> str:
    return "One kernel runs" if number == 1 else f"{number or 'No'} kernels run"


def _connecting(service: Service, address: str) -> Html:
    """How interfaces connect."""
    settings = service.settings
    if settings.unix_socket and not settings.public_url:
        return fill(_template("connect_by_socket.html"), base=service.base_url, socket=shlex.quote(settings.unix_socket))
    return fill(_template("connect.html"), address=address, websocket_address="ws" + address.removeprefix("http"))


def _kernels(kernels: list[KernelModel]) -> Html:
    if not kernels:
        return Html('<p class="quiet">They are started from a notebook that is connected.</p>')
    rows = [(model.name, model.execution_state, str(model.connections), f"{model.last_activity:%Y-%m-%d %H:%M} UTC") for model in kernels]
    return table("Kernels", ("Kernel", "State", "Connections", "Last active"), rows)


_LOGOUT: Final = '<form method="post" action="${base}logout"><button class="plain" type="submit">Sign out</button></form>'

_NOT_SAVING: Final = """<p class="bad" role="alert"><strong>Not saving.</strong> $why. Kernels go on, and new ones can be started; but
a gateway that is started after a crash would not know what has changed since. It is written as soon as there is room again.</p>"""

_NOT_WRITTEN: Final = """<main class="narrow"><h1>Not signed out everywhere</h1>
<p class="bad" role="alert">This browser has forgotten its session, and the process that answered you takes it no more.
But its end could not be written down ($why), so a copy of its cookie may still open this gateway by way of its other processes, or after a
restart. It is written down when that process is asked again and there is room. To be sure, start the gateway with another token.</p>
</main>"""

_NO_UI: Final = """<section class="card" aria-labelledby="ui">
<h2 id="ui">The web notebook is not part of this version</h2>
<p>The gateway was started with <code>--ui</code>. Until the notebook is there, connect JupyterLab or another interface as below.</p>
</section>"""

ROUTES: Final[tuple[Route, ...]] = (
    get("", show_home, page=True),
    get("login", show_login, public=True),
    post("login", log_in, public=True, body_bytes=_LONGEST),
    get("logout", show_logout, page=True),
    post("logout", log_out, public=True),
    get("static/{name}", send_static, public=True),
)
"""Pages, and what they need."""
