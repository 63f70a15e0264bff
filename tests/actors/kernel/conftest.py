"""The stage of these tests: a KernelActor, ready, between doubles; and sockets by themselves."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from actors.kernel.life import ending
from actors.kernel.questions import closing, terminal_face
from beaker.kernel import interrupting
from tests.actors.kernel.sockets.edges import Edges
from tests.kit.kernel_stage import KernelStage, staged
from tests.kit.scripted_subkernel import ScriptedSubkernel
from tests.kit.takeover_stage import Replaced


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes by itself after a second or two comes never, and two keys that are pressed at once are: however slow the machine is."""
    monkeypatch.setattr(closing, "INTERRUPT_S", 3600.0)
    monkeypatch.setattr(terminal_face, "WORDS_AFTER_S", 3600.0)
    monkeypatch.setattr(interrupting, "SECOND_WITHIN_S", 3600.0)
    monkeypatch.setattr(ending, "HURRY_AFTER_S", 3600.0)
    monkeypatch.setattr(ending, "SHUTDOWN_MARGIN_S", 60.0)


@pytest.fixture
async def stage(short_folder: Path) -> AsyncIterator[KernelStage]:
    """A kernel that was not started yet."""
    async with staged(short_folder) as stage:
        yield stage


@pytest.fixture
async def subkernel(stage: KernelStage) -> ScriptedSubkernel:
    """The first life of the subkernel of a kernel that is ready."""
    return await stage.ready()


@pytest.fixture
async def replaced(short_folder: Path) -> AsyncIterator[Replaced]:
    """A kernel that is ready, and the process that comes after it."""
    async with staged(short_folder) as first, staged(short_folder) as second:
        yield Replaced(first, second, await first.ready())


@pytest.fixture
def edges(short_folder: Path) -> Iterator[Edges]:
    """Sockets whose peers are near."""
    made = Edges(short_folder)
    yield made
    made.close()
