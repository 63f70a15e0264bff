"""The shared memory of a worker."""

from pathlib import Path

from actors.gateway.slots import REST_S, Slots


class _Time:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_slot_is_two_words_that_others_can_read(tmp_path: Path) -> None:
    slots = Slots(f"{tmp_path}/seen", 4, limit=4, now_s=_Time())
    assert (slots.take(), slots.take()) == (0, 1)
    slots.left(1, 2**61 + 7)
    slots.took(1, 2**61 + 6)
    words = (2**61 + 7).to_bytes(8, "little") + (2**61 + 6).to_bytes(8, "little")
    assert (tmp_path / "seen").read_bytes() == bytes(16) + words + bytes(32)
    assert (tmp_path / "seen").stat().st_mode & 0o777 == 0o600
    slots.close()
    assert list(tmp_path.iterdir()) == []


def test_no_more_are_taken_than_may_be(tmp_path: Path) -> None:
    slots = Slots(f"{tmp_path}/seen", 4, limit=1, now_s=_Time())
    assert (slots.take(), slots.take(), slots.taken) == (0, None, 1)


def test_one_that_was_given_back_rests_and_then_says_nothing(tmp_path: Path) -> None:
    time = _Time()
    slots = Slots(f"{tmp_path}/seen", 1, limit=1, now_s=time)
    assert slots.take() == 0
    slots.left(0, 5)
    slots.give_back(0)
    assert (slots.take(), slots.read(0)) == (None, (5, 0))
    time.now_s += REST_S
    assert (slots.take(), slots.read(0)) == (0, (0, 0))


def test_fresh_ones_are_taken_before_those_that_rest(tmp_path: Path) -> None:
    time = _Time()
    slots = Slots(f"{tmp_path}/seen", 3, limit=3, now_s=time)
    first = slots.take()
    assert first == 0
    slots.give_back(first)
    time.now_s += REST_S
    assert [slots.take() for _ in range(3)] == [1, 2, 0]
