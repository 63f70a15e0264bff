"""No path leads out of the folder that is served."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beaker.contents.failures import ContentsError, NotAllowed, NotThere
from beaker.contents.paths import Place, Root

PAYLOADS = [
    "..",
    "../secret.txt",
    "../../secret.txt",
    "../testtest/secret.txt",
    "/../secret.txt",
    "//../secret.txt",
    "a/../../secret.txt",
    "a/b/../../../secret.txt",
    "./../secret.txt",
    ".",
    "./a",
    "a/.",
    "a/./b",
    "a/..",
    "..\\secret.txt/..",
    "....//secret.txt/..",
    "..;/secret.txt",
    "a\0",
    "\0",
    "a\0/../secret.txt",
    "a.ipynb\0.txt",
    "\ud83e",
    "x" * 5000,
    "a/" * 3000,
    ".env",
    ".ssh/id_rsa",
    ".git/config",
    "a/.hidden",
    "a/.hidden/b",
    ".ipynb_checkpoints/a-checkpoint.ipynb",
    "link/secret.txt",
    "link",
    "file-link",
    "a/up/secret.txt",
    "a/up/testtest/secret.txt",
    "loop/x",
    "sibling/secret.txt",
    "root/etc/passwd",
    "chain/secret.txt",
    "a/up",
]


@pytest.fixture
def root(folder: Path) -> Root:
    (folder / "a/b").mkdir(parents=True)
    (folder / "link").symlink_to("..")
    (folder / "file-link").symlink_to("../secret.txt")
    (folder / "a/up").symlink_to("../..")
    (folder / "loop").symlink_to("loop")
    (folder / "sibling").symlink_to("../testtest")
    (folder / "root").symlink_to("/")
    (folder / "chain").symlink_to("link")
    return Root(str(folder))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_path_that_leads_elsewhere_is_refused(payload: str, root: Root, folder: Path) -> None:
    try:
        place = root.find(payload)
    except ContentsError:
        return
    assert os.path.realpath(place.real).startswith(f"{folder}/")
    assert not os.path.exists(place.real), "only a name that there is not may pass"


steps = st.sampled_from(["..", ".", "", "a", "link", "up", "b", "secret.txt", "testtest", "\0", "~", "%2e%2e"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
@given(st.lists(steps, max_size=6).map("/".join))
def test_whatever_is_found_lies_within(root: Root, folder: Path, path: str) -> None:
    try:
        place = root.find(path)
    except ContentsError:
        return
    assert os.path.realpath(place.real) == str(folder) or os.path.realpath(place.real).startswith(f"{folder}/")


def test_a_path_is_relative_whatever_slashes_it_has(root: Root, folder: Path) -> None:
    assert root.find("/a//b/") == Place("a/b", str(folder / "a/b"), str(folder))
    assert root.find("/etc/passwd") == Place("etc/passwd", str(folder / "etc/passwd"), str(folder))
    assert root.find("") == root.find("/") == Place("", str(folder), str(folder))


def test_a_link_within_the_folder_is_followed(root: Root, folder: Path) -> None:
    (folder / "inside").symlink_to("a")
    assert root.find("inside/b") == Place("inside/b", str(folder / "a/b"), str(folder))


def test_the_root_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to("test")
    assert Root(str(tmp_path / "other")).find("x").real == str(folder / "x")


def test_the_root_of_the_disk_can_be_served() -> None:
    assert Root("/").find("etc").real == "/etc"


def test_hidden_names_are_there_where_they_are_wanted(folder: Path) -> None:
    root = Root(str(folder), hidden=True)
    assert root.find(".env").real == str(folder / ".env")
    assert root.shows(".env")
    assert not root.shows(".ipynb_checkpoints")


def test_it_is_said_why(root: Root) -> None:
    with pytest.raises(NotThere, match="may not hold"):
        root.find("a/../b")
    with pytest.raises(NotAllowed, match=r"'link/secret.txt' leads out of the folder"):
        root.find("link/secret.txt")
