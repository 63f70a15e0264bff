"""The rules of Jupyter's sessions: part of `registering.step`, which is the only caller.

A document has one session; who wants one for it gets that one. One that is given another kernel, or closed, ends the kernel it
had unless another session has that too.

Source: Jupyter Server's REST interface, `/api/sessions`, version 2.
"""

from typing import Final

import msgspec

from beaker.gateway.kernel_rules import end, end_unless_used, start, unknown_kernel
from beaker.gateway.register import (
    Action,
    Offer,
    Register,
    Reply,
    Session,
    Starter,
    Step,
    Strike,
    Write,
    sessions_of,
    shown,
    with_kernel,
    with_session,
    without_session,
)
from beaker.messages.registry import ChangeSession, OpenSession, RegistryFailure, SessionClosed, SessionOpened, StartKernel

LIST_BYTES: Final = 900_000
"""All sessions are told in one message, which may have a million bytes; beyond that nobody could list them any more."""

ENTRY_BYTES: Final = 400
"""What one takes there beside its own words and the folder of its cells: ids, names of fields, a kernelspec."""


def open_session(register: Register, number: int, request: OpenSession, offer: Offer) -> Step:
    """A document wants a kernel: the one it has, one that runs, or a new one."""
    known = next((session for session in register.sessions.values() if session.path == request.path), None)
    if known is not None:
        return _tell(register, number, known, is_new=False)
    if len(register.sessions) >= register.max_sessions:
        reason = f"{len(register.sessions)} sessions are open, and no more may be: close some first."
        return register, [Reply(number, RegistryFailure(kind="limit", reason=reason))]
    session = Session(session_id=offer.session_id, path=request.path, name=request.name, kind=request.kind, kernel_id=request.kernel_id)
    if _is_too_much(register, session, offer.folder):
        return register, [Reply(number, _too_much())]
    if request.kernel_id:
        kernel = register.kernels.get(request.kernel_id)
        if kernel is None or kernel.phase == "ending":
            return register, [Reply(number, unknown_kernel(request.kernel_id))]
        following, actions = _tell(with_session(register, session), number, session, is_new=True)
        return following, [Write(session), *actions]
    wanted = StartKernel(spec_name=request.spec_name, path=request.path, environment=request.environment)
    following, actions = start(register, wanted, offer, Starter(number=number, session_id=session.session_id, is_new=True))
    if following is register:
        return register, actions  # it is not started, and the reply says why
    session = msgspec.structs.replace(session, kernel_id=_newest(following))
    return with_session(following, session), [*actions, Write(session)]


def change_session(register: Register, number: int, request: ChangeSession, offer: Offer) -> Step:
    """A document was renamed, or wants another kernel."""
    session = register.sessions.get(request.session_id)
    if session is None:
        return register, [Reply(number, _unknown(request.session_id))]
    if _is_too_much(register, _changed(session, request, session.kernel_id), offer.folder):
        return register, [Reply(number, _too_much())]
    if request.kernel_id:
        kernel = register.kernels.get(request.kernel_id)
        if kernel is None or kernel.phase == "ending":
            return register, [Reply(number, unknown_kernel(request.kernel_id))]
        if kernel.phase == "up":
            return rebind(register, number, request, request.kernel_id)
        starter = Starter(number=number, session_id=session.session_id, change=request)
        return with_kernel(register, msgspec.structs.replace(kernel, starters=(*kernel.starters, starter))), []
    if request.spec_name:
        path = session.path if request.path is None else request.path
        wanted = StartKernel(spec_name=request.spec_name, path=path, environment=request.environment)
        return start(register, wanted, offer, Starter(number=number, session_id=session.session_id, change=request))
    return rebind(register, number, request, session.kernel_id)


def rebind(register: Register, number: int, request: ChangeSession, kernel_id: str) -> Step:
    """A session is what a request makes of it, with a kernel that is there; the one it had may end."""
    session = register.sessions.get(request.session_id)
    if session is None:  # closed while its new kernel started, which nobody has asked for since
        following, actions = end_unless_used(register, kernel_id)
        return following, [Reply(number, _unknown(request.session_id)), *actions]
    former = session.kernel_id
    session = _changed(session, request, kernel_id)
    following, actions = _tell(with_session(register, session), number, session, is_new=False)
    ended: list[Action] = []
    if former != kernel_id:
        following, ended = end_unless_used(following, former)
    return following, [Write(session), *actions, *ended]


def close_session(register: Register, number: int, session_id: str) -> Step:
    """A session ends, and its kernel unless another session has that."""
    session = register.sessions.get(session_id)
    if session is None:
        return register, [Reply(number, _unknown(session_id))]
    following = without_session(register, session)
    if sessions_of(following, session.kernel_id):
        return following, [Strike(session), Reply(number, SessionClosed())]
    kernel = following.kernels[session.kernel_id]
    following, actions = end(following, msgspec.structs.replace(kernel, closers=(*kernel.closers, number)))
    return following, [Strike(session), *actions]


def _tell(register: Register, number: int, session: Session, *, is_new: bool) -> Step:
    """Answer with a session, once its kernel is there."""
    kernel = register.kernels[session.kernel_id]
    if kernel.phase == "starting":
        starter = Starter(number=number, session_id=session.session_id, is_new=is_new)
        return with_kernel(register, msgspec.structs.replace(kernel, starters=(*kernel.starters, starter))), []
    return register, [Reply(number, SessionOpened(session=shown(register, session), is_new=is_new))]


def _changed(session: Session, request: ChangeSession, kernel_id: str) -> Session:
    return msgspec.structs.replace(
        session,
        path=session.path if request.path is None else request.path,
        name=session.name if request.name is None else request.name,
        kind=session.kind if request.kind is None else request.kind,
        kernel_id=kernel_id,
    )


def _is_too_much(register: Register, session: Session, folder: str) -> bool:
    """Whether all sessions could not be told in one message, were this one as it is here."""
    all_of_them = [*(other for other in register.sessions.values() if other.session_id != session.session_id), session]
    return sum(_size_bytes(register, each, folder) for each in all_of_them) > LIST_BYTES


def _size_bytes(register: Register, session: Session, folder: str) -> int:
    kernel = register.kernels.get(session.kernel_id)
    words = (session.path, session.name, session.kind, folder if kernel is None else kernel.entry.folder)
    return ENTRY_BYTES + sum(len(word.encode(errors="surrogatepass")) for word in words)


def _too_much() -> RegistryFailure:
    reason = "The names of all sessions together are longer than can be listed: close some first, or give this one a shorter path."
    return RegistryFailure(kind="limit", reason=reason)


def _newest(register: Register) -> str:
    return next(reversed(register.kernels))


def _unknown(session_id: str) -> RegistryFailure:
    reason = f"There is no session {session_id[:60]!r}: it was closed, or its kernel is gone."
    return RegistryFailure(kind="unknown_session", reason=reason)
