"""How thousands of tests share what they cost besides themselves, where they run side by side: a plugin of `tests/conftest.py`.

Every worker collects all tests. In a fresh checkout each file's asserts are rewritten as it is imported for the first time, and
kept on the disk for the next one: workers that went through the files in one order, in step, would each do all of it. So each
begins at another place and finds done what others were at before. Which tests there are, and their order, stays the same.

And a worker is given its tests one by one, which costs as much as a test that only computes. Those of the pure core are
given by their file; where tests start processes and wait, one by one keeps all workers busy to the end.
"""

import os
from typing import Any

import pytest

COMPUTING = "tests/beaker/"
"""Here no test waits for anything, and a whole file takes a second or two."""


def _turn() -> tuple[int, int]:
    """Which worker this process is, and of how many; (0, 0) where there are none."""
    index = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return (int(index), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])) if index.isdecimal() else (0, 0)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:  # Any: the generator that a wrapper is
    """Turns what a folder holds by the worker's share of it, so that each begins with other files."""
    report: pytest.CollectReport = yield
    index, count = _turn()
    if index and isinstance(collector, pytest.Directory):
        start = len(report.result) * (index % count) // count
        report.result = [*report.result[start:], *report.result[:start]]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts tests back into the order of their files: it has to be the same with all workers."""
    if _turn()[1]:
        items.sort(key=lambda item: item.path.parts)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # Any: pytest-xdist has no types
    """Where groups stay together, so do the tests of a file that only computes."""
    from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # only here: nobody else needs pytest-xdist

    class ByGroupOrFile(LoadGroupScheduling):  # type: ignore[misc]  # its base has no types
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return nodeid.partition("::")[0] if scope == nodeid and nodeid.startswith(COMPUTING) else scope

    return ByGroupOrFile(config, log) if config.getoption("dist") == "loadgroup" else None
