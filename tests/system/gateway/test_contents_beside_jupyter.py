"""The same requests to a real Jupyter server and to a gateway, on contents: statuses, headers, keys and types of the answers."""

import asyncio
import json
import math
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from yarl import URL

from tests.kit.running_gateway import RunningGateway, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

CELL = {"cell_type": "code", "id": "a", "source": "1", "metadata": {}, "execution_count": 1, "outputs": []}
NOTEBOOK = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class Step(NamedTuple):
    """A request, and what we do otherwise on purpose."""

    method: str
    path: str
    body: object = None
    ours: int | None = None
    """Our status, where it is another."""
    why: str = ""


def _file(content: str, form: str = "text", **more: object) -> dict[str, object]:
    return {"type": "file", "format": form, "content": content, **more}


CONFLICT = "what stands in the way of a rename, or of a folder's removal, is a conflict, and no wrong request"
TRUE_STATUS = "a folder that is there already was not created"
MEANT = "what is not said follows from the name, as for something new"
NOT_OURS = "our own sentence, with the status that fits"
NO_CRASH = "theirs stumbles"
HIDDEN = "whether there is a hidden file is not said by any method"

STEPS = [
    Step("GET", ""),
    Step("GET", "?content=0"),
    Step("GET", "?type=directory"),
    Step("GET", "?type=file"),
    Step("GET", "?type=notebook"),
    Step("GET", "?content=2"),
    Step("GET", "none"),
    Step("GET", "none?content=0"),
    Step("GET", "sub"),
    Step("GET", "sub?type=file"),
    Step("GET", "old.txt"),
    Step("GET", "old.txt?content=0"),
    Step("GET", "old.txt?content=0&hash=1"),
    Step("GET", "old.txt?hash=2"),
    Step("GET", "old.txt?type=file&format=text"),
    Step("GET", "old.txt?type=file&format=base64"),
    Step("GET", "old.txt?format=xml"),
    Step("GET", "old.txt?type=directory"),
    Step("GET", "old.txt?type=notebook"),
    Step("GET", "old.txt?type=chapter"),
    Step("GET", "binary"),
    Step("GET", "binary?format=text"),
    Step("GET", "sub/%C3%BC%20b.txt"),
    Step("GET", "book.ipynb"),
    Step("GET", "book.ipynb?content=0"),
    Step("GET", "book.ipynb?hash=1"),
    Step("GET", "book.ipynb?type=file&format=text"),
    Step("GET", "broken.ipynb"),
    Step("GET", "nan.ipynb"),
    Step("GET", "half.ipynb", None, 200, NO_CRASH),
    Step("GET", "a%0Ab.txt"),
    Step("GET", ".hidden"),
    Step("GET", "..%2Fsecret.txt"),
    Step("PUT", "new.txt", _file("text")),
    Step("PUT", "new.txt", _file("text again")),
    Step("PUT", "new64.bin", _file("AAEC", "base64")),
    Step("PUT", "new.ipynb", {"type": "notebook", "format": "json", "content": NOTEBOOK}),
    Step("PUT", "new.ipynb", {"type": "notebook", "format": "json", "content": NOTEBOOK}),
    Step("PUT", "empty.ipynb", {"type": "notebook"}),
    Step("PUT", "guessed.ipynb", {"format": "json"}),
    Step("PUT", "newdir", {"type": "directory"}),
    Step("PUT", "newdir", {"type": "directory"}, 200, TRUE_STATUS),
    Step("PUT", "newdir/a%20b%25.txt", _file("text")),
    Step("PUT", "old.txt", {"type": "file", "format": "text"}),
    Step("PUT", "nowhere/a.txt", _file("text"), 404, NOT_OURS),
    Step("PUT", "sub", _file("text"), 400, NO_CRASH),
    Step("PUT", "bad.txt", _file("text", "xml")),
    Step("PUT", "copy.txt", {"copy_from": "old.txt"}),
    Step("PUT", ".hidden2", _file("text"), 404, HIDDEN),
    Step("PUT", "pieces", _file("AA==", "base64", chunk=1)),
    Step("PUT", "pieces", _file("AA==", "base64", chunk=-1), 201, "a file that comes in pieces is there with the last of them"),
    Step("POST", ""),
    Step("POST", "", {"type": "notebook"}),
    Step("POST", "", {"type": "notebook"}),
    Step("POST", "", {"type": "directory"}),
    Step("POST", "", {"type": "file", "ext": ".py"}),
    Step("POST", "", {"ext": ".ipynb"}),
    Step("POST", "sub", {"copy_from": "old.txt"}),
    Step("POST", "", {"copy_from": "book.ipynb"}),
    Step("POST", "", {"copy_from": "none"}),
    Step("POST", "none", {"type": "file"}),
    Step("POST", "old.txt", {"type": "file"}, 404, NOT_OURS),
    Step("PATCH", "new.txt", {"path": "renamed.txt"}),
    Step("PATCH", "renamed.txt", {"path": "old.txt"}),
    Step("PATCH", "none", {"path": "x"}),
    Step("PATCH", "old.txt", {"path": "nowhere/x"}),
    Step("PATCH", "sub", {"path": "sub/x"}, 400, NO_CRASH),
    Step("PATCH", "renamed.txt", {"path": "renamed.txt"}),
    Step("GET", "old.txt/checkpoints"),
    Step("POST", "old.txt/checkpoints"),
    Step("GET", "old.txt/checkpoints"),
    Step("POST", "old.txt/checkpoints/checkpoint"),
    Step("POST", "old.txt/checkpoints/none", None, 404, NO_CRASH),
    Step("DELETE", "old.txt/checkpoints/checkpoint"),
    Step("DELETE", "old.txt/checkpoints/checkpoint"),
    Step("GET", "none/checkpoints", None, 404, "there is no file that could have any"),
    Step("POST", "none/checkpoints", None, 404, NO_CRASH),
    Step("POST", "book.ipynb/trust"),
    Step("DELETE", "renamed.txt"),
    Step("DELETE", "renamed.txt"),
    Step("DELETE", "newdir", None, 409, CONFLICT),
    Step("DELETE", "newdir/a%20b%25.txt"),
    Step("DELETE", "newdir"),
    Step("DELETE", ".hidden", None, 404, HIDDEN),
    Step("DELETE", "", None, 403, NOT_OURS),
]


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _fill(folder: Path) -> None:
    """With what is asked for, and nothing that another test has left there."""
    _empty(folder)
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "sub").mkdir()
    (folder / "sub/ü b.txt").write_text("x")
    (folder / "old.txt").write_text("old")
    (folder / "binary").write_bytes(b"\xff\x00")
    (folder / "book.ipynb").write_text(json.dumps(NOTEBOOK))
    (folder / "broken.ipynb").write_text("{")
    (folder / "nan.ipynb").write_text(json.dumps({**NOTEBOOK, "metadata": {"x": math.nan}}))
    (folder / "half.ipynb").write_text(json.dumps({**NOTEBOOK, "metadata": {"x": "\ud83d"}}))
    (folder / "a\nb.txt").write_text("x")
    (folder / ".hidden").write_text("x")


class Answer(NamedTuple):
    """What of an answer must be equal."""

    status: int
    location: str | None
    shape: object


def _shape(value: Any) -> object:  # Any: JSON
    match value:
        case dict():
            # A notebook is compared as it is: keys of metadata are its own.
            return {key: (value[key] if key == "content" and isinstance(value[key], str) else _shape(value[key])) for key in sorted(value)}
        case list():
            # A folder is listed in any order.
            return [_shape(entry) for entry in sorted(value, key=lambda entry: str(entry.get("name")))]
        case _:
            return type(value).__name__


def _answer(status: int, location: str | None, body: bytes) -> Answer:
    parsed = json.loads(body) if body.strip() and status < 400 else None
    return Answer(status, location, _known(_shape(parsed)))


def _known(shape: object) -> object:
    """Without what may differ: the fingerprint of what was saved, which we always say."""
    if isinstance(shape, dict):
        return {key: _known(value) for key, value in shape.items() if key not in {"hash", "hash_algorithm"} or "content" not in shape}
    if isinstance(shape, list):
        return [_known(entry) for entry in shape]
    return shape


async def _answers(server: Server) -> list[Answer]:
    answers = []
    # A connection for each: so that a gateway of several workers has another one answer now and then.
    connector = aiohttp.TCPConnector(force_close=True)
    shown = {"Authorization": f"token {server.token}"}
    async with aiohttp.ClientSession(server.url, headers=shown, cookie_jar=aiohttp.DummyCookieJar(), connector=connector) as http:
        for step in STEPS:
            address = URL(f"/api/contents/{step.path}", encoded=True)
            async with http.request(step.method, address, json=step.body) as answer:
                text = await answer.read()
                answers.append(_answer(answer.status, answer.headers.get("Location") if answer.status < 400 else None, text))
                if answer.status >= 400 and isinstance(server, RunningGateway):  # theirs is JSON at times
                    assert json.loads(text).keys() == {"message", "reason"}
    return answers


@pytest.fixture(scope="session")
def theirs(jupyter: tuple[Server, Path]) -> list[Answer]:
    """What a Jupyter server answers to all of it: asked once, whatever answers beside it."""
    server, root = jupyter
    _fill(root)
    return asyncio.run(_answers(server))


async def test_both_answer_alike(theirs: list[Answer], gateway: RunningGateway) -> None:
    _fill(gateway.root)
    ours = await _answers(gateway)
    _empty(gateway.root)
    wrong = []
    for step, their, our in zip(STEPS, theirs, ours, strict=True):
        wanted = their if step.ours is None else their._replace(status=step.ours)
        if step.ours is not None and (step.ours >= 400) != (their.status >= 400):
            wanted = wanted._replace(location=None, shape=our.shape)
        if our != wanted or their.status == step.ours:
            wrong.append((step, their, our))
    assert wrong == []
