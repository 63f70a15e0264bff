"""The command lines that clients write."""

import pytest

from beaker.kernel.arguments import ArgumentError, KernelArguments, parse


@pytest.mark.parametrize(
    "argv",
    [
        ["-f", "/tmp/k 1.json"],
        ["-f=/tmp/k 1.json"],
        ["--f=/tmp/k 1.json"],
        ['--f="/tmp/k 1.json"'],
        ["--f='/tmp/k 1.json'"],
        ["--connection-file", "/tmp/k 1.json"],
        ["--connection-file=/tmp/k 1.json"],
    ],
)
def test_every_form_of_the_connection_file_is_understood(argv: list[str]) -> None:
    assert parse(argv).connection_file == "/tmp/k 1.json"


def test_what_vs_code_appends_is_passed_over() -> None:
    argv = ["--ip=127.0.0.1", "--stdin=9003", '--Session.key=b"secret"', "--debug", "--f=/tmp/k.json"]
    assert parse(argv) == KernelArguments(connection_file="/tmp/k.json", subkernel=None)


@pytest.mark.parametrize("argv", [["--subkernel", "ir", "-f", "k"], ["--subkernel=ir", "-f", "k"]])
def test_the_subkernel_can_be_named(argv: list[str]) -> None:
    assert parse(argv).subkernel == "ir"


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        ([], "no connection file"),
        (["-f"], "-f needs a value"),
        (["-f", "k", "--subkernel="], "--subkernel needs"),
        (["k.json"], "no connection file"),
        (["instal", "--user=1"], "the one command is `python -m beaker_kernel install`"),
        (["-x"], "'-x' is not"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_valid_options(argv: list[str], part: str) -> None:
    with pytest.raises(ArgumentError, match=part) as refused:
        parse(argv)
    assert "--subkernel NAME" in str(refused.value)
