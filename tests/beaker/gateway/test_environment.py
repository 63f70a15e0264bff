"""What of the gateway's environment its subkernels get."""

import doctest
import os
import subprocess
from pathlib import Path

import pytest

from beaker.gateway import environment
from beaker.gateway.environment import VARIABLE_BYTES, compose_environment, room_bytes, why_too_large

OWN = {
    "PATH": "/bin",
    "LC_ALL": "C",
    "XDG_RUNTIME_DIR": "/run",
    "R_HOME": "/r",
    "https_proxy": "http://proxy",
    "NO_PROXY": "localhost",
    "JUPYTER_TOKEN": "t",
    "BEAKER_GATEWAY_TOKEN": "t",
    "OPENAI_API_KEY": "k",
    "KERNEL_OF_THE_GATEWAY": "1",
    "DATABASE_URL": "d",
    "TEAM_A": "a",
    "TEAM_B": "b",
}

LARGE = 1 << 40
"""Of messages that have room for everything."""


def test_the_example_holds() -> None:
    assert doctest.testmod(environment).failed == 0


def test_only_what_is_on_the_list_passes() -> None:
    assert sorted(compose_environment(OWN, {})) == ["LC_ALL", "NO_PROXY", "PATH", "R_HOME", "XDG_RUNTIME_DIR", "https_proxy"]


@pytest.mark.parametrize(
    "name",
    ["IPYTHONDIR", "MPLCONFIGDIR", "MPLBACKEND", "JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"],
)
def test_where_ipython_matplotlib_and_jupyter_keep_their_settings_passes_by_itself(name: str) -> None:
    assert compose_environment({name: "/elsewhere"}, {}) == {name: "/elsewhere"}


@pytest.mark.parametrize("name", ["JUPYTER_TOKEN", "JUPYTER_GATEWAY_AUTH_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"])
def test_what_lets_somebody_into_a_jupyter_does_not(name: str) -> None:
    assert compose_environment({name: "t"}, {}) == {}


def test_every_name_and_beginning_is_on_the_page_of_the_gateway() -> None:
    page = (Path(__file__).parents[3] / "docs/gateway.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith("| `pass_env`"))
    wanted = [*sorted(environment.NAMES), *(f"{beginning}*" for beginning in environment.BEGINNINGS), "*_PROXY"]
    assert [name for name in wanted if f"`{name}`" not in row] == []


def test_a_request_adds_variables_of_kernels_and_the_notebook_alone() -> None:
    requested = {
        "KERNEL_USERNAME": "ada",
        "JPY_SESSION_NAME": "/home/ada/lake.ipynb",
        "JPY_SESSION_NAMES": "",
        "JPY_PARENT_PID": "1",
        "LD_PRELOAD": "/evil.so",
        "XDG_CONFIG_HOME": "/evil",
        "KERNEL_": "",
        "KERNEL_Z\0": "",
        "KERNEL_N": "\0",
    }
    added = compose_environment({"PATH": "/bin"}, requested)
    assert added == {"PATH": "/bin", "KERNEL_USERNAME": "ada", "JPY_SESSION_NAME": "/home/ada/lake.ipynb"}


def test_the_settings_add_names_and_beginnings() -> None:
    added = compose_environment(OWN, {}, added=["DATABASE_URL", "TEAM_*", "*"])
    assert sorted(added.keys() - compose_environment(OWN, {})) == ["DATABASE_URL", "TEAM_A", "TEAM_B"]


def test_no_variable_that_holds_a_secret_passes_under_any_name() -> None:
    own = {"PATH": "/bin", "LC_NOTE": "token=5f3a", "HTTPS_PROXY": "http://5f3a@proxy"}
    assert compose_environment(own, {"KERNEL_X": "5f3a", "KERNEL_Y": "y"}, secrets=["5f3a", ""]) == {"PATH": "/bin", "KERNEL_Y": "y"}


def test_the_longest_variable_that_is_let_through_is_the_longest_that_a_program_can_be_started_with() -> None:
    longest = {"KERNEL_A": "x" * (VARIABLE_BYTES - len("KERNEL_A=") - 1)}
    assert why_too_large(longest, 1_000_000) is None
    subprocess.run(["true"], env={**os.environ, **longest}, check=True, timeout=60)
    longer = {"KERNEL_A": longest["KERNEL_A"] + "x"}
    assert why_too_large(longer, 1_000_000) == (
        "The variable KERNEL_A has 131073 bytes with its name; no program can be started with one of more than 131072."
    )
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true"], env=longer, check=False, timeout=60)


def test_letters_count_as_their_bytes() -> None:
    assert "bytes with its name" in (why_too_large({"KERNEL_A": "\u00e4" * 70_000}, 1_000_000) or "")


def test_all_that_is_let_through_together_can_be_started_with() -> None:
    own = dict(os.environ)
    room = room_bytes(own, os.sysconf("SC_ARG_MAX"), message_bytes=LARGE)
    size = len("KERNEL_00=") + 1 + 8
    each = {f"KERNEL_{number:02}": "x" * (100_000 - size) for number in range(room // 100_000)}
    assert why_too_large(each, room) is None
    subprocess.run(["true"], env={**own, **each}, check=True, timeout=60)
    words = why_too_large({**each, "KERNEL_X": "x" * 100_000}, room)
    assert words is not None
    assert f"a kernel can be started with {room} at most" in words


@pytest.mark.parametrize(("system_bytes", "room"), [(2_097_152, 2_031_602), (-1, 6_225_906), (131_072, 65_522), (1000, 0)])
def test_there_is_as_much_room_as_the_system_and_what_passes_leave(system_bytes: int, room: int) -> None:
    assert room_bytes({"A": "bcd"}, system_bytes, message_bytes=LARGE) == room


def test_there_is_no_more_room_than_a_message_has() -> None:
    assert room_bytes({"A": "bcd"}, 2_097_152, message_bytes=1_000_000) == room_bytes({"A": "bcd"}, 1_000_000, message_bytes=LARGE)


def test_a_variable_is_named_only_where_it_takes_most() -> None:
    many = {f"KERNEL_{number}": "" for number in range(1000)}
    assert "bytes together; here a kernel" in (why_too_large(many, 1000) or "")
    assert "bytes together, KERNEL_A most of them; here" in (why_too_large({**many, "KERNEL_A": "x" * 30_000}, 1000) or "")


def test_a_name_that_is_too_long_is_not_repeated_whole() -> None:
    assert len(why_too_large({"KERNEL_" + "A" * 140_000: ""}, 1_000_000) or "") < 300
