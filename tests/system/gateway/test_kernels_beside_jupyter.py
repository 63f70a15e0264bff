"""The same requests to a real Jupyter server and to a gateway, on kernels, kernelspecs, sessions: statuses, headers, shapes of answers."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import aiohttp
import pytest
from yarl import URL

from tests.kit.running_gateway import RunningGateway, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

ID = "7a0bb5c4-94b4-4b85-9a3e-0d2f31d9a6f1"
NONE = "00000000-0000-4000-8000-000000000000"

SHOWN: Mapping[str, str] = {"Authorization": "token $token"}


class Step(NamedTuple):
    """A request, and what we do otherwise on purpose."""

    method: str
    path: str
    """`$name` is what an earlier answer gave."""
    body: object = None
    """Bytes are sent as they are."""
    keep: str = ""
    """The name for the id in the answer; of a session, with `_kernel` behind it, for its kernel's."""
    headers: Mapping[str, str] = SHOWN
    ours: int | None = None
    """Our status, where it is another."""
    why: str = ""
    apart: bool = False
    """The shape of our body is another, on purpose."""


WRONG_WISH = "a wish that cannot be met is a wrong request, and no fault of the server's"
NO_CRASH = "theirs stumbles"
WHO = "who shows nothing, or something wrong, is not known (401); 403 is for those whose page or address is wrong"
KIND = "without a type it is a notebook's session"
NOTHING = "a change of nothing is none"
GONE = "what is not there is not found, whatever names it"
DOOR = "no page of another origin may call, whatever it shows"
SAVING = "ours says besides why nothing is written down"
NOBODY = "nothing of who one is can be changed here"
NO_NAME = "a session without a name has an empty one: @jupyterlab/services takes nothing but text"
SHARED = "a kernel that another session has does not end with one"
TAKEN = "who wants a new kernel gets none that runs, with whatever is in it"
UPGRADE = "that only a websocket can be opened here is said first"

STEPS = [
    Step("GET", "/api"),
    Step("GET", "/api", headers={}),
    Step("GET", "/api/status", why=SAVING, apart=True),
    Step("GET", "/api/me", why=NOBODY, apart=True),
    Step("GET", "/api/kernelspecs"),
    Step("GET", "/api/kernelspecs/python3"),
    Step("GET", "/api/kernelspecs/none"),
    Step("GET", "/kernelspecs/python3/logo-64x64.png"),
    Step("GET", "/kernelspecs/python3/none.png"),
    Step("GET", "/kernelspecs/none/logo-64x64.png"),
    # Who may come in.
    Step("GET", "/api/kernels", headers={}, ours=401, why=WHO),
    Step("GET", "/api/kernels", headers={"Authorization": "token wrong"}, ours=401, why=WHO),
    Step("GET", "/api/kernels?token=wrong", headers={}, ours=401, why=WHO),
    Step("POST", "/api/kernels", {}, headers={}, ours=401, why=WHO),
    Step("GET", "/api/kernels?token=$token", headers={}),
    Step("GET", "/api/kernels", headers={"Authorization": "Bearer $token"}),
    Step("GET", "/api/kernels", headers={**SHOWN, "Origin": "https://elsewhere.test"}, ours=403, why=DOOR),
    # Kernels.
    Step("GET", "/api/kernels"),
    Step("GET", "/api/kernels/"),
    Step("GET", "/api/nothing/"),
    Step("POST", "/api/kernels", keep="first"),
    Step("GET", "/api/kernels/$first"),
    Step("GET", "/api/kernels"),
    Step("POST", "/api/kernels", {"name": "python3", "path": "sub", "kernel_id": ID, "env": {"KERNEL_X": "1", "n": 1}, "more": [1]}),
    Step("POST", "/api/kernels", {"name": "python3", "kernel_id": ID}, ours=409, why=TAKEN),
    Step("POST", "/api/kernels", {"name": "none"}, ours=400, why=WRONG_WISH),
    Step("POST", "/api/kernels", b"{"),
    Step("POST", "/api/kernels", b"\xff", ours=400, why=NO_CRASH),
    Step("POST", "/api/kernels", [], ours=400, why=NO_CRASH),
    Step("POST", "/api/kernels", {"name": 3}, ours=400, why=NO_CRASH),
    Step("POST", f"/api/kernels/{ID}/interrupt"),
    Step("POST", f"/api/kernels/{ID}/restart"),
    Step("POST", f"/api/kernels/{ID}/restart", {"any": 1}),
    Step("GET", f"/api/kernels/{ID}/restart"),
    Step("PUT", "/api/kernels", {}),
    Step("DELETE", f"/api/kernels/{ID}"),
    Step("GET", f"/api/kernels/{ID}"),
    Step("DELETE", f"/api/kernels/{ID}"),
    Step("GET", f"/api/kernels/{NONE}"),
    Step("DELETE", f"/api/kernels/{NONE}"),
    Step("POST", f"/api/kernels/{NONE}/interrupt"),
    Step("POST", f"/api/kernels/{NONE}/restart", ours=404, why=NO_CRASH),
    Step("GET", "/api/kernels/none"),
    Step("GET", f"/api/kernels/{NONE}/channels", ours=400, why=UPGRADE),
    Step("GET", "/api/kernels/$first/channels"),
    # Sessions.
    Step("GET", "/api/sessions"),
    Step("POST", "/api/sessions"),
    Step("POST", "/api/sessions", {}),
    Step("POST", "/api/sessions", b"["),
    Step("POST", "/api/sessions", {"path": "a.ipynb", "type": "notebook", "kernel": {"name": "none"}}, ours=400, why=WRONG_WISH),
    Step(
        "POST",
        "/api/sessions",
        {"path": "a b.ipynb", "name": "a b", "type": "notebook", "kernel": {"id": "$first", "name": "python3"}, "more": 1},
        keep="s",
    ),
    Step("POST", "/api/sessions", {"path": "a b.ipynb", "type": "notebook", "kernel": {"name": "python3"}}, keep="again"),
    Step("GET", "/api/sessions"),
    Step("GET", "/api/sessions/$s"),
    Step("PATCH", "/api/sessions/$s", {"path": "sub/ü.ipynb"}),
    Step("PATCH", "/api/sessions/$s", {"name": "other", "type": "console"}),
    Step("PATCH", "/api/sessions/$s", {"name": "back", "type": "notebook", "kernel": {"id": None, "name": None}}),
    Step("PATCH", "/api/sessions/$s", {"kernel": {"id": "$first"}}),
    Step("PATCH", "/api/sessions/$s", {"kernel": {"id": NONE}}, ours=404, why=GONE),
    Step("PATCH", "/api/sessions/$s", {"kernel": {"name": "none"}}, ours=400, why=WRONG_WISH),
    Step("PATCH", "/api/sessions/$s", {"kernel": {"name": "python3"}}, keep="s"),
    Step("GET", "/api/kernels/$first"),
    Step("PATCH", "/api/sessions/$s", {}),
    Step("PATCH", "/api/sessions/$s", ours=200, why=NOTHING),
    Step("PATCH", "/api/sessions/$s", b"{"),
    Step("PATCH", f"/api/sessions/{NONE}", {"path": "x"}),
    Step("GET", f"/api/sessions/{NONE}"),
    Step("DELETE", f"/api/sessions/{NONE}"),
    Step("GET", "/api/sessions/none"),
    Step(
        "POST", "/api/sessions", {"path": "c.py", "type": "console", "kernel": {"id": "$s_kernel"}}, keep="second", why=NO_NAME, apart=True
    ),
    Step("DELETE", "/api/sessions/$second"),
    Step("GET", "/api/kernels/$s_kernel", ours=200, why=SHARED),
    Step("DELETE", "/api/kernels/$s_kernel", ours=204, why=SHARED),
    Step("GET", "/api/sessions"),
    Step("DELETE", "/api/sessions/$s"),
    Step("POST", "/api/sessions", {"path": "d.ipynb"}, keep="third", ours=201, why=KIND),
    Step("DELETE", "/api/sessions/$third", ours=204, why=KIND),
    Step("POST", "/api/sessions", {"path": "e.ipynb", "type": "notebook", "kernel": {"id": NONE}}, ours=404, why=GONE),
    Step("GET", "/api/none"),
]


class Answer(NamedTuple):
    """What of an answer must be equal."""

    status: int
    location: str | None
    kind: str | None
    shape: object


def _shape(value: Any) -> object:  # Any: JSON
    match value:
        case dict() if "kernelspecs" in value:
            return {"default": "str", "one": _shape(value["kernelspecs"]["python3"])}
        case dict():
            return {key: _shape(value[key]) for key in sorted(value)}
        case list():
            return [_shape(entry) for entry in value]
        case _:
            return type(value).__name__


def _filled(value: Any, names: Mapping[str, str]) -> Any:  # Any: JSON
    match value:
        case str():
            return Template(value).substitute(names)
        case dict():
            return {key: _filled(entry, names) for key, entry in value.items()}
        case _:
            return value


async def _answers(server: Server) -> list[Answer]:
    names = {"token": server.token, "third": NONE}
    answers = []
    # Without cookies: theirs gives one to whoever shows the token.
    async with aiohttp.ClientSession(server.url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        for step in STEPS:
            body = (
                None if step.body is None else step.body if isinstance(step.body, bytes) else json.dumps(_filled(step.body, names)).encode()
            )
            address = URL(_filled(step.path, names), encoded=True)
            async with http.request(step.method, address, data=body, headers=_filled(dict(step.headers), names)) as answer:
                text = await answer.read()
                location = answer.headers.get("Location")
                kind = answer.content_type if text and answer.status < 400 else None
                value = json.loads(text) if kind == "application/json" else None
                if step.keep and value:
                    names[step.keep] = value["id"]
                    names[f"{step.keep}_kernel"] = value.get("kernel", {}).get("id", "")
                if location is not None and value:
                    location = location.replace(value["id"], "<id>")
                answers.append(Answer(answer.status, location, kind, _shape(value)))
    return answers


@pytest.fixture(scope="session")
def theirs(jupyter: tuple[Server, Path]) -> list[Answer]:
    """What a Jupyter server answers to all of it: asked once, whatever answers beside it."""
    return asyncio.run(_answers(jupyter[0]))


async def test_both_answer_alike(theirs: list[Answer], gateway: RunningGateway) -> None:
    (gateway.root / "sub").mkdir(exist_ok=True)
    wrong = []
    for step, their, our in zip(STEPS, theirs, await _answers(gateway), strict=True):
        wanted = their if step.ours is None else their._replace(status=step.ours)
        if step.ours is not None and (step.ours >= 400) != (their.status >= 400):
            wanted = wanted._replace(location=our.location, shape=our.shape, kind=our.kind)
        if step.apart:
            wanted = wanted._replace(shape=our.shape)
        # What is said to be otherwise, and is not, is wrong too.
        if our != wanted or (our != their) != bool(step.why):
            wrong.append(f"{step}\n   theirs: {their}\n   ours:   {our}")
    assert not wrong, "\n".join(wrong)
