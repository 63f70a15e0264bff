"""What a fresh interpreter loads with our first modules: the start of a kernel is paid with every import there.

Unlike which file imports what (`test_layers.py`), this can differ from Python to Python.
"""

import subprocess
import sys

from tests.kit.own_sources import ROOT

HEAVY = {
    "IPython",
    "aiohttp",
    "anyio",
    "httpx",
    "httpx2",
    "ipykernel",
    "jedi",
    "jupyter_client",
    "openai",
    "pydantic",
    "tornado",
    "traitlets",
}
"""What costs more to import than the whole start may take, or must not be read before the key is settled."""


def test_modules_settle_nothing_on_import_but_names() -> None:
    """The entry module is imported in every process, its own and the frontends': it loads nothing that was not there."""
    assert _loaded("import beaker_kernel") - _loaded("pass") == {"beaker_kernel"}


def test_the_entry_imports_nothing_heavy_before_the_key_is_settled() -> None:
    loaded = {name.partition(".")[0] for name in _loaded("import beaker_kernel, actors.roles.entry")}
    assert loaded & (HEAVY | {"asyncio", "msgspec", "structlog", "zmq"}) == set()


def test_the_kernel_process_imports_nothing_heavy_at_all() -> None:
    """Whatever of the kernel's own modules comes to be loaded, in whatever order."""
    own = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for place in ("actors/kernel", "actors/runtime", "beaker/kernel", "beaker/wire")
        for file in ROOT.glob(f"{place}/**/*.py")
    ]
    loaded = {name.partition(".")[0] for name in _loaded(f"import beaker_kernel, {', '.join(own)}")}
    assert loaded & HEAVY == set()


PATIENCE_S = 110.0
"""For an interpreter that is done in half a second, on a machine that is as busy as it can be: just below the limit of a test."""


def _loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter reads while it runs this code."""
    command = [sys.executable, "-P", "-X", "importtime", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stderr
    return {line.rpartition("|")[2].strip() for line in report.splitlines() if line.startswith("import time:")}
