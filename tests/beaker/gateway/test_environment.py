"""What of the gateway's environment its subkernels get."""

import doctest

from beaker.gateway import environment
from beaker.gateway.environment import compose_environment

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


def test_the_example_holds() -> None:
    assert doctest.testmod(environment).failed == 0


def test_only_what_is_on_the_list_passes() -> None:
    assert sorted(compose_environment(OWN, {})) == ["LC_ALL", "NO_PROXY", "PATH", "R_HOME", "XDG_RUNTIME_DIR", "https_proxy"]


def test_a_request_adds_variables_of_kernels_alone() -> None:
    requested = {
        "KERNEL_USERNAME": "ada",
        "LD_PRELOAD": "/evil.so",
        "XDG_CONFIG_HOME": "/evil",
        "KERNEL_": "",
        "KERNEL_Z\0": "",
        "KERNEL_N": "\0",
    }
    added = compose_environment({"PATH": "/bin"}, requested)
    assert added == {"PATH": "/bin", "KERNEL_USERNAME": "ada"}


def test_the_settings_add_names_and_beginnings() -> None:
    added = compose_environment(OWN, {}, added=["DATABASE_URL", "TEAM_*", "*"])
    assert sorted(added.keys() - compose_environment(OWN, {})) == ["DATABASE_URL", "TEAM_A", "TEAM_B"]


def test_no_variable_that_holds_a_secret_passes_under_any_name() -> None:
    own = {"PATH": "/bin", "LC_NOTE": "token=5f3a", "HTTPS_PROXY": "http://5f3a@proxy"}
    assert compose_environment(own, {"KERNEL_X": "5f3a", "KERNEL_Y": "y"}, secrets=["5f3a", ""]) == {"PATH": "/bin", "KERNEL_Y": "y"}
