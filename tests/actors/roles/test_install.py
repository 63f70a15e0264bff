"""`python -m beaker_kernel install`: what is written where, and the sentences for what cannot be."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from actors.roles import install


def _written(folder: Path) -> Any:  # Any: a kernel.json as it was read
    return json.loads((folder / "kernel.json").read_text())


def _fake_kernel(prefix: Path, name: str, content: str) -> Path:
    folder = prefix / "share/jupyter/kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(content)
    return folder


@pytest.fixture
def julia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed kernel of another language, without a debugger."""
    spec = {"argv": ["julia", "-f", "{connection_file}"], "display_name": "Julia 1.12", "language": "julia"}
    _fake_kernel(tmp_path / "other", "julia-1.12", json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "other/share/jupyter"))
    return "julia-1.12"


def test_a_prefix_gets_the_kernel_with_the_absolute_interpreter_and_the_logos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["--prefix", str(tmp_path)]) == 0
    folder = tmp_path / "share/jupyter/kernels/beaker"
    assert _written(folder) == install.describe(sys.executable)
    assert _written(folder)["argv"][0] == sys.executable
    assert {file.name for file in folder.iterdir()} == {"kernel.json", *install.LOGOS}
    printed = capsys.readouterr().out
    assert str(folder) in printed
    assert f"JUPYTER_PATH={tmp_path}/share/jupyter" in printed


def test_the_kernelspec_that_is_copied_by_hand_says_the_same_of_the_python_on_the_path() -> None:
    assert _written(Path(install.__file__).parents[2] / "kernelspec") == install.describe("python")


def test_for_the_user_jupyter_finds_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["--user", "--name", "Mine", "--display-name", "My own"]) == 0
    assert KernelSpecManager().get_kernel_spec("mine").display_name == "My own"
    assert "JUPYTER_PATH" not in capsys.readouterr().out


def test_a_subkernel_gives_its_language_and_a_name(julia: str, tmp_path: Path) -> None:
    assert install.main(["--prefix", str(tmp_path), "--subkernel", julia]) == 0
    written = _written(tmp_path / "share/jupyter/kernels/beaker-julia-1.12")
    assert written["argv"][-2:] == ["--subkernel", julia]
    assert written["language"] == "julia"
    assert written["display_name"] == "Beaker: Julia 1.12"
    assert written["metadata"]["debugger"] is False


def test_an_unknown_subkernel_is_refused_with_the_valid_names(julia: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["--prefix", str(tmp_path), "--subkernel", "fortran"]) == 1
    error = capsys.readouterr().err
    assert "'fortran'" in error
    assert julia in error
    assert "python3" in error
    assert "beaker," not in error
    assert not (tmp_path / "share").exists()


def test_beaker_behind_beaker_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["--user", "--name", "another"]) == 0
    assert install.main(["--prefix", str(tmp_path), "--subkernel", "another"]) == 1
    assert "no kernel 'another'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "a/b", "..%2f", "two words", "größe"])
def test_a_name_that_jupyter_would_not_find_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main(["--prefix", str(tmp_path), "--name", name]) == 1
    assert "is no name for a kernel" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_another_kernel_of_that_name_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = _fake_kernel(tmp_path, "python3", '{"argv": ["python", "-m", "ipykernel_launcher"]}')
    assert install.main(["--prefix", str(tmp_path), "--name", "python3"]) == 1
    assert "holds another kernel" in capsys.readouterr().err
    assert _written(theirs) == {"argv": ["python", "-m", "ipykernel_launcher"]}


def test_an_older_one_of_ours_is_replaced(tmp_path: Path) -> None:
    old = _fake_kernel(tmp_path, "beaker", '{"argv": ["/gone/python", "-m", "beaker_kernel", "-f", "{connection_file}"]}')
    assert install.main(["--prefix", str(tmp_path)]) == 0
    assert _written(old)["argv"][0] == sys.executable


def test_the_one_that_pip_installed_is_replaced_in_its_own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert install.main(["--prefix", str(tmp_path)]) == 0
    folder = tmp_path / "share/jupyter/kernels/beaker"
    (folder / "kernel.json").write_text(json.dumps(install.describe("python")))
    monkeypatch.setattr(install, "find_logos", lambda: folder)  # in a wheel's environment there are no others
    assert install.main(["--prefix", str(tmp_path)]) == 0
    assert _written(folder)["argv"][0] == sys.executable
    assert {file.name for file in folder.iterdir()} == {"kernel.json", *install.LOGOS}


def test_a_link_to_a_checkout_is_replaced_and_the_checkout_left_alone(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "kernel.json").write_text("{}")
    (tmp_path / "share/jupyter/kernels").mkdir(parents=True)
    (tmp_path / "share/jupyter/kernels/beaker").symlink_to(checkout)
    assert install.main(["--prefix", str(tmp_path)]) == 0
    assert _written(checkout) == {}


def test_a_place_that_cannot_be_written_is_a_sentence_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert install.main(["--prefix", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "file") in error
    assert "Use --user" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("argv", [[], ["--user", "--sys-prefix"], ["--user", "--nonsense"], ["--pre", "/x"]])
def test_arguments_that_make_no_sense_end_with_the_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        install.main(argv)
    assert ended.value.code == 2
    assert "--sys-prefix" in capsys.readouterr().err
