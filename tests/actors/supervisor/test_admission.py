"""Who is let in at the Supervisor's socket: the kernel process that has its secret, and nobody else of ours."""

import pytest

from actors.runtime.codec import Codec
from actors.runtime.hello import Refused
from actors.runtime.node import Node
from beaker.messages.base import PROTOCOL
from beaker.messages.subkernel import SubkernelEvent, SupervisorReply
from tests.actors.supervisor.stage import PATIENCE_S, stage

pytestmark = pytest.mark.slow

AGENTS_SECRET = b"a" * 32


@pytest.mark.parametrize(
    ("role", "secret", "code"),
    [
        ("agent", None, "peer"),  # it has read the secret somewhere, and says truly what it is
        ("agent", AGENTS_SECRET, "secret"),
        ("kernel", AGENTS_SECRET, "secret"),  # it lies about its role
        ("supervisor", None, "peer"),
    ],
)
async def test_an_agent_does_not_get_in(role: str, secret: bytes | None, code: str) -> None:
    async with stage() as kernel:
        kernel.fork()
        await kernel.attach()
        stranger = Node(role, protocol=PROTOCOL)
        try:
            with pytest.raises(Refused) as caught:
                await stranger.connect(
                    str(kernel.folder / "supervisor.sock"),
                    codec=Codec(SubkernelEvent | SupervisorReply),
                    secret=secret or kernel.order.secret,
                    timeout_s=PATIENCE_S,
                )
        finally:
            await stranger.stop()
        assert caught.value.refusal.code == code
        assert kernel.link is not None
        assert not kernel.link.closed.done(), "the owner's link lives on"
