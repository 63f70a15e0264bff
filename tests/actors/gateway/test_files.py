"""Files as a browser gets them."""

import os
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientResponse
from yarl import URL

from actors.gateway.files import PIECE_BYTES
from tests.actors.gateway.conftest import Client


async def test_a_file_is_sent_as_it_is_and_may_do_nothing(client: Client, folder: Path) -> None:
    data = bytes(range(256)) * 5000  # several pieces
    (folder / "plot.png").write_bytes(data)
    async with client.get("/files/plot.png") as answer:
        assert (answer.status, answer.content_type, answer.content_length) == (200, "image/png", len(data))
        assert await answer.read() == data
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "allow-scripts" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"].startswith("inline")
    async with client.head("/files/plot.png") as answer:
        assert (answer.status, answer.content_length, await answer.read()) == (200, len(data), b"")


async def test_a_film_may_load_itself_and_no_more(client: Client, folder: Path) -> None:
    (folder / "x.mp4").write_bytes(b"film")
    async with client.get("/files/x.mp4") as answer:
        assert answer.headers["Content-Security-Policy"].split("; ")[0] == "default-src 'none'"
        assert "sandbox" not in answer.headers["Content-Security-Policy"]
    async with client.get("/files/x.mp4?download=1") as answer:
        assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xhtml", "x.xml", "x.pdf", "x.js.map", "x.swf", "x", "x.html.gz"])
async def test_what_could_act_is_saved_and_not_shown(client: Client, folder: Path, name: str) -> None:
    (folder / name).write_text("<script>")
    async with client.get(f"/files/{name}") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment;")


async def test_whoever_wants_to_save_a_file_can(client: Client, folder: Path) -> None:
    (folder / "a b.txt").write_text("x")
    async with client.get("/files/a%20b.txt?download=1") as answer:
        assert answer.headers["Content-Disposition"] == "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"
    async with client.get("/files/a%20b.txt") as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


RANGES = [("bytes=0-3", 206, "0123"), ("bytes=4-", 206, "456789"), ("bytes=-2", 206, "89"), ("bytes=8-99", 206, "89")]
RANGES += [("bytes=0-9", 200, "0123456789"), ("lines=1-2", 200, "0123456789"), ("bytes=0-1,4-5", 200, "0123456789")]


@pytest.mark.parametrize(("wanted", "status", "sent"), RANGES)
async def test_a_part_of_a_file_can_be_asked_for(client: Client, folder: Path, wanted: str, status: int, sent: str) -> None:
    (folder / "a.txt").write_text("0123456789")
    async with client.get("/files/a.txt", headers={"Range": wanted}) as answer:
        assert (answer.status, await answer.text()) == (status, sent)


async def test_a_part_that_is_not_there_is_said(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("0123456789")
    async with client.get("/files/a.txt", headers={"Range": "bytes=20-"}) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")


async def test_an_empty_file_is_empty(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("")
    async with client.get("/files/a.txt") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


NO_FILES = [
    ("d", 400, "'d' is a folder; only files can be sent."),
    ("", 400, "This is the folder that is served; only files can be sent."),
    ("none", 404, "There is no 'none'."),
]


@pytest.mark.parametrize(("path", "status", "words"), NO_FILES)
async def test_what_is_no_file_is_said(client: Client, folder: Path, path: str, status: int, words: str) -> None:
    (folder / "d").mkdir()
    async with client.get(f"/files/{path}") as answer:
        assert (answer.status, (await answer.json())["message"]) == (status, words)


async def test_a_name_with_an_end_of_a_line_in_it_is_found(client: Client, folder: Path) -> None:
    (folder / "a\nb.txt").write_text("x")
    async with client.get(URL("/files/a%0Ab.txt", encoded=True)) as answer:
        assert (answer.status, await answer.text()) == (200, "x")
        assert answer.headers["Content-Disposition"] == "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%0Ab.txt".replace('"', "")


BREAKS = (ClientPayloadError, ClientConnectionError)
"""As which a client sees the end of a connection in the middle of an answer; which of them, depends on what it waits for."""


async def _what_comes(answer: ClientResponse) -> tuple[bytes, bool]:
    """The bytes of an answer, and whether its end was among them."""
    got = bytearray()
    try:
        async for piece in answer.content.iter_any():
            got += piece
    except BREAKS:
        return bytes(got), False
    return bytes(got), True


async def test_a_file_that_is_cut_while_it_is_sent_breaks_off(client: Client, folder: Path) -> None:
    size = 64 * 1024 * 1024  # more than lies between us and a client that does not read yet
    (folder / "film.mp4").touch()
    os.truncate(folder / "film.mp4", size)
    async with client.get("/files/film.mp4") as answer:
        os.truncate(folder / "film.mp4", 1000)
        got, is_whole = await _what_comes(answer)
    assert (answer.status, is_whole) == (200, False)
    assert got == bytes(len(got))


async def test_a_file_that_can_be_read_no_further_breaks_off(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plot.png").write_bytes(bytes(2 * PIECE_BYTES))
    real = os.pread

    def broken(descriptor: int, size: int, offset: int) -> bytes:
        if offset:
            raise OSError(5, "Input/output error")
        return real(descriptor, size, offset)

    monkeypatch.setattr("os.pread", broken)
    async with client.get("/files/plot.png") as answer:
        got, is_whole = await _what_comes(answer)
    assert (answer.status, is_whole) == (200, False)
    assert got == bytes(len(got))


async def test_an_answer_that_is_sent_in_pieces_says_its_trace(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    async with client.get("/files/a.txt") as answer:
        assert len(answer.headers["X-Request-ID"]) == 16
