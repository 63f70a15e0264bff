"""No address leads out of the folder that is served: forty of them and more, byte for byte as a hostile client would send them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.actors.gateway.conftest import Client
from tests.actors.gateway.desk import WITH_TOKEN

ADDRESSES = [
    "..",
    "../secret.txt",
    "../../secret.txt",
    "../testtest/secret.txt",
    "/../secret.txt",
    "a/../../secret.txt",
    "a/b/../../../secret.txt",
    "./../secret.txt",
    "%2e%2e/secret.txt",
    "%2E%2E%2Fsecret.txt",
    "..%2fsecret.txt",
    "%2e%2e%2f%2e%2e%2fsecret.txt",
    "a%2f..%2f..%2fsecret.txt",
    "%252e%252e/secret.txt",
    "%252e%252e%252fsecret.txt",
    "..%252fsecret.txt",
    "%25252e%25252e%25252fsecret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "%e0%80%ae%e0%80%ae/secret.txt",
    "%u002e%u002e/secret.txt",
    "..%c0%afsecret.txt",
    "%ff%fe/secret.txt",
    "..\\secret.txt",
    "..%5csecret.txt",
    "..%5c..%5csecret.txt",
    "a\\..\\..\\secret.txt",
    "%00",
    "%00/../secret.txt",
    "../secret.txt%00",
    "../secret.txt%00.ipynb",
    "a.ipynb%00../../secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "%2f%2fetc/passwd",
    "{outside}/secret.txt",
    "%2f{outside}/secret.txt",
    "file:///etc/passwd",
    "link/secret.txt",
    "link",
    "file-link",
    "a/up/secret.txt",
    "a/up/testtest/secret.txt",
    "sibling/secret.txt",
    "root/etc/passwd",
    "chain/secret.txt",
    "loop/x",
    "link%2fsecret.txt",
    "..;/secret.txt",
    "..%3b/secret.txt",
    "....//secret.txt",
    "..../secret.txt",
    ".%2e/secret.txt",
    "%2e./secret.txt",
    "..%20/secret.txt",
    "..%0d%0a/secret.txt",
    "..%e3%80%82/secret.txt",
    "..%ef%bc%8fsecret.txt",
    ".env",
    "%2eenv",
    ".git/config",
    ".ipynb_checkpoints/a-checkpoint.txt",
    "checkpoints/../../secret.txt",
    "x" * 5000,
    "a/" * 3000,
]


@pytest.fixture
def hostile(folder: Path) -> Path:
    """The folder with every kind of link that leads out of it, and hidden files."""
    (folder / "a/b").mkdir(parents=True)
    for name, target in {
        "link": "..",
        "file-link": "../secret.txt",
        "a/up": "../..",
        "loop": "loop",
        "sibling": "../testtest",
        "root": "/",
        "chain": "link",
    }.items():
        (folder / name).symlink_to(target)
    (folder / ".env").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("secret")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints/a-checkpoint.txt").write_text("secret")
    return folder


async def _raw(client: Client, method: str, address: str, body: object = None) -> tuple[int, bytes]:
    """Sends an address as it is; clients would tidy it up."""
    sent = b"" if body is None else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(client.host, client.port)
    headers = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(sent)), **WITH_TOKEN}
    lines = [f"{method} {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + sent)
    answer = await reader.read()
    writer.close()
    head_bytes, _, content = answer.partition(b"\r\n\r\n")
    return int(head_bytes.split()[1]), content


def _outside(folder: Path) -> dict[str, str]:
    """Everything beside the folder and what is hidden in it."""
    files = [*folder.parent.glob("*"), *folder.parent.glob("testtest/*"), folder / ".env", *folder.glob(".git/*")]
    return {str(file): (file.read_text() if file.is_file() else "") for file in sorted(files)}


SECRETS = (b"secret\n", b'"content":"secret"', b"root:x:")


async def _tell(client: Client, path: str) -> AsyncIterator[str]:
    """Whatever is wrong with an address."""
    tries: list[tuple[str, str, object]] = [
        ("GET", f"/api/contents/{path}", None),
        ("GET", f"/api/contents/{path}?type=file&format=text", None),
        ("GET", f"/files/{path}", None),
        ("HEAD", f"/files/{path}", None),
        ("GET", f"/api/contents/{path}/checkpoints", None),
        ("POST", f"/api/contents/{path}/checkpoints", None),
        ("POST", f"/api/contents/{path}/checkpoints/checkpoint", None),
        ("POST", f"/api/contents/{path}/trust", None),
        ("POST", f"/api/contents/{path}", {"type": "file"}),
        ("PATCH", f"/api/contents/{path}", {"path": "stolen.txt"}),
        ("DELETE", f"/api/contents/{path}", None),
        ("PUT", f"/api/contents/{path}", {"type": "file", "format": "text", "content": "pwned"}),
    ]
    for method, whole, body in tries:
        status, content = await _raw(client, method, whole, body)
        # Some name something harmless within the folder; what is refused says so, and nothing breaks.
        if status >= 500 or any(secret in content for secret in SECRETS) or content.endswith(b"secret"):
            yield f"{method} {whole[:100]}: {status} {content[:200]!r}"


async def test_nothing_outside_can_be_read_or_written(client: Client, hostile: Path) -> None:
    before = _outside(hostile)
    wrong: list[str] = []
    for address in ADDRESSES:
        wrong += [line async for line in _tell(client, address.replace("{outside}", str(hostile.parent)))]
        if _outside(hostile) != before:
            wrong.append(f"{address} changed something outside")
            break
    assert wrong == []


async def test_what_leads_out_is_refused(client: Client, hostile: Path) -> None:
    """As what it is: none of these is found by another name within the folder."""
    found = []
    for address in [*ADDRESSES[:19], "link/secret.txt", "file-link", "a/up/secret.txt", "sibling/secret.txt", "root/etc/passwd", ".env"]:
        for place in ("api/contents", "files"):
            status, _ = await _raw(client, "GET", f"/{place}/{address}")
            if status not in {403, 404}:
                found.append((place, address, status))
    assert found == []


async def test_a_path_in_a_body_leads_nowhere_else(client: Client, hostile: Path) -> None:
    (hostile / "mine.txt").write_text("mine")
    before = _outside(hostile)
    for path in ["../x", "link/x", "/../x", "a/../../x", "a\0", ".hidden", "..", "sibling/x", "root/tmp/x"]:
        async with client.patch("/api/contents/mine.txt", json={"path": path}) as answer:
            assert answer.status in {403, 404}
        async with client.post("/api/contents/", json={"copy_from": path}) as answer:
            assert answer.status in {403, 404}
        async with client.post("/api/contents/", json={"type": "file", "ext": f".x/../../{path}"}) as answer:
            assert answer.status in {400, 403, 404}
    assert _outside(hostile) == before


async def test_a_link_beside_a_file_is_not_sent_in_its_place(client: Client, folder: Path) -> None:
    (folder / "a.txt").write_text("mine")
    (folder / "a.txt.gz").symlink_to("../secret.txt")
    (folder / "a.txt.br").symlink_to("../secret.txt")
    async with client.get("/files/a.txt", headers={"Accept-Encoding": "gzip, br"}) as answer:
        assert await answer.read() == b"mine"


PLANTED = {
    "the folder of checkpoints": (".ipynb_checkpoints", "../testtest"),
    "a checkpoint": (".ipynb_checkpoints/mine-checkpoint.txt", "../../testtest/mine-checkpoint.txt"),
    "a checkpoint within": (".ipynb_checkpoints/mine-checkpoint.txt", "../other.txt"),
    "what has come of a file": (".beaker-upload-mine.txt", "../testtest/mine-checkpoint.txt"),
    "what has come of a file, within": (".beaker-upload-mine.txt", "other.txt"),
}
"""Links under the names that we ourselves use beside a file, and where they lead."""


@pytest.mark.parametrize("what", PLANTED)
async def test_a_link_in_the_place_of_ours_is_neither_read_nor_written(client: Client, folder: Path, what: str) -> None:
    name, target = PLANTED[what]
    for file in (folder / "other.txt", folder.parent / "testtest/mine-checkpoint.txt"):
        file.write_text("secret")
    (folder / "mine.txt").write_text("mine")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(target)
    before = _outside(folder)
    tries: list[tuple[str, str, object]] = [
        ("GET", "/checkpoints", None),
        ("POST", "/checkpoints", None),
        ("POST", "/checkpoints/checkpoint", None),
        ("DELETE", "/checkpoints/checkpoint", None),
    ]
    if "upload" in name:
        pieces = [{"type": "file", "format": "text", "content": "pwned", "chunk": number} for number in (1, 2, -1)]
        tries = [("PUT", "", piece) for piece in pieces]
    statuses = {(await _raw(client, method, f"/api/contents/mine.txt{path}", body))[0] for method, path, body in tries}
    assert statuses == {403}
    assert (await _raw(client, "PATCH", "/api/contents/mine.txt", {"path": "yours.txt"}))[0] == 200
    assert (await _raw(client, "DELETE", "/api/contents/yours.txt"))[0] == 204
    assert _outside(folder) == before
    assert (folder / "other.txt").read_text() == "secret"
