"""Reading a settings file that anybody may have put there."""

import os
from pathlib import Path

import pytest

from beaker.settings.reading import SIZE_LIMIT_BYTES, FileUnreadable, read_text, read_toml

NOBODY = 65_534
"""Who may do nothing."""


def test_a_file_that_is_not_there_gives_none(tmp_path: Path) -> None:
    assert read_text(str(tmp_path / "none")) is None
    assert read_text(str(tmp_path / "none" / "below")) is None


def test_a_directory_counts_as_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read_text(str(tmp_path / ".env")) is None


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfA=1")
    assert read_text(str(tmp_path / "f")) == "A=1"


def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(FileUnreadable, match="not an ordinary file"):
        read_text(str(tmp_path / ".env"))


def test_a_device_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="not an ordinary file"):
        read_text("/dev/zero")


def test_the_largest_size_is_read_and_one_byte_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"#" * SIZE_LIMIT_BYTES)
    assert read_text(str(tmp_path / "f")) == "#" * SIZE_LIMIT_BYTES
    (tmp_path / "f").write_bytes(b"#" * (SIZE_LIMIT_BYTES + 1))
    with pytest.raises(FileUnreadable, match="larger than 64 kB"):
        read_text(str(tmp_path / "f"))


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes("A=ä".encode("latin-1"))
    with pytest.raises(FileUnreadable, match="not UTF-8"):
        read_text(str(tmp_path / "f"))


def test_a_path_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="cannot be read"):
        read_text("/tmp/a\0b")


def test_a_file_that_is_another_users_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("A=1")
    (tmp_path / "f").chmod(0)
    user = os.geteuid()
    if user == 0:  # root reads everything
        os.seteuid(NOBODY)
    try:
        with pytest.raises(FileUnreadable, match=f"the user {user or NOBODY}, who runs this, may not read it; chmod or chown it"):
            read_text(str(tmp_path / "f"))
    finally:
        os.seteuid(user)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to(tmp_path / "f")
    with pytest.raises(FileUnreadable, match="cannot be read"):
        read_text(str(tmp_path / "f"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a = ", "not TOML", id="syntax"),
        pytest.param("a = " + "[" * 30_000, "not TOML", id="nesting deeper than the interpreter's stack"),
        pytest.param("a = " + "1" * 5000, "not TOML", id="number longer than Python reads"),
        pytest.param("a = 1\na = 2", "not TOML", id="twice the same key"),
    ],
)
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "beaker.toml").write_text(text)
    with pytest.raises(FileUnreadable, match=words) as refused:
        read_toml(str(tmp_path / "beaker.toml"))
    assert len(str(refused.value)) < 300
