"""What each role is handed: enough for its own links, and for nobody else's."""

import msgspec
import pytest

from actors.guardian.order import GUARDIAN, REGISTRY, WORKER, GatewayOrder, agent_host_role, host_role
from actors.runtime.fingerprint import fingerprint
from beaker.settings.key import KeyFacts
from tests.actors.gateway.desk import make_order

WHOLE = make_order(workers=2)
AGENTS = [agent_host_role(number) for number in range(2)]

LINKS = [(who, REGISTRY) for who in (GUARDIAN, WORKER, "host-0", "host-1")] + [(WORKER, "host-0"), (WORKER, "host-1")]
LINKS += [("host-0", AGENTS[0]), ("host-1", AGENTS[1])]

OWN = {
    (REGISTRY, 0): {(GUARDIAN, REGISTRY), (WORKER, REGISTRY), ("host-0", REGISTRY), ("host-1", REGISTRY)},
    ("host", 1): {("host-1", REGISTRY), (WORKER, "host-1"), ("host-1", AGENTS[1])},
    ("agent-host", 1): {("host-1", AGENTS[1])},
    (WORKER, 1): {(WORKER, REGISTRY), (WORKER, "host-0"), (WORKER, "host-1")},
}
"""The links that a role is an end of, by the role and its number."""


def knows(order: GatewayOrder, link: tuple[str, str]) -> bool:
    try:
        return order.secret_between(*link) == WHOLE.secret_between(*link)
    except KeyError:
        return False


@pytest.mark.parametrize("role", OWN)
def test_a_role_knows_the_secrets_of_its_own_links_and_no_others(role: tuple[str, int]) -> None:
    part = WHOLE.for_role(*role)
    assert {link for link in LINKS if knows(part, link)} == OWN[role]
    assert part.link_secret == b""


def test_every_link_has_a_secret_of_its_own() -> None:
    assert len({WHOLE.secret_between(*link) for link in LINKS}) == len(LINKS)


def test_no_role_is_handed_a_secret_that_it_has_no_use_for() -> None:
    worker, host, registry = WHOLE.for_role(WORKER, 0), WHOLE.for_role("host", 0), WHOLE.for_role(REGISTRY, 0)
    assert (worker.kernel_secret, host.kernel_secret, registry.kernel_secret) == (b"", b"", b"kernel secret")
    assert (host.token, registry.token, host.cookie_secret, registry.cookie_secret) == (None, None, b"", b"")
    for order in (host, registry):
        assert order.token_print is not None
        assert order.token_print.is_in(f"a{WHOLE.token}b")
        assert (WHOLE.token or "").encode() not in msgspec.msgpack.encode(order)
    assert worker.token_print is None
    assert host_role(0) == "host-0"


def test_the_registry_alone_knows_the_models_key_again_and_has_it_not() -> None:
    whole = msgspec.structs.replace(WHOLE, key=KeyFacts("", "a file"), key_print=fingerprint("sk-canary-0123456789"))
    parts = {role: whole.for_role(role, 0) for role in (REGISTRY, "host", "agent-host", WORKER)}
    assert {role for role, part in parts.items() if part.key_print is not None} == {REGISTRY}
    assert parts[REGISTRY].key_print == whole.key_print
    assert parts[REGISTRY].key is None


@pytest.mark.parametrize(
    ("workers", "agents", "of"),
    [
        (1, 2, [["host-0"]]),
        (3, 2, [["host-0", "host-2"], ["host-1"]]),
        (2, 64, [["host-0"], ["host-1"]]),
        (2, 0, []),
    ],
)
def test_each_kernel_host_has_one_agent_host_and_there_are_no_more_than_are_wanted(workers: int, agents: int, of: list[list[str]]) -> None:
    order = make_order(workers=workers)
    order = msgspec.structs.replace(order, settings=msgspec.structs.replace(order.settings, agents=agents))
    assert [order.hosts_of(number) for number in range(order.agent_hosts)] == of
    assert order.for_role("host", 0).listening == ()


def test_an_agent_host_is_handed_its_socket_and_no_secret_of_others() -> None:
    part = WHOLE.for_role("agent-host", 0, listening=7)
    assert part.listening == (7,)
    assert (part.kernel_secret, part.token, part.cookie_secret, part.key) == (b"", None, b"", None)
