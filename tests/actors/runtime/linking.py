"""What the tests of links share: two nodes that know a secret."""

from actors.runtime.hello import Refusal
from actors.runtime.kit import PATIENCE_S
from actors.runtime.link import Link
from actors.runtime.node import Node
from tests.actors.runtime.vocabulary import codec

SECRET = b"open sesame"


async def listen(node: Node, path: str, refused: list[Refusal] | None = None) -> list[Link]:
    """Let a node listen; gives the links that come, and puts down who was refused."""
    links: list[Link] = []
    await node.listen(
        path,
        codec=codec,
        admit=lambda peer: None,
        secret=SECRET,
        on_link=links.append,
        on_refused=lambda _peer, refusal: (refused if refused is not None else []).append(refusal),
    )
    return links


async def connect(node: Node, path: str) -> Link:
    """Link a node to the one that listens."""
    return await node.connect(path, codec=codec, secret=SECRET, timeout_s=PATIENCE_S)
