"""Names that are made of others."""

import os

import pytest

from beaker.contents.names import NAME_BYTES, derived


@pytest.mark.parametrize(
    ("name", "prefix", "joint"),
    [
        ("x" * 255, ".part-", ""),
        ("x" * 249 + ".ipynb", "", "-checkpoint"),
        ("\U0001f40d" * 62 + ".ipynb", "", "-checkpoint"),
        (f"{'x' * 200}-checkpoint.{'b' * 43}", "", "-checkpoint"),
        (f"{'x' * 188}-checkpoint.{'b' * 56}", "", "-checkpoint"),
        (f"{'x' * 205}-checkpoint.{'b' * 39}", "", "-checkpoint"),
        (f"{'x' * 180}.{'b' * 74}", "", "-checkpoint"),
    ],
    ids=lambda text: text if len(text) < 20 else str(len(text)),
)
def test_no_other_name_becomes_what_a_long_one_has_become(name: str, prefix: str, joint: str) -> None:
    """Whichever letters of it are taken for the joint."""
    made = derived(name, prefix=prefix, joint=joint)
    assert NAME_BYTES - 4 < len(os.fsencode(made)) <= NAME_BYTES
    rest = made.removeprefix(prefix)
    places = [at for at in range(len(rest)) if rest.startswith(joint, at)]
    others = {rest[:at] + rest[at + len(joint) :] for at in places} - {name}
    assert others
    assert {derived(other, prefix=prefix, joint=joint) for other in others} & {made} == set()


def test_a_short_name_that_ends_as_a_shortened_one_stays_as_it_is() -> None:
    assert derived("a~0123456789abcdef.ipynb", joint="-checkpoint") == "a~0123456789abcdef-checkpoint.ipynb"
