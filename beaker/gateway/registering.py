"""Kernels and sessions of a gateway, as a pure function: `step(register, fact)` gives the next register and what to do.

The Registry performs the actions and tells the facts. What holds, whatever happens: each ask is answered once; no more kernels
than may be; a session's kernel is there as long as the session; a kernel ends with its last session when that is closed or
given another kernel. The rules of the two are in `kernel_rules` and `session_rules`.
"""

from typing import assert_never

import msgspec

from beaker.gateway.kernel_rules import end, fail_starters, start, unknown_kernel
from beaker.gateway.register import (
    Action,
    AllGone,
    Asked,
    Closing,
    End,
    Ending,
    Fact,
    Gone,
    HandOver,
    HostCame,
    HostWent,
    NotStarted,
    Offer,
    Register,
    Reply,
    Served,
    Starter,
    Step,
    Strike,
    shown,
    with_kernel,
)
from beaker.gateway.session_rules import change_session, close_session, open_session, rebind
from beaker.messages.registry import (
    ChangeSession,
    CloseSession,
    EndKernel,
    KernelEnded,
    Kernels,
    KernelStarted,
    ListKernels,
    ListSessions,
    OpenSession,
    RegistryFailure,
    SessionClosed,
    SessionOpened,
    Sessions,
    StartKernel,
)


def step(register: Register, fact: Fact) -> Step:
    """Decide what follows from a fact."""
    match fact:
        case Asked():
            return _asked(register, fact)
        case Served(kernel_id=kernel_id):
            return _served(register, kernel_id)
        case NotStarted(kernel_id=kernel_id, failure=failure):
            return _not_started(register, kernel_id, failure)
        case Ending(kernel_id=kernel_id):
            kernel = register.kernels.get(kernel_id)
            return end(register, kernel) if kernel is not None else (register, [])
        case Gone(kernel_id=kernel_id):
            return _gone(register, kernel_id)
        case HostCame(number=number):
            theirs = [each for each in register.kernels.values() if each.entry.host == number and each.phase != "ending"]
            return msgspec.structs.replace(register, hosts=register.hosts | {number}), [HandOver(each) for each in theirs]
        case HostWent(number=number):
            return msgspec.structs.replace(register, hosts=register.hosts - {number}), []
        case Closing(number=number):
            return _closing(register, number)
        case _:
            assert_never(fact)


def _asked(register: Register, fact: Asked) -> Step:
    number = fact.number
    match fact.request:
        case ListKernels():
            listed = [kernel.entry for kernel in register.kernels.values() if kernel.phase == "up"]
            return register, [Reply(number, Kernels(kernels=listed))]
        case ListSessions():
            up = [session for session in register.sessions.values() if register.kernels[session.kernel_id].phase == "up"]
            return register, [Reply(number, Sessions(sessions=[shown(register, session) for session in up]))]
        case StartKernel() as request:
            return start(register, request, _offered(fact), Starter(number=number))
        case EndKernel(kernel_id=kernel_id):
            kernel = register.kernels.get(kernel_id)
            if kernel is None:
                return register, [Reply(number, unknown_kernel(kernel_id))]
            return end(register, msgspec.structs.replace(kernel, enders=(*kernel.enders, number)))
        case OpenSession() as request:
            return open_session(register, number, request, _offered(fact))
        case ChangeSession() as request:
            return change_session(register, number, request, _offered(fact))
        case CloseSession(session_id=session_id):
            return close_session(register, number, session_id)
        case _:
            assert_never(fact.request)


def _offered(fact: Asked) -> Offer:
    """What was looked up for a request that may need a new kernel."""
    assert fact.offer is not None, "whoever asks for a kernel is given an offer"
    return fact.offer


def _served(register: Register, kernel_id: str) -> Step:
    """Its host serves it: all who waited get what they wanted."""
    kernel = register.kernels.get(kernel_id)
    if kernel is None or kernel.phase != "starting":
        return register, []
    waiting, kernel = kernel.starters, msgspec.structs.replace(kernel, phase="up", starters=())
    following = with_kernel(register, kernel)
    actions: list[Action] = []
    for starter in waiting:
        if starter.change is not None:
            following, more = rebind(following, starter.number, starter.change, kernel_id)
            actions += more
        elif starter.session_id:
            session = shown(following, following.sessions[starter.session_id])
            actions.append(Reply(starter.number, SessionOpened(session=session, is_new=starter.is_new)))
        else:
            actions.append(Reply(starter.number, KernelStarted(kernel=kernel.entry)))
    return following, actions


def _not_started(register: Register, kernel_id: str, failure: RegistryFailure) -> Step:
    """It will not come up: what was made for it goes, and whoever waited hears why."""
    kernel = register.kernels.get(kernel_id)
    if kernel is None or kernel.phase != "starting":
        return register, []
    following, actions = fail_starters(register, kernel, failure)
    ending = msgspec.structs.replace(kernel, phase="ending", starters=())
    return with_kernel(following, ending), [*actions, End(ending)]


def _gone(register: Register, kernel_id: str) -> Step:
    """No process of it is left: neither is its entry, nor its sessions."""
    kernel = register.kernels.get(kernel_id)
    if kernel is None:
        return register, []
    reason = f"The kernel {kernel_id} ended while it started."
    register, actions = fail_starters(register, kernel, RegistryFailure(kind="not_started", reason=reason))
    left = {key: each for key, each in register.kernels.items() if key != kernel_id}
    actions.append(Strike(kernel))
    actions += [Reply(number, KernelEnded(kernel_id=kernel_id)) for number in kernel.enders]
    actions += [Reply(number, SessionClosed()) for number in kernel.closers]
    if not left:
        actions += [AllGone(number) for number in register.leaving]
        register = msgspec.structs.replace(register, leaving=())
    return msgspec.structs.replace(register, kernels=left), actions


def _closing(register: Register, number: int) -> Step:
    """All kernels end; if none is there, that is done."""
    register = msgspec.structs.replace(register, closed=True)
    if not register.kernels:
        return register, [AllGone(number)]
    register = msgspec.structs.replace(register, leaving=(*register.leaving, number))
    actions: list[Action] = []
    for kernel in list(register.kernels.values()):
        register, more = end(register, kernel)
        actions += more
    return register, actions
