"""Replies to kernel_info and connect: the subkernel's with what is ours in them, or ours."""

import json
from typing import Any

import pytest

from actors.kernel.channels.kernel_info import HINT, amend_kernel_info, amend_reply, own_kernel_info
from beaker.wire.parts import CONTENT


@pytest.mark.parametrize(("banner", "amended"), [({"banner": "Python 3\n\n"}, f"Python 3\n{HINT}"), ({}, f"\n{HINT}")])
def test_our_line_stands_below_the_banner_and_all_else_stays(banner: dict[str, str], amended: str) -> None:
    known = {"status": "ok", "own": [1, None, {"é": 1.5}]}
    parts = [b'{"a": 1}', b"{} ", b'{"m":2}', json.dumps({**known, **banner}).encode(), b"", b"buffer"]
    made = amend_kernel_info(parts)
    assert json.loads(made[CONTENT]) == {**known, "banner": amended}
    assert [*made[:CONTENT], *made[CONTENT + 1 :]] == [*parts[:CONTENT], *parts[CONTENT + 1 :]]


@pytest.mark.parametrize("content", [b"[]", b"", b'{"banner": "\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_reply_that_cannot_be_read_is_passed_on_as_it_is(content: bytes) -> None:
    parts = [b"{}", b"{}", b"{}", content]
    assert amend_kernel_info(parts) == parts


@pytest.mark.parametrize(
    ("content", "amended"),
    [
        ({"shell_port": 1, "hb_port": 5, "status": "ok", "own": "x"}, {"shell_port": 5001, "hb_port": 5005, "status": "ok", "own": "x"}),
        ({"status": "error", "ename": "E"}, {"status": "error", "ename": "E"}),
    ],
)
def test_the_ports_that_a_client_is_told_are_ours(content: dict[str, Any], amended: dict[str, Any]) -> None:
    parts = [b"{}", b"{}", b"{}", json.dumps(content).encode()]
    made = amend_reply("connect_request", parts, {"shell_port": 5001, "iopub_port": 5002, "hb_port": 5005})
    assert json.loads(made[CONTENT]) == amended


def test_a_client_of_a_gateway_is_told_no_ports_as_there_are_none() -> None:
    parts = [b"{}", b"{}", b"{}", b'{"shell_port": 1, "hb_port": 5, "status": "ok"}']
    assert json.loads(amend_reply("connect_request", parts, {})[CONTENT]) == {"status": "ok"}


def test_no_other_reply_is_touched() -> None:
    parts = [b"{}", b"{}", b"{}", b'{ "shell_port":1, "banner": ""}']
    assert amend_reply("execute_request", parts, {"shell_port": 5001}) is parts


def test_without_a_subkernel_the_reply_is_whole_and_says_why() -> None:
    told = own_kernel_info("julia", "it died")
    assert told["status"] == "ok"
    assert told["banner"] == f"it died\n{HINT}"
    assert {"protocol_version", "implementation", "implementation_version", "language_info", "banner"} <= set(told)
