"""Texts within limits."""

import pytest

from beaker.agent.cutting import cut


@pytest.mark.parametrize("size", [0, 10, 59, 60, 61, 1000])
def test_a_cut_text_is_never_longer_than_the_limit(size: int) -> None:
    assert len(cut("x" * size, 60)) <= 60
