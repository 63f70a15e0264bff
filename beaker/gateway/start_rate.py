"""Requests by which kernels of one gateway may be started: what counts, whichever worker is asked, and what is said to too many."""

import math
from collections.abc import Callable

from beaker.gateway.bucket import Bucket
from beaker.gateway.register import Register
from beaker.messages.registry import ChangeSession, OpenSession, RegistryFailure, StartKernel


class StartRate:
    """How many kernels may still be started.

    Args:
        burst: how many at once.
        per_s: how many per second in the long run.
        now_s: monotonic seconds.
    """

    def __init__(self, burst: int, per_s: float, now_s: Callable[[], float]) -> None:
        self._bucket = Bucket(burst, per_s, now_s)

    def refuses(self, register: Register, request: StartKernel | OpenSession | ChangeSession) -> RegistryFailure | None:
        """What is answered to a request that may start one more than are allowed; None to all others."""
        wait_s = self._bucket.wait_s
        if wait_s <= 0 or not may_start(register, request):
            return None
        reason = f"More kernels are started than this gateway allows. Try again in {math.ceil(wait_s)} s."
        return RegistryFailure(kind="limit", reason=reason, retry_after_s=wait_s)

    def take(self) -> None:
        """One is started."""
        self._bucket.take()


def may_start(register: Register, request: StartKernel | OpenSession | ChangeSession) -> bool:
    """Whether a kernel may be started for a request."""
    match request:
        case StartKernel():
            return True
        case OpenSession(path=path, kernel_id=kernel_id):
            return not kernel_id and all(session.path != path for session in register.sessions.values())
        case ChangeSession(spec_name=spec_name, kernel_id=kernel_id):
            return spec_name is not None and kernel_id is None


def place_of(register: Register, request: StartKernel | OpenSession | ChangeSession) -> str:
    """The path of the document that such a request is about."""
    if not isinstance(request, ChangeSession):
        return request.path
    known = register.sessions.get(request.session_id)
    return request.path if request.path is not None else known.path if known is not None else ""
