"""What the Registry logs of sessions, by which a kernel is found by its notebook. What it writes down is tested with its processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from actors.registry.chronicle import Chronicle
from beaker.gateway.register import Kernel, Register, Session
from beaker.journal.journal import Journal
from beaker.messages.registry import KernelEntry
from tests.actors.gateway.desk import Lines

KERNEL = Kernel(entry=KernelEntry(kernel_id="k", spec_name="s", subkernel="s", host=0, folder="/", started_at=1.0), phase="up")
SESSION = Session(session_id="s", path="deep/lake.ipynb", name="lake", kind="notebook", kernel_id="k")


@contextmanager
def kept(folder: Path) -> Iterator[tuple[Chronicle, list[dict[str, object]]]]:
    """A chronicle, and what it has logged of sessions so far."""
    log = Lines()
    named: list[dict[str, object]] = []
    log.info = lambda event, **values: named.append(values) if event == "session.bound" else None  # type: ignore[method-assign]  # of this one alone
    chronicle = Chronicle(Journal.open(folder), log)
    yield chronicle, named
    chronicle.close()


def test_the_log_says_which_notebook_a_kernel_has_whenever_that_changes(tmp_path: Path) -> None:
    with kept(tmp_path) as (chronicle, named):
        chronicle.write_kernel(KERNEL, str(tmp_path))
        chronicle.write_session(SESSION)
        assert named == [{"kernel": "k", "session": "s", "notebook": "deep/lake.ipynb"}]
        chronicle.write_session(msgspec.structs.replace(SESSION, name="another"))
        assert len(named) == 1
        chronicle.write_session(msgspec.structs.replace(SESSION, path="deep/renamed.ipynb"))
        chronicle.write_session(msgspec.structs.replace(SESSION, path="deep/renamed.ipynb", kernel_id="other"))
        assert named[1:] == [{"kernel": kernel, "session": "s", "notebook": "deep/renamed.ipynb"} for kernel in ("k", "other")]
        chronicle.strike_session("s")
        chronicle.write_session(SESSION)
    with kept(tmp_path) as (successor, named):
        # In a log of its own: that of a predecessor may be gone by then.
        successor.restore(Register(max_kernels=9, max_sessions=9, host_count=1))
        assert named == [{"kernel": "k", "session": "s", "notebook": "deep/lake.ipynb"}]
