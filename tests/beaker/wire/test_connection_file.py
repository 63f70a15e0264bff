"""Connection files: the good, the corrupted, the ones that others could have written."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beaker.wire.connection_file import ConnectionFile, ConnectionFileError, parse, read, refusal, write_ports

GOOD: dict[str, object] = {
    "shell_port": 1,
    "iopub_port": 2,
    "stdin_port": 3,
    "control_port": 4,
    "hb_port": 5,
    "ip": "127.0.0.1",
    "key": "k",
    "transport": "tcp",
    "signature_scheme": "hmac-sha256",
    "kernel_name": "beaker",
    "jupyter_session": "/home/x/a.ipynb",
}


def written(folder: Path, *, mode: int = 0o600, document: bytes | None = None) -> str:
    path = folder / "kernel.json"
    path.write_bytes(json.dumps(GOOD).encode() if document is None else document)
    path.chmod(mode)
    return str(path)


def test_a_file_that_others_may_read_is_tightened(tmp_path: Path) -> None:
    path = written(tmp_path, mode=0o644)
    assert read(path).key == "k"
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused_with_its_path(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, mode=mode)
    with pytest.raises(ConnectionFileError, match="written by others") as refused:
        read(path)
    assert path in str(refused.value)


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    status = os.stat(written(tmp_path))
    assert refusal("f", status, uid=status.st_uid) is None
    assert "belongs to user" in (refusal("f", status, uid=status.st_uid + 1) or "")


DAMAGED: list[bytes] = [
    *(b"", b"{", b"[]", b"null", b"{}", b"\x00\xff"),
    *(
        json.dumps({**GOOD, **damage}).encode()
        for damage in ({"shell_port": "x"}, {"hb_port": 70000}, {"transport": "udp"}, {"hb_port": 1}, {"curve_publickey": "x"})
    ),
]


@pytest.mark.parametrize("document", DAMAGED)
def test_a_corrupted_file_is_refused_with_its_path(tmp_path: Path, document: bytes) -> None:
    path = written(tmp_path, document=document)
    with pytest.raises(ConnectionFileError) as refused:
        read(path)
    assert path in str(refused.value)


@settings(max_examples=50)
@given(cut=st.integers(0, 300), junk=st.binary(max_size=20))
def test_any_damage_is_read_or_refused(cut: int, junk: bytes) -> None:
    document = json.dumps(GOOD).encode()
    refusal, ports = "", list[int]()
    try:
        file = parse("/f/kernel.json", document[:cut] + junk + document[cut + 3 :])
        ports = [file.shell_port, file.iopub_port, file.stdin_port, file.control_port, file.hb_port]
    except ConnectionFileError as refused:
        refusal = str(refused)
    assert ports or "/f/kernel.json" in refusal
    assert all(0 <= port < 65536 for port in ports)


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConnectionFileError, match=str(path)):
            read(str(path))


@pytest.mark.parametrize(
    ("transport", "ip", "address"),
    [("tcp", "127.0.0.1", "tcp://127.0.0.1:1"), ("tcp", "::1", "tcp://[::1]:1"), ("ipc", "/run/k", "ipc:///run/k-1")],
)
def test_addresses_are_those_of_jupyter_client(transport: str, ip: str, address: str) -> None:
    file = parse("f", json.dumps({**GOOD, "transport": transport, "ip": ip}).encode())
    assert isinstance(file, ConnectionFile)
    assert file.address(file.shell_port) == address


def test_chosen_ports_are_written_back_and_the_rest_is_kept(tmp_path: Path) -> None:
    document = json.dumps({**GOOD, "shell_port": 0}).encode()
    path = written(tmp_path, document=document)
    write_ports(path, document, {"shell_port": 77})
    assert json.loads(Path(path).read_bytes()) == {**GOOD, "shell_port": 77}
    assert os.stat(path).st_mode & 0o777 == 0o600
