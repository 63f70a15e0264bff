"""Kernelspecs are found where and as Jupyter finds them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beaker.subkernels.kernelspecs import KernelspecError, find, installed, kernelspec_folders, parse


def install(folder: Path, name: str, **spec: object) -> Path:
    """Write a kernelspec below a folder of Jupyter data."""
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"argv": ["true"], "display_name": name, "language": "x"} | spec))
    return place


@pytest.mark.parametrize(
    "added",
    [
        {},
        {"JUPYTER_PATH": "/one:/two/"},
        {"JUPYTER_PREFER_ENV_PATH": "0"},
        {"JUPYTER_PREFER_ENV_PATH": "yes"},
        {"JUPYTER_DATA_DIR": "/data"},
        {"XDG_DATA_HOME": "/xdg"},
        {"JUPYTER_PLATFORM_DIRS": "1"},
        {"HOME": "/tmp"},
    ],
    ids=lambda added: " ".join(added) or "plain",
)
def test_the_folders_and_their_order_are_those_of_jupyter_core(added: dict[str, str]) -> None:
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ} | added
    code = """
import json, os, warnings
from jupyter_core.paths import jupyter_path
from beaker.subkernels.kernelspecs import kernelspec_folders
print(json.dumps([jupyter_path("kernels"), kernelspec_folders(os.environ)]))
"""
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, cwd=Path(__file__).parents[3])
    theirs, ours = json.loads(run.stdout)
    assert ours[: len(theirs)] == theirs
    assert [folder.rsplit("/", 2)[-2:] for folder in ours[len(theirs) :]] in ([], [[".ipython", "kernels"]])


def test_an_earlier_folder_wins(tmp_path: Path) -> None:
    first = install(tmp_path / "a", "mine")
    install(tmp_path / "b", "mine")
    other = install(tmp_path / "b", "Other")
    found = installed([f"{tmp_path}/a/kernels", f"{tmp_path}/none", f"{tmp_path}/b/kernels"])
    assert found == {"mine": str(first), "other": str(other)}


def test_a_spec_is_read_with_what_it_says(tmp_path: Path) -> None:
    stanza = {"kernel_provisioner": {"provisioner_name": "far"}}
    place = install(tmp_path, "mine", interrupt_mode="message", env={"A": "1"}, metadata=stanza, unknown=1)
    spec = find("mine", {"JUPYTER_PATH": str(tmp_path), "HOME": "/nowhere"})
    assert spec.path == f"{place}/kernel.json"
    assert (spec.interrupt_mode, spec.env, spec.provisioner) == ("message", {"A": "1"}, "far")


def test_a_name_is_found_whatever_its_case(tmp_path: Path) -> None:
    install(tmp_path, "Mine")
    assert find("MINE", {"JUPYTER_PATH": str(tmp_path), "HOME": "/nowhere"}).display_name == "Mine"


@pytest.mark.parametrize("name", ["nothing", "../mine", ""])
def test_an_unknown_name_is_answered_with_the_valid_ones(name: str, tmp_path: Path) -> None:
    install(tmp_path, "mine")
    install(tmp_path, "beaker", argv=["python", "-P", "-m", "beaker_kernel", "-f", "{connection_file}"])
    with pytest.raises(KernelspecError) as caught:
        find(name, {"JUPYTER_PATH": str(tmp_path), "HOME": "/nowhere"})
    assert f"There is no kernelspec {name!r}. Installed are: " in str(caught.value)
    names = str(caught.value).split("Installed are: ")[1].split(".")[0].split(", ")
    assert "mine" in names
    assert "python3" in names
    assert "beaker" not in names


def test_a_spec_that_cannot_be_used_is_no_valid_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, document in {"python3": "{}", "bare": '{"display_name": "x", "language": "x"}', "torn": "{", "empty": '{"argv": []}'}.items():
        (install(tmp_path, name) / "kernel.json").write_text(document)
    install(tmp_path, "mine")
    monkeypatch.setattr("beaker.subkernels.kernelspecs.kernelspec_folders", lambda _: [f"{tmp_path}/kernels"])
    with pytest.raises(KernelspecError) as caught:
        find("nothing", {})
    assert "Installed are: mine." in str(caught.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{", "is not usable"),
        (b"{}", "missing required field `argv`"),
        (b'{"argv": []}', "empty argv"),
        (b'{"argv": "python"}', "Expected `array`"),
        (b'{"argv": ["python", "-m", "beaker_kernel"]}', "is beaker itself"),
    ],
)
def test_a_spec_that_cannot_be_used_is_refused_with_its_path(document: bytes, words: str) -> None:
    with pytest.raises(KernelspecError, match=words) as caught:
        parse("mine", "/specs/mine", document)
    assert "/specs/mine" in str(caught.value)


def test_python3_needs_no_file_where_ipykernel_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beaker.subkernels.kernelspecs.kernelspec_folders", lambda _: [])
    spec = find("python3", {})
    assert spec.argv[0] == sys.executable
    assert Path(spec.folder, "logo-svg.svg").exists()


def test_the_folders_of_this_environment_hold_python3() -> None:
    assert "python3" in installed(kernelspec_folders(os.environ))
