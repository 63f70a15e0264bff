"""What a process pays before it has done anything: for the runtime, and the kernel process for what it is going to be."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[3])

HEAVY = {"structlog", "zmq", "jupyter_client", "openai", "aiohttp", "IPython", "ctypes", "tempfile", "multiprocessing", "dataclasses"}

SELDOM = {
    "actors.agent",
    "actors.kernel.commands.choices",
    "actors.kernel.commands.commands",
    "actors.kernel.consent.consent",
    "actors.kernel.commands.custom_messages",
    "actors.kernel.looks.looking",
    "actors.kernel.commands.own_cells",
    "actors.kernel.question_rooms",
    "actors.kernel.consent.runs",
    "actors.kernel.commands.trusting",
    "actors.kernel.questions.turns",
    "actors.kernel.questions.agent_process",
    "actors.roles.install",
    "actors.supervisor.consent_desk",
    "beaker.agent",
    "beaker.consent",
    "beaker.contexts",
    "beaker.kernel.commands.table",
    "beaker.kernel.conversation",
    "beaker.kernel.custom.question",
    "beaker.kernel.magics",
    "beaker.kernel.question",
    "beaker.kernel.turn_display",
    "beaker.languages",
}
"""What an ordinary session never needs: questions, commands, consent, messages of interfaces that know us."""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["node", "process", "birth", "codec"])
def test_importing_the_runtime_imports_nothing_heavy(module: str) -> None:
    # From Python 3.14 on asyncio brings dataclasses by itself, for the colours of tracebacks.
    assert HEAVY & _imported(f"import actors.runtime.{module}") - _imported("import asyncio") == set()


KERNEL = "actors.kernel.role, actors.kernel.process, actors.kernel.sockets.zmq_edge"


@pytest.mark.slow
@pytest.mark.parametrize("module", [KERNEL, "actors.supervisor.serving"])
def test_a_kernel_that_nobody_asks_imports_nothing_of_questions_and_commands(module: str) -> None:
    imported = _imported(f"import beaker_kernel, {module}")
    assert {name for name in imported for seldom in SELDOM if name == seldom or name.startswith(f"{seldom}.")} == set()


@pytest.mark.slow
def test_little_is_imported_before_the_subkernel_is_launched() -> None:
    """As the entry does it: `inspect` and what it drags in come later, with asyncio, while the subkernel imports its own."""
    launching = "actors.supervisor.household, actors.supervisor.opening, actors.supervisor.watcher, actors.supervisor.guard"
    code = "from actors.runtime.lean import import_without; import_without('msgspec', ['typing_extensions']); import actors.kernel.role"
    imported = _imported(f"import beaker_kernel; {code}, {launching}")
    assert imported & (HEAVY | {"asyncio", "bz2", "inspect", "logging", "shutil", "ssl", "typing_extensions"}) == set()


@pytest.mark.slow
def test_logging_brings_in_nothing_that_the_user_has_installed_for_herself(tmp_path: Path) -> None:
    extras = ("rich", "rich.console", "rich.traceback", "rich.pretty", "twisted", "greenlet", "better_exceptions", "colorama")
    for name in extras:
        place = tmp_path.joinpath(*name.split("."))
        place.mkdir()
        (place / "__init__.py").write_text("Console = Traceback = getcurrent = None\n")
    imported = _imported(
        f"sys.path.insert(0, {str(tmp_path)!r}); import actors.runtime.logging; assert 'rich' not in sys.modules; import rich"
    )
    assert imported & set(extras) == {"rich"}


@pytest.mark.slow
def test_what_is_seldom_needed_exists() -> None:
    """A module that was renamed would never be found again where it must not be."""
    places = [Path(ROOT, *name.split(".")) for name in SELDOM]
    assert [place for place in places if not place.is_dir() and not place.with_suffix(".py").is_file()] == []


def _imported(code: str) -> set[str]:
    """All that a fresh interpreter has imported after this code."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {ROOT!r}); {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return set(done.stdout.split())
