"""Bytes put away behind a descriptor."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.runtime import sealed
from actors.runtime.sealed import read_sealed, seal

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="memfd is Linux's")


def in_memory(content: bytes) -> int:
    return seal(content, name="test")


def in_file(content: bytes) -> int:
    return sealed._hide_in_file(content)


both = pytest.mark.parametrize("put_away", [pytest.param(in_memory, marks=linux_only), in_file])


@both
def test_it_is_read_any_number_of_times_whole_or_in_part(put_away: Callable[[bytes], int]) -> None:
    descriptor = put_away(b"0123456789")
    try:
        assert [read_sealed(descriptor), read_sealed(descriptor, 4), read_sealed(descriptor, 2, 3), read_sealed(descriptor, 8, 9)] == [
            b"0123456789",
            b"456789",
            b"234",
            b"89",
        ]
    finally:
        os.close(descriptor)


@both
def test_it_cannot_be_changed_through_the_descriptor(put_away: Callable[[bytes], int]) -> None:
    descriptor = put_away(b"secret")
    try:
        for change in (lambda: os.write(descriptor, b"x"), lambda: os.ftruncate(descriptor, 0)):
            with pytest.raises(OSError) as raised:  # noqa: PT011 -- which one is the platform's choice
                change()
            assert raised.value.errno in (errno.EPERM, errno.EBADF, errno.EINVAL)
        assert read_sealed(descriptor) == b"secret"
    finally:
        os.close(descriptor)


@both
def test_only_who_is_given_it_has_it(put_away: Callable[[bytes], int]) -> None:
    descriptor = put_away(b"secret")
    code = f"import os; print(os.fstat({descriptor}).st_size)"
    try:
        without = subprocess.run([sys.executable, "-c", code], close_fds=False, capture_output=True, timeout=30, check=False)
        given = subprocess.run([sys.executable, "-c", code], pass_fds=[descriptor], capture_output=True, timeout=30, check=False)
    finally:
        os.close(descriptor)
    assert without.returncode == 1
    assert given.stdout == b"6\n"


def test_a_hidden_file_leaves_no_name_and_was_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    descriptor = in_file(b"secret")
    try:
        assert list(tmp_path.iterdir()) == []
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    finally:
        os.close(descriptor)
