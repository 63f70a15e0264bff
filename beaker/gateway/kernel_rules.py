"""The rules of a gateway's kernels: which may begin and where, and how one ends. Part of `registering.step`."""

from uuid import UUID

import msgspec

from beaker.errors import unknown_name
from beaker.gateway.register import (
    Action,
    End,
    Kernel,
    Offer,
    Open,
    Register,
    Reply,
    Starter,
    Step,
    Strike,
    Write,
    sessions_of,
    with_kernel,
    without_session,
)
from beaker.messages.registry import KernelEntry, RegistryFailure, StartKernel


def start(register: Register, request: StartKernel, offer: Offer, starter: Starter) -> Step:
    """Begin a new kernel for somebody who waits for it, or say why not."""
    made = new_kernel(register, request, offer)
    if isinstance(made, RegistryFailure):
        return register, [Reply(starter.number, made)]
    kernel = msgspec.structs.replace(made, starters=(starter,))
    return with_kernel(register, kernel), [Write(kernel), Open(kernel)]


def new_kernel(register: Register, request: StartKernel, offer: Offer) -> Kernel | RegistryFailure:
    """The kernel that a request makes, or why it makes none."""
    if register.closed:
        return RegistryFailure(kind="busy", reason="The gateway is being stopped, so no kernel is started.")
    spec_name = request.spec_name.lower() or offer.default
    if spec_name not in offer.specs:
        return RegistryFailure(kind="unknown_spec", reason=unknown_name("a kernel of this gateway", request.spec_name, sorted(offer.specs)))
    if offer.bad_path:
        return RegistryFailure(kind="bad_path", reason=offer.bad_path)
    kernel_id = offer.kernel_id
    if request.kernel_id:
        try:
            kernel_id = str(UUID(request.kernel_id))
        except ValueError:
            shortened = request.kernel_id[:60]
            return RegistryFailure(kind="bad_id", reason=f"{shortened!r} is no id of a kernel: it must be a UUID, such as {kernel_id}.")
    if kernel_id in register.kernels:
        return RegistryFailure(kind="taken", reason=f"A kernel with the id {kernel_id} runs already; leave the id out to get a new one.")
    if len(register.kernels) >= register.max_kernels:
        reason = f"{len(register.kernels)} kernels run, and no more may (max_kernels = {register.max_kernels}): shut one down first."
        return RegistryFailure(kind="limit", reason=reason)
    entry = KernelEntry(
        kernel_id=kernel_id,
        spec_name=spec_name,
        subkernel=offer.specs[spec_name],
        host=place(register),
        folder=offer.folder,
        started_at=offer.at,
    )
    return Kernel(entry=entry, path=request.path, environment=request.environment)


def place(register: Register) -> int:
    """The host with the fewest kernels, of those that are linked if any is; the first of several."""
    load = dict.fromkeys(sorted(register.hosts) or range(register.host_count), 0)
    for kernel in register.kernels.values():
        if kernel.entry.host in load:
            load[kernel.entry.host] += 1
    return min(load, key=lambda number: (load[number], number))


def end(register: Register, kernel: Kernel) -> Step:
    """A kernel is to end, with its sessions; whoever waits for its start hears so."""
    reason = f"The kernel {kernel.entry.kernel_id} was shut down while it started."
    following, actions = fail_starters(register, kernel, RegistryFailure(kind="not_started", reason=reason))
    ending = msgspec.structs.replace(kernel, phase="ending", starters=())
    before: list[Action] = [] if kernel.phase == "ending" else [End(ending)]
    return with_kernel(following, ending), [*before, *actions]


def end_unless_used(register: Register, kernel_id: str) -> Step:
    """A session has let go of a kernel: it ends unless another session has it."""
    kernel = register.kernels.get(kernel_id)
    return (register, []) if kernel is None or sessions_of(register, kernel_id) else end(register, kernel)


def unknown_kernel(kernel_id: str) -> RegistryFailure:
    """The sentence for a kernel that is not there."""
    return RegistryFailure(kind="unknown_kernel", reason=f"There is no kernel {kernel_id[:60]!r}: it was shut down, or has never run here.")


def fail_starters(register: Register, kernel: Kernel, failure: RegistryFailure) -> Step:
    """The sessions of a kernel leave, and who waits for its start hears why."""
    actions: list[Action] = [Reply(starter.number, failure) for starter in kernel.starters]
    for session in sessions_of(register, kernel.entry.kernel_id):
        register = without_session(register, session)
        actions.append(Strike(session))
    return register, actions
