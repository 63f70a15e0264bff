"""One real kernel for many tests, each with a script of its own for the model, and no word of what was asked before.

A kernel, its session and its agent take two seconds of a processor to start, and most tests of questions look at nothing of
that. What lasts from one question to the next is taken away before each test: questions that go on, variables, the
conversation, and the cells that a question shows the model. What stays is what belongs to the process: the numbers of cells and
approvals, and what was learned of the model. A test that kills, configures or measures starts a kernel of its own.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.kernel.questions.composing import SEEN_CELLS
from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.scripted.replies import Reply, Speak
from tests.scripted.threaded import ThreadedEndpoint, serving


class SharedKernel:
    """Started for the first test that asks, and again behind one that failed: nobody knows what that has left behind.

    Args:
        folder: where it runs.
        start: starts one with these variables; a kernel process of its own, if nothing else is said.
        forget: takes away what the test before has left; of a Python session, if nothing else is said.
    """

    # Any: one of a gateway, which has all that a test of questions uses.
    def __init__(
        self,
        folder: Path,
        *,
        start: Callable[..., AbstractContextManager[Any]] = running_kernel,
        forget: Callable[[RunningKernel], None] | None = None,
    ) -> None:
        self.folder = folder
        self._start = start
        self._forget = forget or _forget
        self._env = dict(os.environ)
        self._held = ExitStack()
        self._both: tuple[RunningKernel, ThreadedEndpoint] | None = None

    @contextmanager
    def asking(self, *script: Reply) -> Iterator[tuple[RunningKernel, ThreadedEndpoint]]:
        """The kernel and its model's endpoint, which follows this script; nothing was asked so far."""
        if self._both is None:
            endpoint = self._held.enter_context(serving([Speak(text="nobody asked")]))
            self._both = self._held.enter_context(self._start(env={**self._env, **endpoint.environment}, folder=self.folder)), endpoint
        kernel, endpoint = self._both
        try:
            self._forget(kernel)
            endpoint.follow(script)
            yield kernel, endpoint
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it."""
        self._both = None
        self._held.close()


@pytest.fixture(scope="session", name="shared")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    """Shared, and as if nobody had asked."""
    kernel = SharedKernel(tmp_path_factory.mktemp("shared"))
    yield kernel
    kernel.close()


def _forget(kernel: RunningKernel) -> None:
    kernel.run("%beaker stop")  # an error where no question goes on
    kernel.run("%reset -f")
    # Outputs that the model is shown with a question make it an untrusted one.
    for sent in [kernel.send("pass") for _ in range(SEEN_CELLS)]:
        assert kernel.outcome(sent).status == "ok"
    assert kernel.run("%beaker reset").status == "ok"
    kernel.forget_unread()
