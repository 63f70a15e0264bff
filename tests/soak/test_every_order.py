"""FAULTS 3, 7, 33: each of a kernel's processes killed by signal 9, alone and in pairs, in each order, on a kernel of its own each.

By hand: `make soak`. `tests/system/faults/test_every_order.py` has each pair once, on one kernel that lives through most of them.
"""

from collections.abc import Callable
from itertools import permutations

import pytest

from tests.kit.deaths import (
    AFTER_LEASE_S,
    LEASE_S,
    SHORT,
    assert_found,
    assert_replaced,
    assert_the_watcher_is_replaced,
    cast_of,
    cut_off,
    inherit_all,
    inherit_the_watcher,
    kill,
    wait_for_the_end,
)
from tests.kit.running_kernel import RunningKernel, running_kernel

ROLES = ("kernel", "supervisor", "watcher", "subkernel")
ORDERS = [(role,) for role in ROLES] + list(permutations(ROLES, 2))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_nothing_is_left_after_the_lease_whoever_was_killed(order: tuple[str, ...]) -> None:
    with running_kernel(env=SHORT) as kernel:
        kernel.run("x = 41")
        cast = cast_of(kernel)
        kill(cast, order)
        if "kernel" not in order:
            assert_replaced(kernel, order, cast)
            cut_off(kernel)
        wait_for_the_end(kernel, within_s=LEASE_S + AFTER_LEASE_S)


@pytest.mark.parametrize("order", [order for order in ORDERS if "kernel" in order], ids="-".join)
def test_a_successor_of_the_kernel_process_finds_what_was_not_killed(order: tuple[str, ...]) -> None:
    with running_kernel() as kernel:
        kernel.run("x = 41")
        cast = cast_of(kernel)
        kill(cast, order)
        assert_found(kernel, order, cast)


@pytest.mark.parametrize("inherit", [inherit_the_watcher, inherit_all], ids=lambda value: str(value.__name__))
def test_a_watcher_that_is_killed_after_its_starters_is_replaced(inherit: Callable[[RunningKernel], None]) -> None:
    with running_kernel(env={"BEAKER_KERNEL_LEASE_S": "3"}) as kernel:
        inherit(kernel)
        assert_the_watcher_is_replaced(kernel)
