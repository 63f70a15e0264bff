"""The scripted endpoint as a process of its own."""

import asyncio
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.scripted.serve import SCRIPTS

SERVE = Path(__file__).with_name("serve.py")


@pytest.mark.slow
async def test_it_prints_its_address_and_answers(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, str(SERVE), "answer", stdout=asyncio.subprocess.PIPE, cwd=tmp_path)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            base_url = (await process.stdout.readline()).decode().strip()
            async with ClientSession() as client, client.post(f"{base_url}/chat/completions", json={"messages": []}) as response:
                body = await response.text()
    finally:
        process.kill()
        await process.wait()
    assert '"content": "degrees."' in body
    assert body.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_a_reply(name: str) -> None:
    assert SCRIPTS[name]
