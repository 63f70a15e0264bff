"""The gateway's own pages in a browser: by the keyboard alone, without a script, and nothing that a policy had to stop."""

import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

CHECKOUT = Path(__file__).parents[3]
TOKEN = "right-token"

SERVE = """
import asyncio, sys
import beaker_kernel
from aiohttp import web
from actors.gateway import pages
from actors.gateway.app import make_app
from tests.actors.gateway.desk import make_order, make_service

async def kernels(service):
    return []  # there is no registry here

async def trouble(service):
    return ""

pages.all_kernel_models, pages.not_saving = kernels, trouble
app = make_app(make_service(make_order(sys.argv[1], root_dir=sys.argv[2])))

async def serve():
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served: a second of silence, and pages that would act if they could."""
    folder = tmp_path_factory.mktemp("root")
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    for name in ("page.html", "drawing.svg", "text.txt"):
        (folder / name).write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>window.pwned = 1</script></svg>')
    return folder


@pytest.fixture(scope="module")
def gateway(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a worker serves that root."""
    words = [sys.executable, "-c", SERVE, str(tmp_path_factory.mktemp("runtime")), str(root)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with subprocess.Popen(words, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.kill()


@pytest.fixture
def said() -> list[str]:
    """What the browser says of pages, such as that a policy stopped something."""
    return []


@pytest.fixture
def visitor(browser: Browser, said: list[str]) -> Iterator[Page]:
    """A page of a browser that has been here never before."""
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()


def test_the_keyboard_alone_leads_in_and_out(visitor: Page, gateway: str, said: list[str]) -> None:
    visitor.goto(f"{gateway}/")
    token = visitor.get_by_label("Token")
    expect(token).to_be_focused()
    visitor.keyboard.type("wrong")
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("alert")).to_have_text("That is not the token of this gateway.")
    expect(token).to_be_focused()
    visitor.keyboard.type(TOKEN)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="No kernels run")).to_be_visible()
    assert visitor.url == f"{gateway}/"
    visitor.keyboard.press("Tab")
    expect(visitor.get_by_role("button", name="Sign out")).to_be_focused()
    visitor.keyboard.press("Enter")
    expect(token).to_be_focused()
    visitor.goto(f"{gateway}/")
    assert visitor.url == f"{gateway}/login?next=%2F"
    assert [words for words in said if "Content Security Policy" in words or "Refused" in words] == []


def test_the_first_address_signs_in_and_loses_the_token(visitor: Page, gateway: str) -> None:
    visitor.goto(f"{gateway}/?token={TOKEN}")
    assert visitor.url == f"{gateway}/"
    scripts_see = visitor.evaluate("document.cookie.split('; ').map(each => each.split('=')[0].replace(/[0-9]+/, 'N')).sort()")
    assert scripts_see == ["_xsrf", "beaker-xsrf-N"]
    assert TOKEN not in visitor.content()


def test_files_are_shown_or_saved_and_none_acts(visitor: Page, gateway: str) -> None:
    visitor.goto(f"{gateway}/?token={TOKEN}")
    visitor.goto(f"{gateway}/files/text.txt")
    assert visitor.evaluate("[document.body.innerText.includes('<script>'), window.pwned, self.origin]") == [True, None, "null"]
    visitor.goto(f"{gateway}/files/sound.wav")
    visitor.wait_for_function("document.querySelector('video, audio')?.duration === 1")
    for name in ("page.html", "drawing.svg"):
        visitor.goto(f"{gateway}/logout")
        with visitor.expect_download() as download:
            visitor.evaluate("address => { location = address }", f"{gateway}/files/{name}")
        assert download.value.suggested_filename == name
        assert visitor.evaluate("window.pwned") is None
