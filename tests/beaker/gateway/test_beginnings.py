"""Where a gateway's kernels begin, and what is behind the names that clients ask for."""

import os
from pathlib import Path

import pytest

from beaker.contents.paths import Root
from beaker.gateway.cell_folder import BadPath, cell_folder
from beaker.gateway.identity import folder_name, supervisor_secret
from beaker.gateway.subkernel_names import subkernel_names, usual_name

UUID = "00000001-0000-4000-8000-000000000000"


def install(place: Path, name: str, content: str) -> None:
    folder = place / "share" / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(content)


def test_behind_a_kernelspec_of_ours_stands_the_subkernel_that_it_names_or_the_usual_one(tmp_path: Path) -> None:
    ours = '{"argv": ["python", "-P", "-m", "beaker_kernel", "-f", "{connection_file}"%s]}'
    install(tmp_path, "Beaker", ours % "")
    install(tmp_path, "beaker-r", ours % ', "--subkernel", "ir"')
    install(tmp_path, "lean", '{"argv": ["lean", "{connection_file}"]}')
    install(tmp_path, "broken", "{")
    names = subkernel_names(dict(os.environ) | {"JUPYTER_PATH": str(tmp_path / "share")}, usual="julia")
    assert {name: names[name] for name in ("beaker", "beaker-r", "lean", "broken", "python3")} == {
        "beaker": "julia",
        "beaker-r": "ir",
        "lean": "lean",
        "broken": "broken",
        "python3": "python3",
    }


def test_beaker_can_be_asked_for_where_it_is_not_installed_but_is_not_meant_by_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beaker.gateway.subkernel_names.kernelspec_folders", lambda environment: [])
    assert subkernel_names({}, usual="ir") == {"python3": "python3", "beaker": "ir"}
    assert usual_name({}) == "python3"


def test_ours_is_meant_by_no_name_where_it_is_installed(tmp_path: Path) -> None:
    install(tmp_path, "beaker", '{"argv": ["python", "-m", "beaker_kernel"]}')
    assert usual_name(dict(os.environ) | {"JUPYTER_PATH": str(tmp_path / "share")}) == "beaker"


@pytest.mark.parametrize(
    ("path", "folder"),
    [("", ""), ("a", "a"), ("/a/", "a"), ("a/n.ipynb", "a"), ("a/none/n.ipynb", "a"), ("none/n.ipynb", ""), (".hidden/n.ipynb", ".hidden")],
)
def test_cells_begin_in_the_folder_of_their_document_or_the_nearest_above_it(tmp_path: Path, path: str, folder: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "n.ipynb").touch()
    (tmp_path / ".hidden").mkdir()
    assert cell_folder(Root(str(tmp_path), hidden=True), path) == os.path.join(os.path.realpath(tmp_path), folder).rstrip("/")


def test_a_server_in_front_that_knows_no_path_says_the_folder_itself(tmp_path: Path) -> None:
    root, inside = Root(str(tmp_path / "root")), tmp_path / "root" / "a"
    inside.mkdir(parents=True)
    (inside / "out").symlink_to(tmp_path)
    assert cell_folder(root, "", str(inside)) == os.path.realpath(inside)
    for elsewhere in (str(tmp_path), str(inside / "out"), f"{inside}/none", "a", "/nowhere", "x\0", f"{root.real}beside"):
        assert cell_folder(root, "", elsewhere) == root.real
    assert cell_folder(root, "none/n.ipynb", str(inside)) == root.real


@pytest.mark.parametrize("path", ["..", "../x.ipynb", "a/../../x", "out/x.ipynb", "x\0", "\ud800"])
def test_no_cells_begin_outside_of_the_root(tmp_path: Path, path: str) -> None:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    with pytest.raises(BadPath, match="No kernel can begin at this path"):
        cell_folder(Root(str(tmp_path / "root"), hidden=True), path)


def test_a_kernel_has_one_folder_and_one_secret_per_gateway_and_neither_tells_of_the_other() -> None:
    assert folder_name(b"a", UUID) == folder_name(b"a", UUID) != folder_name(b"b", UUID)
    assert (len(folder_name(b"a", UUID)), len(supervisor_secret(b"a", UUID))) == (12, 32)
    assert supervisor_secret(b"a", UUID) != supervisor_secret(b"b", UUID)
    assert not supervisor_secret(b"a", UUID).hex().startswith(folder_name(b"a", UUID))
