"""What the system tells of a descriptor that was a connection's."""

import os

from actors.kernel.sockets.unsent import taken_bytes, unsent_bytes
from tests.kit.descriptors import no_descriptor_left


def test_a_descriptor_that_is_something_elses_by_now_tells_nothing_and_costs_nothing() -> None:
    with open(os.devnull, "rb") as other, no_descriptor_left():
        assert taken_bytes(other.fileno()) is None
        assert unsent_bytes(other.fileno()) is None
