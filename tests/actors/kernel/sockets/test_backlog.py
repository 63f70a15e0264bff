"""The queue that knows what it costs."""

import pytest

from actors.kernel.sockets import backlog
from actors.kernel.sockets.backlog import Backlog


def test_it_is_first_in_first_out_and_knows_its_cost() -> None:
    waiting: Backlog[str] = Backlog()
    for item, cost in (("a", 1), ("b", 10), ("c", 100)):
        waiting.append(item, cost)
    assert (waiting.first(), waiting.popleft(), waiting.popleft()) == ("a", "a", "b")
    assert (len(waiting), waiting.size_bytes) == (1, 100)
    waiting.clear()
    assert (len(waiting), waiting.size_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("costs", "full"), [([], False), ([99], False), ([100], True), ([1000], True), ([50, 49], False), ([1] * 4, False), ([0] * 5, True)]
)
def test_it_is_full_by_bytes_or_by_number_whichever_comes_first(monkeypatch: pytest.MonkeyPatch, costs: list[int], full: bool) -> None:
    monkeypatch.setattr(backlog, "LIMIT_BYTES", 100)
    monkeypatch.setattr(backlog, "LIMIT_MESSAGES", 5)
    waiting: Backlog[int] = Backlog()
    for cost in costs:
        waiting.append(cost, cost)
    assert waiting.full == full
