"""Connection files: what a client and a kernel agree on, checked before a socket is opened.

Source: jupyter_client documentation, "Making kernels for Jupyter", section "Connection files"; CURVE keys as jupyter_client 8.10
writes them. Reading and judging the file's owner and mode is here, as pure functions of `os.stat` results; opening
sockets is not.
"""

import os
import stat
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from beaker.errors import BeakerError

MAX_BYTES = 65_536
"""A connection file is some 400 bytes; a larger file is another kind of file."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class ConnectionFileError(BeakerError):
    """A connection file that is refused: the sentence names its path, what is wrong and what to do."""


class ConnectionFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a connection file; keys that clients add are left alone."""

    shell_port: Port
    iopub_port: Port
    stdin_port: Port
    control_port: Port
    hb_port: Port
    ip: str = "127.0.0.1"
    transport: Literal["tcp", "ipc"] = "tcp"
    key: str = ""
    signature_scheme: str = "hmac-sha256"
    curve_publickey: str | None = None
    curve_secretkey: str | None = None

    def address(self, port: int) -> str:
        """The ZeroMQ address of one socket."""
        if self.transport == "ipc":
            return f"ipc://{self.ip}-{port}"
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"tcp://{host}:{port}"


_decoder = msgspec.json.Decoder(ConnectionFile)


def refusal(path: str, status: os.stat_result, *, uid: int) -> str | None:
    """Why a file with this `os.stat` result is not to be trusted, as a sentence; None when it may be read."""
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a regular file; give the connection file that the client wrote"
    if status.st_uid != uid:
        return f"{path} belongs to user {status.st_uid}, not to you ({uid}); start the kernel as its owner"
    if status.st_mode & 0o022:
        mode = stat.S_IMODE(status.st_mode)
        return f"{path} can be written by others (mode {mode:04o}), so its key proves nothing; remove it, or chmod 600 it if you trust it"
    if status.st_size > MAX_BYTES:
        return f"{path} has {status.st_size} bytes; a connection file has some hundred"
    return None


def parse(path: str, document: bytes) -> ConnectionFile:
    """Decode a connection file.

    Raises:
        ConnectionFileError: it is not JSON, a field is missing or has an impossible value.
    """
    try:
        found = _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConnectionFileError(f"{path} is not a usable connection file: {error}") from None
    ports = [found.shell_port, found.iopub_port, found.stdin_port, found.control_port, found.hb_port]
    named = [port for port in ports if port]
    if len(set(named)) != len(named):
        raise ConnectionFileError(f"{path} names one port twice ({', '.join(map(str, ports))}); every channel needs its own")
    if bool(found.curve_publickey) != bool(found.curve_secretkey):
        raise ConnectionFileError(f"{path} has one half of a CURVE key pair; it needs both curve_publickey and curve_secretkey, or neither")
    return found


def read(path: str) -> ConnectionFile:
    """Read, judge and decode a connection file, and tighten its mode to 0600 where others could read the key.

    VS Code writes it 0644; a foreign owner or a mode that lets others write is refused.

    Raises:
        ConnectionFileError: the file is missing, not to be trusted, or not a connection file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConnectionFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if (reason := refusal(path, status, uid=os.getuid())) is not None:
            raise ConnectionFileError(reason)
        found = parse(path, os.read(descriptor, MAX_BYTES))
        if status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return found


def write_ports(path: str, document: bytes, ports: dict[str, int]) -> None:
    """Write chosen ports into a connection file that left them open (0), atomically, mode 0600."""
    content = msgspec.json.decode(document, type=dict[str, object])
    content.update(ports)
    scratch = Path(f"{path}.{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
    scratch.replace(path)
