"""The sockets where clients come in."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.guardian.listening import PATH_BYTES, CannotListen, PortTaken, identify, leave, listen, port_of
from beaker.settings.gateway import GatewaySettings
from tests.kit.ports import free_port


@pytest.fixture
def opened() -> Iterator[list[socket.socket]]:
    sockets: list[socket.socket] = []
    yield sockets
    for each in sockets:
        each.close()


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_localhost_is_both_addresses_of_this_machine_at_one_port(opened: list[socket.socket]) -> None:
    opened += listen(GatewaySettings(host="localhost", port=0))
    names = [each.getsockname()[:2] for each in opened]
    assert names == [(address, port_of(opened)) for address in (("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",))]
    for address, port in names:
        socket.create_connection((address, port), timeout=10).close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_is_itself_alone(opened: list[socket.socket]) -> None:
    opened += listen(GatewaySettings(host="::1", port=0))
    assert [each.getsockname()[0] for each in opened] == ["::1"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(opened)), timeout=10)


def test_a_port_can_be_listened_at_again_right_after_its_connections_were_closed(opened: list[socket.socket]) -> None:
    port = free_port()
    first = listen(GatewaySettings(port=port))
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    accepted, _ = first[0].accept()
    accepted.close()
    client.close()
    first[0].close()
    opened += listen(GatewaySettings(port=port))
    assert port_of(opened) == port


def test_a_unix_socket_with_so_many_that_wait_that_no_more_may_is_left_to_who_listens(short_folder: Path) -> None:
    path = str(short_folder / "s")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(path)
        listening.listen(0)
        waiting.connect(path)
        with pytest.raises(PortTaken, match="Somebody listens at"):
            listen(GatewaySettings(unix_socket=path))
        assert os.path.exists(path)


def test_only_its_owner_can_use_a_unix_socket_and_a_dead_one_is_replaced(short_folder: Path, opened: list[socket.socket]) -> None:
    settings = GatewaySettings(unix_socket=str(short_folder / "s"))
    listen(settings)[0].close()
    opened += listen(settings)
    assert stat.S_IMODE(os.stat(settings.unix_socket).st_mode) == 0o600
    assert port_of(opened) == 0
    with pytest.raises(PortTaken, match="Somebody listens at"):
        listen(settings)


def test_a_file_that_somebody_has_put_in_the_place_of_the_socket_is_left(short_folder: Path) -> None:
    path = str(short_folder / "s")
    for theirs in (False, True):
        sockets = listen(GatewaySettings(unix_socket=path))
        file = identify(path)
        if theirs:
            os.unlink(path)
            Path(path).write_text("theirs")
        leave(sockets, path, file)
        assert (os.path.exists(path), sockets[0].fileno()) == (theirs, -1)


@pytest.mark.parametrize("path", ["open/deep/s", "open/deep/er/s", "link/s", "open/own/s"])
def test_a_unix_socket_anywhere_below_a_folder_where_everybody_may_write_is_refused(path: str, short_folder: Path) -> None:
    (short_folder / "open/deep/er").mkdir(parents=True)
    (short_folder / "closed").mkdir()
    (short_folder / "link").symlink_to("open/deep")  # the way that the link leads
    (short_folder / "open/own").symlink_to(short_folder / "closed")  # the way that is named
    (short_folder / "open").chmod(0o777)
    with pytest.raises(CannotListen, match=f"everybody may write in {short_folder}/open, and could"):
        listen(GatewaySettings(unix_socket=str(short_folder / path)))


def test_a_unix_socket_below_a_folder_where_only_owners_remove_anything_is_listened_at(
    short_folder: Path, opened: list[socket.socket]
) -> None:
    (short_folder / "open/deep").mkdir(parents=True)
    (short_folder / "open").chmod(0o1777)
    opened += listen(GatewaySettings(unix_socket=str(short_folder / "open/deep/s")))


def test_the_longest_path_of_a_unix_socket_is_as_long_as_is_said(short_folder: Path, opened: list[socket.socket]) -> None:
    path = str(short_folder / "s")
    path += "s" * (PATH_BYTES - len(path))
    with pytest.raises(CannotListen, match=f"the path is too long. Name a path of less than {PATH_BYTES} bytes"):
        listen(GatewaySettings(unix_socket=path))
    opened += listen(GatewaySettings(unix_socket=path[:-1]))


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_of_one_interface_is_listened_at_there_and_wants_its_name() -> None:
    with pytest.raises(CannotListen, match="fe80::1 is an address of one interface: name that too, as in fe80::1%eth0"):
        listen(GatewaySettings(host="fe80::1", port=0))
    with pytest.raises(CannotListen, match="is no address of this machine"):  # it is not the one of that interface
        listen(GatewaySettings(host="fe80::1%lo", port=0))
