"""The kernel process, from its command line to its exit.

The order is the start-up time: what can be refused is refused first; then the Supervisor is forked, before ZeroMQ is imported, so that
the subkernel starts while this process goes on to bind its sockets; requests that arrive before it is up wait.
"""

import hmac
import os
import sys

from actors.kernel.life.orders import make_order
from actors.roles.own_logs import configure_logs
from actors.roles.settling import Settled
from actors.runtime.malloc import return_large_buffers
from actors.runtime.prctl import become_subreaper, become_undumpable
from actors.supervisor.role import fork_supervisor
from beaker import places
from beaker.kernel.arguments import ArgumentError, parse
from beaker.settings.load import load
from beaker.wire import connection_file
from beaker.wire.connection_file import ConnectionFileError


def main(argv: list[str], settled: Settled) -> int:
    """Run the kernel until it is shut down.

    Args:
        argv: the command line without the program's name.
        settled: where the model's key is; the process has been made ready for it, see `actors.roles.settling`.

    Returns:
        0, or 1 after a sentence on stderr.
    """
    try:
        arguments = parse(argv)
        file = connection_file.read(arguments.connection_file)
        kernel_id = places.kernel_id(arguments.connection_file, file.key.encode())
        folder = places.kernel_folder(os.environ, kernel_id, uid=os.getuid())
        given = {"subkernel.spec": arguments.subkernel} if arguments.subkernel else {}
        loaded = load(os.environ, folder=_here(), command_line=given, key=settled.facts, key_problems=settled.problems)
    except (ArgumentError, ConnectionFileError, places.PlaceError) as refused:
        sys.stderr.write(f"beaker: {refused}\n")
        return 1
    path = os.path.abspath(arguments.connection_file)
    # Whoever can read the connection file may own the kernel: that is what lets a successor of this process in.
    secret = hmac.digest(file.key.encode(), b"beaker/supervisor", "sha256")
    order = make_order(loaded.settings, folder=str(folder.path), kernel_id=kernel_id, secret=secret, connection_file=path)
    become_subreaper()
    supervisor = fork_supervisor(order, before_serving=lambda: configure_logs(loaded.settings.logs, "supervisor", kernel_id, file.key))
    _name_process(kernel_id)
    become_undumpable()
    return_large_buffers()
    from actors.kernel.process import KernelFailed, KernelProcess  # after the fork: the Supervisor has no use for ZeroMQ's memory
    from actors.kernel.sockets.zmq_sockets import AddressError
    from beaker.wire.signing import UnknownScheme

    try:
        KernelProcess(order, loaded, file, path, supervisor, key=settled.descriptor).run()
    except AddressError as refused:
        sys.stderr.write(f"beaker: {refused}. Perhaps a kernel runs with {path} already.\n")
        return 1
    except UnknownScheme as refused:
        sys.stderr.write(f"beaker: {refused}\n")
        return 1
    except KernelFailed as failed:
        logs = places.state_folder(os.environ) / "logs"
        sys.stderr.write(f"beaker: this kernel process failed again and again ({failed}) and ends; its log lies in {logs}.\n")
        return 1
    return 0


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None  # the notebook's folder was removed; the subkernel will say so itself


def _name_process(kernel_id: str) -> None:
    from setproctitle import setproctitle

    setproctitle(f"beaker --role kernel --kernel {kernel_id}")
