"""What handlers ask of the Registry and the kernel hosts, with each failure as the answer that a client gets."""

import math
from contextvars import ContextVar
from typing import Final, TypeVar

from actors.gateway.answers import Problem
from actors.gateway.lasting_link import AGAIN_S, PATIENCE_S
from actors.gateway.service import Service
from actors.runtime.failures import AskError, AskFailed, AskTimeout, TooLarge
from actors.runtime.ref import Answerable
from beaker.messages.host import HostFailure
from beaker.messages.registry import KernelEntry, ListKernels, RegistryFailure

Reply = TypeVar("Reply")

REGISTRY: Final = "registry"
HOST: Final = "host"
"""Names of the actors."""

READ_LIMIT_S: Final = 10.0
"""For an answer that takes no work: far more than it needs, and less than a client waits."""

_STATUS: Final = {
    "unknown_kernel": 404,
    "unknown_session": 404,
    "unknown_spec": 400,
    "bad_path": 400,
    "bad_id": 400,
    "taken": 409,
    "limit": 429,
    "not_started": 503,
    "busy": 503,
}
"""How each kind of RegistryFailure is answered."""

_found: ContextVar[str] = ContextVar("found_kernel", default="")
"""The kernel that the request that is being answered is about; aiohttp answers each in a task of its own."""


async def ask_registry(service: Service, request: Answerable[Reply], *, timeout_s: float = READ_LIMIT_S, again: bool = False) -> Reply:
    """Ask the Registry.

    Args:
        again: the request changes nothing and may be asked twice.

    Raises:
        Problem: why there is no answer.
    """
    try:
        return await service.registry.ask(REGISTRY, request, timeout_s=timeout_s, again=again)
    except AskError as error:
        raise _problem(error, timeout_s) from None
    except TooLarge:
        raise Problem(413, "What the request says of a kernel or session is too long, as its variables together can be.") from None


async def list_kernels(service: Service) -> list[KernelEntry]:
    """All kernels of the gateway.

    Raises:
        Problem: the Registry does not answer.
    """
    return (await ask_registry(service, ListKernels(), again=True)).kernels


async def not_saving(service: Service) -> str:
    """Why nothing is written down of kernels and sessions at the moment, as on a full disk; empty: all is.

    Raises:
        Problem: the Registry does not answer.
    """
    return (await ask_registry(service, ListKernels(), again=True)).not_saving


async def find_kernel(service: Service, kernel_id: str) -> KernelEntry:
    """One kernel.

    Raises:
        Problem: 404, there is none of this id; or the Registry does not answer.
    """
    for entry in await list_kernels(service):
        if entry.kernel_id == kernel_id:
            note_kernel(kernel_id)
            return entry
    raise Problem(404, f"There is no kernel {kernel_id[:100]!r}; it may have been shut down.")


def note_kernel(kernel_id: str) -> None:
    """There is, or was until now, this kernel: what is logged of the request names it."""
    _found.set(kernel_id)


def found_kernel() -> str:
    """The kernel that the request that is being answered is about, if there is one of the id that it names; else empty."""
    return _found.get()


async def ask_host(service: Service, kernel_id: str, request: Answerable[Reply], *, timeout_s: float) -> Reply:
    """Ask the host of a kernel, or the one that takes its place.

    Raises:
        Problem: there is no such kernel, or why there is no answer.
    """
    entry = await find_kernel(service, kernel_id)
    deadline = service.clock.monotonic() + PATIENCE_S
    while True:
        try:
            return await service.hosts[entry.host % len(service.hosts)].role.ask(HOST, request, timeout_s=timeout_s)
        except AskError as error:
            # A host that has just been replaced is given its kernels one after the other.
            if not _is_unknown(error) or service.clock.monotonic() >= deadline:
                raise _problem(error, timeout_s) from None
        await service.clock.sleep(AGAIN_S)


def _is_unknown(error: AskError) -> bool:
    return isinstance(error, AskFailed) and isinstance(error.failure, HostFailure) and error.failure.kind == "unknown_kernel"


def _problem(error: AskError, timeout_s: float) -> Problem:
    if isinstance(error, AskTimeout):
        return Problem(504, f"No answer came within {timeout_s:g} s. Whether it was done is not known; look again.")
    if isinstance(error, AskFailed):
        failure = error.failure
        if isinstance(failure, RegistryFailure):
            wait_s = failure.retry_after_s
            headers = None if wait_s is None else {"Retry-After": str(math.ceil(wait_s))}
            return Problem(_STATUS[failure.kind], failure.reason, reason=failure.kind, headers=headers)
        if isinstance(failure, HostFailure):
            return Problem(503, failure.reason, reason=failure.kind)
    return Problem(503, "The part of the gateway that is needed is being replaced. Try again in a moment.", reason="busy")
