"""`/files/<path>`: a file itself, to be shown by a browser or saved; in pieces where a film is wound forward.

aiohttp's own file answer is not used: for a client that takes gzip it sends `name.gz` in the place of `name` if there is one,
which may be another file altogether, or a link that leads out of the root.
"""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import BinaryIO, Final

from aiohttp import web

from actors.gateway.answers import BrokenOff, Problem
from actors.gateway.contents import said
from actors.gateway.contents_pool import ContentsPool, pool_of
from actors.gateway.routes import ANY, Route, get
from beaker.contents.failures import NotThat, NotThere
from beaker.contents.paths import Place
from beaker.contents.store import Contents
from beaker.contents.whole_file import said as said_of_disk
from beaker.contents.within import open_within
from beaker.gateway.downloads import manner_of

PIECE_BYTES: Final = 256 * 1024
"""Read and sent at a time: large enough to keep a disk busy, small enough for many downloads at once."""


@said
async def send(request: web.Request) -> web.StreamResponse:
    """`GET /files/<path>`.

    Raises:
        Problem: there is no such file, or no such part of it.
        BrokenOff: it was cut while it was sent.
    """
    path = request.match_info["path"]
    manner = manner_of(os.path.basename(path.rstrip("/")), save=request.query.get("download", "0") not in {"", "0"})
    headers = {
        "Content-Type": manner.content_type,
        "Content-Disposition": manner.disposition,
        "Content-Security-Policy": manner.policy,
        "X-Content-Type-Options": "nosniff",
    }
    return await send_file(request, lambda contents: _find(contents, path), headers)


async def send_file(request: web.Request, find: Callable[[Contents], Place], headers: dict[str, str]) -> web.StreamResponse:
    """Send a file, or the part of it that is asked for.

    Args:
        find: says which; it may block.
        headers: what the answer says of the file, beyond its size and age.

    Raises:
        Problem: there is no such part.
        ContentsError: it cannot be opened, or `find` has raised it.
        BrokenOff: it was cut while it was sent.
    """
    file, size, changed = await pool_of(request).read(lambda contents: _open(find(contents)))
    try:
        headers = {**headers, "Last-Modified": format_datetime(changed, usegmt=True), "Accept-Ranges": "bytes"}
        begin, end = _wanted(request, size)
        if begin >= end and size:
            words = f"There are {size} bytes; none of those that were asked for."
            raise Problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, words, headers={"Content-Range": f"bytes */{size}"})
        answer = web.StreamResponse(headers=headers)
        if (begin, end) != (0, size):
            answer.set_status(HTTPStatus.PARTIAL_CONTENT)
            answer.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        answer.content_length = end - begin
        await answer.prepare(request)
        if request.method != "HEAD":
            await _send(pool_of(request), answer, file, begin, end)
        return answer
    finally:
        file.close()


async def _send(pool: ContentsPool, answer: web.StreamResponse, file: BinaryIO, begin: int, end: int) -> None:
    while begin < end:
        piece = await pool.read(partial(_read, file, begin, min(PIECE_BYTES, end - begin)))
        if not piece:
            # It was cut while it was sent: better the client sees an answer break off than one that is filled up.
            raise BrokenOff(f"the file ended at byte {begin}, and was to be sent up to {end}")
        await answer.write(piece)
        begin += len(piece)
    await answer.write_eof()


def _read(file: BinaryIO, begin: int, size: int, _contents: Contents) -> bytes:
    return os.pread(file.fileno(), size, begin)


def _find(contents: Contents, path: str) -> Place:
    place = contents.find(path)
    if not os.path.exists(place.real):
        raise NotThere(f"there is no {place.path!r}")
    if os.path.isdir(place.real):
        what = f"{place.path!r} is a folder" if place.path else "this is the folder that is served"
        raise NotThat(f"{what}; only files can be sent")
    return place


def _open(place: Place) -> tuple[BinaryIO, int, datetime]:
    with said_of_disk(place.path):
        # A pipe without anybody at its other end would be waited for.
        file = open_within(place, os.O_NONBLOCK)
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        file.close()
        raise NotThat(f"{place.path!r} is no file")
    return file, facts.st_size, datetime.fromtimestamp(int(facts.st_mtime), UTC)


def _wanted(request: web.Request, size: int) -> tuple[int, int]:
    """The bytes that are asked for; all of them where the request is not understood."""
    if request.headers.get("If-Range"):
        return 0, size  # what it has may be of another state of the file; it gets this one, whole
    try:
        begin, end, _ = request.http_range.indices(size)
    except ValueError:
        return 0, size
    return begin, end


ROUTES: Final[tuple[Route, ...]] = (get(f"files/{{path:{ANY}*}}", send),)
"""Files themselves."""
