"""The doors to the user's own places for a key that are no files: a program that prints it, and the system's keyring.

What they give and what they complain of is not repeated in any sentence: either may hold the key. They are knocked at before
anything else is imported, and only where the user's settings name them, so each imports what it needs when it is called.
"""

import os
from collections.abc import Mapping, Sequence

from beaker.settings.key import Doors
from beaker.settings.key_file import NoKey
from beaker.settings.trust import expand_home, home_folder

KEYRING_USER = "beaker"
"""Under which user name the keyring is asked."""
OUTPUT_LIMIT_BYTES = 16 * 1024
"""Of `key_command`; what prints more prints no key."""


def run_key_command(command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> str:
    """Run a program that prints the key, in the home folder and a session of its own.

    Not in the notebook's folder, where a program of the same name may lie. Its complaints are not shown, as they may quote the key.

    Raises:
        NoKey: it cannot be run, fails, or takes too long.
    """
    import signal
    import subprocess

    program = [expand_home(command[0], environment), *command[1:]]
    try:
        process = subprocess.Popen(
            program,
            env=dict(environment),
            cwd=home_folder(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NoKey(f"{os.path.basename(program[0])} cannot be run ({getattr(error, 'strerror', None) or error})") from None
    assert process.stdout is not None
    with process.stdout:
        output = _read_until(process.stdout.fileno(), timeout_s)
        if output is None:
            _kill_group(process.pid, signal.SIGKILL)
    if output is None:
        process.wait()
        raise NoKey(f"it was not done within {timeout_s:g} s (agent.key_command_timeout_s), or printed too much")
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid, signal.SIGKILL)
        process.wait()
        raise NoKey(f"it was not done within {timeout_s:g} s (agent.key_command_timeout_s)") from None
    if status:
        raise NoKey(f"it ended with status {status}; run it in a terminal to see why")
    return output.decode("ascii", "replace")


def ask_keyring(service: str) -> str:
    """Ask the system's keyring.

    Raises:
        NoKey: the package is not installed, the keyring is locked, or it has nothing for us.
    """
    import importlib

    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise NoKey("the package keyring is not installed in beaker's environment") from None
    try:
        value = keyring.get_password(service, KEYRING_USER)
    except Exception as error:  # noqa: BLE001 -- each of its backends has errors of its own
        raise NoKey(f"the keyring did not answer ({type(error).__name__})") from None
    if value is None:
        raise NoKey(f"it has none under that name; set one by: keyring set {service} {KEYRING_USER}")
    return str(value)


def _read_until(descriptor: int, timeout_s: float) -> bytes | None:
    """All that is written until the end of the file; None if that does not come in time, or is too much."""
    import select
    import time

    output, deadline = b"", time.monotonic() + timeout_s
    while len(output) <= OUTPUT_LIMIT_BYTES:
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return None
        piece = os.read(descriptor, OUTPUT_LIMIT_BYTES)
        if not piece:
            return output
        output += piece
    return None


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return  # it ended meanwhile


DOORS = Doors(run_command=run_key_command, ask_keyring=ask_keyring)
