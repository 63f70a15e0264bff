"""The contents interface as clients see it: statuses, headers, bodies."""

import asyncio
import base64
import json
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from tests.actors.gateway.conftest import Client

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


async def _json(client: Client, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:  # Any: JSON
    async with client.request(method, URL(path, encoded=True), json=body, headers=headers) as answer:
        return answer.status, (await answer.json() if answer.content_type == "application/json" else await answer.text())


def _names(folder: Path) -> list[str]:
    return os.listdir(folder)


async def test_a_notebook_is_made_and_saved_again(client: Client) -> None:
    async with client.put("/api/contents/n.ipynb", json={"type": "notebook", "format": "json", "content": NOTEBOOK}) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/api/contents/n.ipynb")
        made = await answer.json()
        assert answer.headers["ETag"] == f'"{made["hash"]}"'
        assert answer.headers["Last-Modified"].endswith(" GMT")
    assert (await _json(client, "PUT", "/api/contents/n.ipynb", {"type": "notebook", "content": NOTEBOOK}))[0] == 200
    status, model = await _json(client, "GET", "/api/contents/n.ipynb?hash=1")
    assert (status, model["type"], model["format"], model["hash_algorithm"]) == (200, "notebook", "json", "sha256")
    assert (model["content"]["nbformat"], model["content"]["cells"], model["hash"]) == (4, [], made["hash"])
    assert model["last_modified"].endswith("Z")
    assert model["created"].endswith("Z")


async def test_content_and_hash_are_left_out_unless_asked_for(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("text")
    status, model = await _json(client, "GET", "/api/contents/a.txt?content=0")
    assert (status, model["content"], model["format"], model["hash"], model["size"]) == (200, None, None, None, 4)
    status, model = await _json(client, "GET", "/api/contents/a.txt?type=file&format=base64")
    assert (model["format"], base64.b64decode(model["content"])) == ("base64", b"text")


BAD = ["content=2", "hash=yes", "format=xml", "format=json", "type=notebook", "type=directory"]


@pytest.mark.parametrize("query", BAD)
async def test_a_question_that_cannot_be_meant_is_said_so(client: Client, folder: Path, query: str) -> None:
    (folder / "a.txt").write_text("text")
    status, failure = await _json(client, "GET", f"/api/contents/a.txt?{query}")
    assert (status, failure["reason"]) == (400, "bad_request")
    assert failure["message"]


async def test_kinds_that_nobody_knows_are_files(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("text")
    assert (await _json(client, "GET", "/api/contents/a.txt?type=chapter"))[1]["type"] == "file"


BODIES: list[tuple[str, bytes]] = [
    ("PUT", b"{"),
    ("PUT", b"[]"),
    ("PUT", b'"text"'),
    ("PUT", b"\xff"),
    ("PUT", b'{"type": "file", "format": "text", "content": 1}'),
    ("PUT", b'{"type": "file", "format": "xml", "content": ""}'),
    ("PUT", b'{"type": "file", "format": "json", "content": ""}'),
    ("PUT", b'{"type": "file", "content": "no format"}'),
    ("PUT", b'{"type": "file", "format": "base64", "content": "%"}'),
    ("PUT", b'{"type": "file", "format": "text", "content": "", "chunk": "1"}'),
    ("PUT", b'{"type": "notebook", "content": {}}'),
    ("PUT", b'{"copy_from": "a"}'),
    ("PUT", b"[" * 100_000),
    ("PATCH", b""),
    ("PATCH", b'{"path": 1}'),
    ("PATCH", b'{"path": ""}'),
]


@pytest.mark.parametrize(("method", "body"), BODIES)
async def test_a_body_that_cannot_be_meant_changes_nothing(client: Client, folder: Path, method: str, body: bytes) -> None:
    (folder / "a.txt").write_text("old")
    async with client.request(method, "/api/contents/a.txt", data=body) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (400, "bad_request")
    assert _names(folder) == ["a.txt"]
    assert (folder / "a.txt").read_text() == "old"


async def test_what_is_not_said_follows_from_the_name(client: Client) -> None:
    assert (await _json(client, "PUT", "/api/contents/n.ipynb", {}))[1]["type"] == "notebook"
    assert (await _json(client, "PUT", "/api/contents/a.txt"))[1]["type"] == "file"
    assert (await _json(client, "PUT", "/api/contents/d", {"type": "directory"}))[1]["type"] == "directory"


async def test_a_folder_is_listed(client: Client, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/ü b.txt").write_text("")
    for path in ("/api/contents", "/api/contents/"):
        assert [entry["path"] for entry in (await _json(client, "GET", path))[1]["content"]] == ["sub"]
    assert [entry["path"] for entry in (await _json(client, "GET", "/api/contents/sub"))[1]["content"]] == ["sub/ü b.txt"]


NAMES = ["ü b.txt", "a%20b", "100%", "a?b", "a#b", "a&b=c", "a;b", "a+b", "日本.txt", "a\\b", "a:b", "a\nb", "a\r\n\x85\u2028b", "x" * 200]


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_can_be_saved_found_and_deleted(client: Client, folder: Path, name: str) -> None:
    async with client.put(
        URL(f"/api/contents/{quote(name, safe='')}", encoded=True), json={"type": "file", "format": "text", "content": "x"}
    ) as answer:
        assert (answer.status, (await answer.json())["path"]) == (201, name)
        address = answer.headers["Location"]
    assert (folder / name).read_text() == "x"
    assert (await _json(client, "GET", address))[1]["content"] == "x"
    assert (await _json(client, "DELETE", address))[0] == 204
    assert _names(folder) == []


async def test_new_things_get_names(client: Client, folder: Path) -> None:
    (folder / "d").mkdir()
    assert (await _json(client, "POST", "/api/contents"))[1]["name"] == "untitled"
    assert (await _json(client, "POST", "/api/contents/", {"type": "file", "ext": ".py"}))[1]["name"] == "untitled.py"
    assert (await _json(client, "POST", "/api/contents/d", {"type": "notebook"}))[1]["path"] == "d/Untitled.ipynb"
    async with client.post("/api/contents/d", json={"type": "directory"}) as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/api/contents/d/Untitled%20Folder")
    assert (await _json(client, "POST", "/api/contents", {"copy_from": "/d/Untitled.ipynb"}))[1]["path"] == "Untitled.ipynb"
    assert (await _json(client, "POST", "/api/contents/none"))[0] == 404
    assert (await _json(client, "POST", "/api/contents", {"copy_from": "none"}))[0] == 404


async def test_new_things_wanted_at_once_get_different_names(client: Client, folder: Path) -> None:
    made = await asyncio.gather(*(_json(client, "POST", "/api/contents", {"type": "notebook"}) for _ in range(20)))
    assert len({model["path"] for _, model in made}) == len(_names(folder)) == 20


async def test_a_name_that_is_taken_is_a_conflict(client: Client, folder: Path) -> None:
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    status, failure = await _json(client, "PATCH", "/api/contents/a", {"path": "b"})
    assert (status, failure["reason"]) == (409, "conflict")
    async with client.patch("/api/contents/a", json={"path": "c"}) as answer:
        assert (answer.status, answer.headers["Location"], (await answer.json())["path"]) == (200, "/api/contents/c", "c")
    assert (await _json(client, "PATCH", "/api/contents/none", {"path": "d"}))[0] == 404


MOVES = [
    ("d", "d/e", 400, "'d' is a folder, and cannot be moved into itself ('d/e')."),
    ("a", "none/a", 404, "'a' cannot be moved to 'none/a': there is no folder 'none'."),
    ("a", "b/a", 400, "'a' cannot be moved to 'b/a': 'b' is no folder."),
    ("none", "a2", 404, "There is no 'none'."),
]


@pytest.mark.parametrize(("path", "to", "status", "words"), MOVES)
async def test_why_something_cannot_be_moved_is_said_of_what_is_the_matter(
    client: Client, folder: Path, path: str, to: str, status: int, words: str
) -> None:
    (folder / "d").mkdir()
    (folder / "a").touch()
    (folder / "b").touch()
    assert await _json(client, "PATCH", f"/api/contents/{path}", {"path": to}) == (
        status,
        {"message": words, "reason": "not_found" if status == 404 else "bad_request"},
    )


async def test_a_link_to_a_folder_can_be_moved_into_that(client: Client, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "link").symlink_to(folder / "d")
    assert (await _json(client, "PATCH", "/api/contents/link", {"path": "d/link"}))[0] == 200


async def test_what_is_deleted_is_gone(client: Client, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "d/a").write_text("")
    assert (await _json(client, "DELETE", "/api/contents/d"))[0] == 409
    assert (await _json(client, "DELETE", "/api/contents/d/a"))[0] == 204
    assert (await _json(client, "DELETE", "/api/contents/d"))[0] == 204
    assert (await _json(client, "DELETE", "/api/contents/d"))[0] == 404
    assert (await _json(client, "DELETE", "/api/contents/"))[0] == 403


async def test_checkpoints_are_made_and_put_back(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("old")
    assert await _json(client, "GET", "/api/contents/a.txt/checkpoints") == (200, [])
    async with client.post("/api/contents/a.txt/checkpoints") as answer:
        assert (answer.status, answer.headers["Location"]) == (201, "/api/contents/a.txt/checkpoints/checkpoint")
        made = await answer.json()
    assert made["last_modified"].endswith("Z")
    assert await _json(client, "GET", "/api/contents/a.txt/checkpoints") == (200, [made])
    (folder / "a.txt").write_text("new")
    assert (await _json(client, "POST", "/api/contents/a.txt/checkpoints/checkpoint"))[0] == 204
    assert (folder / "a.txt").read_text() == "old"
    assert (await _json(client, "DELETE", "/api/contents/a.txt/checkpoints/checkpoint"))[0] == 204
    for method in ("POST", "DELETE"):
        assert (await _json(client, method, "/api/contents/a.txt/checkpoints/checkpoint"))[0] == 404


async def test_a_folder_may_be_called_checkpoints(client: Client, folder: Path) -> None:
    (folder / "model").mkdir()
    assert (await _json(client, "PUT", "/api/contents/model/checkpoints", {"type": "directory"}))[0] == 201
    assert (await _json(client, "POST", "/api/contents/model/checkpoints", {"ext": ".pt"}))[1]["path"] == "model/checkpoints/untitled.pt"
    listed = (await _json(client, "GET", "/api/contents/model/checkpoints"))[1]
    assert [entry["name"] for entry in listed["content"]] == ["untitled.pt"]
    assert (await _json(client, "DELETE", "/api/contents/model/checkpoints/untitled.pt"))[0] == 204
    assert (await _json(client, "DELETE", "/api/contents/model/checkpoints"))[0] == 204
    assert _names(folder / "model") == []


async def test_a_notebook_is_trusted_once_the_user_says_so(client: Client) -> None:
    cell: dict[str, Any] = {"cell_type": "code", "id": "a", "source": "", "metadata": {}, "execution_count": None}
    output = {"output_type": "display_data", "data": {"text/html": "<b>"}, "metadata": {}}
    content: dict[str, Any] = NOTEBOOK | {"cells": [cell | {"outputs": [output]}]}
    await _json(client, "PUT", "/api/contents/n.ipynb", {"type": "notebook", "content": content})
    assert (await _json(client, "GET", "/api/contents/n.ipynb"))[1]["content"]["cells"][0]["metadata"]["trusted"] is False
    assert (await _json(client, "POST", "/api/contents/n.ipynb/trust"))[0] == 201
    assert (await _json(client, "GET", "/api/contents/n.ipynb"))[1]["content"]["cells"][0]["metadata"]["trusted"] is True


STRANGE = [r'"a\ud83d b"', "[NaN, -Infinity]", "1e999", str(10**40)]
"""What Python's json writes and reads, and is not JSON everywhere."""


@pytest.mark.parametrize("value", STRANGE)
async def test_a_notebook_with_what_is_hardly_json_opens_and_saves_unchanged(client: Client, folder: Path, value: str) -> None:
    def x_of(notebook: Any) -> str:  # Any: JSON
        return repr(notebook["cells"][0]["outputs"][0]["data"]["application/json"]["x"])

    output = f'{{"output_type": "display_data", "metadata": {{}}, "data": {{"application/json": {{"x": {value}}}}}}}'
    cell = f'{{"cell_type": "code", "id": "a", "source": "", "metadata": {{}}, "execution_count": 1, "outputs": [{output}]}}'
    (folder / "n.ipynb").write_text(f'{{"cells": [{cell}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}')
    status, model = await _json(client, "GET", "/api/contents/n.ipynb")
    assert (status, x_of(model["content"])) == (200, repr(json.loads(value)))
    wanted = {"type": "notebook", "format": "json", "content": model["content"]}
    assert (await _json(client, "PUT", "/api/contents/n.ipynb", wanted))[0] == 200
    assert x_of(json.loads((folder / "n.ipynb").read_text())) == repr(json.loads(value))


async def test_half_a_character_is_said_where_it_cannot_be_kept(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("old")
    status, failure = await _json(client, "PUT", "/api/contents/a.txt", {"type": "file", "format": "text", "content": "a\ud83d"})
    assert (status, failure["message"]) == (400, "'a.txt' was not saved: its text holds half a character.")
    assert (await _json(client, "PATCH", "/api/contents/a.txt", {"path": "\ud83d"}))[0] == 404
    assert (folder / "a.txt").read_text() == "old"


async def test_a_save_can_depend_on_what_was_seen(client: Client, folder: Path) -> None:
    mine = {"type": "file", "format": "text", "content": "mine"}
    status, model = await _json(client, "PUT", "/api/contents/a", mine, **{"If-None-Match": "*"})
    assert status == 201
    status, failure = await _json(client, "PUT", "/api/contents/a", mine, **{"If-None-Match": "*"})
    assert (status, failure["reason"]) == (412, "changed")
    (folder / "a").write_text("theirs")
    status, failure = await _json(client, "PUT", "/api/contents/a", mine, **{"If-Match": f'"{model["hash"]}"'})
    assert (status, failure["reason"], (folder / "a").read_text()) == (412, "changed", "theirs")
    seen = (await _json(client, "GET", "/api/contents/a?content=0&hash=1"))[1]["hash"]
    assert (await _json(client, "PUT", "/api/contents/a", mine, **{"If-Match": f'W/"{seen}"'}))[0] == 200
    for wrong in ({"If-Match": seen}, {"If-Match": '"a", "b"'}, {"If-None-Match": '"a"'}):
        assert (await _json(client, "PUT", "/api/contents/a", mine, **wrong))[0] == 400


async def test_of_saves_that_saw_the_same_only_one_is_taken(client: Client, folder: Path) -> None:
    (folder / "a").write_text("seen by all")
    seen = (await _json(client, "GET", "/api/contents/a?content=0&hash=1"))[1]["hash"]
    saves = (
        _json(client, "PUT", "/api/contents/a", {"type": "file", "format": "text", "content": str(number)}, **{"If-Match": f'"{seen}"'})
        for number in range(10)
    )
    assert sorted(status for status, _ in await asyncio.gather(*saves)) == [200] + [412] * 9


async def test_large_files_come_in_pieces(client: Client, folder: Path) -> None:
    for number, piece in ((1, "a"), (2, "b"), (-1, "c")):
        assert not (folder / "big").exists()
        encoded = base64.b64encode(piece.encode()).decode()
        body = {"type": "file", "format": "base64", "content": encoded, "chunk": number}
        assert (await _json(client, "PUT", "/api/contents/big", body))[0] == 201
    assert (folder / "big").read_text() == "abc"


async def test_what_the_disk_refuses_is_a_sentence(client: Client, folder: Path) -> None:
    (folder / "locked").write_text("")
    (folder / "locked").chmod(0)
    if not os.access(folder / "locked", os.R_OK):  # root may read everything
        assert (await _json(client, "GET", "/api/contents/locked"))[0] == 403
    status, failure = await _json(client, "PUT", "/api/contents/no/such/folder", {"type": "file", "format": "text", "content": ""})
    assert (status, failure["reason"]) == (404, "not_found")


async def test_a_full_disk_is_said_and_leaves_the_old_file(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    status, failure = await _json(client, "PUT", "/api/contents/a", {"type": "file", "format": "text", "content": "new"})
    assert (status, failure["reason"], (folder / "a").read_text()) == (507, "no_room", "old")
    assert "make room" in failure["message"]


async def test_a_slow_file_holds_up_nothing_else(client: Client, folder: Path) -> None:
    """Reading one path does not wait for a write of another that is stuck."""
    (folder / "a").write_text("")
    started, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    real = os.replace

    def slow(source: str, target: str) -> None:
        loop.call_soon_threadsafe(started.set)
        go.wait(30)
        real(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", slow)
        save = asyncio.create_task(_json(client, "PUT", "/api/contents/a", {"type": "file", "format": "text", "content": "new"}))
        await started.wait()
        assert (await _json(client, "GET", "/api/contents/a"))[1]["content"] == ""
        go.set()
        assert (await save)[0] == 200
    assert (folder / "a").read_text() == "new"
