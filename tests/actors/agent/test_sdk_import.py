"""An SDK that cannot be used is told with its reason and its file, whatever it raises."""

import subprocess
import sys
from pathlib import Path

import pytest

import beaker_kernel

pytestmark = pytest.mark.slow

LOAD = """
import asyncio, gc, sys
import beaker_kernel
sys.path.insert(0, {folder!r})
from actors.agent.sdk_import import SdkBroken, load_model_stream
try:
    asyncio.run(load_model_stream())
except SdkBroken as error:
    print(error)
print(gc.isenabled(), "aiohttp" in sys.modules)
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def broken(:\n", "{file}, line 1, is no Python that"),
        ("raise RuntimeError('not today')", "RuntimeError: not today, in {file}"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module', in {file}"),
        ("1 / 0", "ZeroDivisionError: division by zero, in {file}"),
        ("", "ModuleNotFoundError: No module named 'openai.types'; 'openai' is not a package, in {file}"),
    ],
)
def test_a_module_in_its_place_is_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "openai.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOAD.format(folder=str(tmp_path))],
        env={"PYTHONPATH": str(Path(beaker_kernel.__file__).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said, after = done.stdout.strip().rsplit("\n", 1)
    assert words.format(file=tmp_path / "openai.py") in said
    assert after == "True False", "nothing stays changed"


TWICE = """
import asyncio, gc, sys
import beaker_kernel
from actors.agent.sdk_import import load_model_stream
async def load():
    return {await each for each in [asyncio.ensure_future(load_model_stream()) for _ in range(3)]}
[stream] = asyncio.run(load())
frozen = gc.get_freeze_count()
kept = [[] for _ in range(10_000)]
assert asyncio.run(load()) == {stream}
print(gc.isenabled(), "aiohttp" in sys.modules, gc.get_freeze_count() < frozen + 10_000)
"""


def test_conversations_that_want_it_at_once_get_one_and_freeze_what_is_there_once() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", TWICE],
        env={"PYTHONPATH": str(Path(beaker_kernel.__file__).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "True False True\n"
