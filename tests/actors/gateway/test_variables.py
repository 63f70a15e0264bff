"""The variables that a client sends for its kernel: as many as can be told in one message."""

import re
from http import HTTPStatus

import msgspec
import pytest

from actors.gateway.answers import Problem
from actors.gateway.models import kernel_variables
from actors.runtime.frames import MESSAGE_LIMIT
from beaker.messages.registry import StartKernel


def refused(variables: dict[str, object]) -> int:
    """How much there is room for, as the answer says."""
    with pytest.raises(Problem) as caught:
        kernel_variables(variables)
    assert caught.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    said = re.search(r"here a kernel can be started with (\d+) at most", str(caught.value))
    assert said is not None
    return int(said[1])


def test_more_than_a_link_takes_is_refused_with_the_limit_that_holds() -> None:
    assert refused({f"KERNEL_{number}": "x" * 100_000 for number in range(15)}) < MESSAGE_LIMIT


@pytest.mark.parametrize("size", [0, 50, 300, 70_000])
def test_as_much_as_is_said_to_be_taken_can_be_told_in_one_message(size: int) -> None:
    each = len("KERNEL_00000=") + size + 1 + 8  # as the system counts, with a pointer
    room = refused({f"KERNEL_{number:05}": "x" * size for number in range(3_000_000 // each)})
    taken = kernel_variables({f"KERNEL_{number:05}": "x" * size for number in range(room // each)})
    assert len(msgspec.msgpack.encode(StartKernel(path="a.ipynb", environment=taken))) < MESSAGE_LIMIT
