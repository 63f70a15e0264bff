"""What the wheel and the sdist hold, and that an installed beaker is found and whole. The full matrix is a system test."""

import json
import sys
from pathlib import Path

import pytest

from actors.roles.install import describe
from tests.packaging import kit

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distributions")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return kit.build(kit.ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> kit.Environment:
    """An environment with that wheel in it."""
    environment = kit.make_environment(tmp_path_factory.mktemp("environment"))
    environment.install(wheel)
    return environment


def test_the_wheel_holds_exactly_our_modules_and_the_kernelspec(wheel: Path) -> None:
    data = f"beaker_kernel-{wheel.name.split('-')[1]}.data/data/{kit.KERNELSPEC}"
    assert kit.contents(wheel) == kit.sources() | {f"{data}/{name}" for name in kit.KERNELSPEC_FILES}


def test_a_wheel_built_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sdist = kit.build(kit.ROOT, "sdist", tmp_path / "sdist")
    again = kit.build(kit.unpack(sdist, tmp_path / "unpacked"), "wheel", tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()


def test_an_installed_beaker_is_imported_from_where_it_was_installed(installed: kit.Environment, tmp_path: Path) -> None:
    assert all(file.is_relative_to(installed.packages) for file in installed.ours(tmp_path))


def test_the_kernelspec_is_installed_with_the_package(installed: kit.Environment) -> None:
    folder = installed.folder / kit.KERNELSPEC
    assert {file.name for file in folder.iterdir()} == kit.KERNELSPEC_FILES
    assert json.loads((folder / "kernel.json").read_text()) == describe("python")


def test_the_log_reader_is_installed_as_a_program(installed: kit.Environment, tmp_path: Path) -> None:
    for name in ("beaker", "actors", "json", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the user has a module of this name')")
    assert "beaker-logs trace last" in kit.run(installed.folder / "bin/beaker-logs", "--help", cwd=tmp_path)


def test_the_gateway_is_installed_as_a_program(installed: kit.Environment, tmp_path: Path) -> None:
    for name in ("beaker", "actors", "gateway", "beaker_kernel", "json", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the user has a module of this name')")
    assert "JUPYTER_GATEWAY_AUTH_TOKEN" in kit.run(installed.folder / "bin/beaker-gateway", "--help", cwd=tmp_path)
    assert "JUPYTER_GATEWAY_AUTH_TOKEN" in kit.run(installed.python, "-P", "-m", "gateway", "--help", cwd=tmp_path)


def test_the_kernelspec_that_pip_installed_can_be_written_anew(installed: kit.Environment, tmp_path: Path) -> None:
    said = kit.run(installed.python, "-P", "-m", "beaker_kernel", "install", "--sys-prefix", cwd=tmp_path)
    assert str(installed.folder / kit.KERNELSPEC) in said
    assert {file.name for file in (installed.folder / kit.KERNELSPEC).iterdir()} == kit.KERNELSPEC_FILES


def test_the_kernelspec_differs_from_ipykernels_only_where_it_should() -> None:
    from ipykernel.kernelspec import get_kernel_dict

    theirs, ours = get_kernel_dict(), dict(describe(sys.executable))
    assert ours["kernel_protocol_version"] == theirs.get("kernel_protocol_version", "5.5"), "older ones announce none"
    assert ours["language"] == theirs["language"]
    assert set(ours) - set(theirs) <= {"interrupt_mode", "kernel_protocol_version"}


def test_the_folder_of_the_user_changes_nothing_of_ours(installed: kit.Environment, tmp_path: Path) -> None:
    for name in ("beaker", "actors", "openai", "json", "gateway", "argparse", "typing", "jupyter_client"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the user\\'s own file was imported')\n")
    for words in (["-P", "-m"], ["-m"]):
        kit.run(installed.python, *words, "beaker_kernel", "install", "--prefix", tmp_path / "p", cwd=tmp_path)
    polluted = {"PYTHONPATH": f":{tmp_path / 'nothing'}:.", "PATH": "/usr/bin:/bin"}
    (tmp_path / "json.py").unlink()  # Python itself imports these two before it comes to us, if they are on PYTHONPATH
    (tmp_path / "typing.py").unlink()
    kit.run(installed.python, "-P", "-m", "beaker_kernel", "install", "--prefix", tmp_path / "p", cwd=tmp_path, env=polluted)


def test_a_checkout_runs_without_being_installed(tmp_path: Path) -> None:
    environment = kit.make_environment(tmp_path / "environment")
    checkout = kit.copy_checkout(tmp_path / "checkout")
    assert "usage: python -m beaker_kernel install" in kit.run(environment.python, "-m", "beaker_kernel", "install", "--help", cwd=checkout)
    assert all(file.is_relative_to(checkout) for file in environment.ours(tmp_path, env={"PYTHONPATH": str(checkout)}))
    (tmp_path / "beaker_kernel.py").write_text("raise SystemExit('the user has a module of this name')")
    for folder, script in ((checkout, "gateway.py"), (tmp_path, checkout / "gateway.py")):
        for words in ((), ("-P",)):
            polluted = {"PYTHONPATH": ":.", "PATH": "/usr/bin:/bin"}
            assert "usage: beaker-gateway" in kit.run(environment.python, *words, script, "--help", cwd=folder, env=polluted)


def test_an_editable_install_beside_another_package_of_our_name_imports_ours(tmp_path: Path) -> None:
    environment = kit.make_environment(tmp_path / "environment")
    environment.install("-e", kit.copy_checkout(tmp_path / "checkout"))
    (environment.packages / "beaker").mkdir()
    (environment.packages / "beaker/__init__.py").write_text("raise SystemExit('the other package was imported')\n")
    assert all(file.is_relative_to(tmp_path / "checkout") for file in environment.ours(tmp_path))
    assert {file.name for file in (environment.folder / kit.KERNELSPEC).iterdir()} == kit.KERNELSPEC_FILES


def test_another_package_of_our_name_that_is_imported_already_is_left_working(installed: kit.Environment, tmp_path: Path) -> None:
    (tmp_path / "beaker").mkdir()
    (tmp_path / "beaker/__init__.py").write_text("theirs = True\n")
    code = "import beaker, beaker_kernel, beaker.messages.base; assert beaker.theirs and beaker_kernel.__version__"
    kit.run(installed.python, "-P", "-c", code, env={"PYTHONPATH": str(tmp_path)})


def test_jupyter_client_finds_our_provisioner_beside_another_package_of_our_name(installed: kit.Environment, tmp_path: Path) -> None:
    (tmp_path / "actors").mkdir()
    (tmp_path / "actors/__init__.py").write_text("theirs = True\n")
    code = """
from importlib.metadata import entry_points
from jupyter_client.provisioning import KernelProvisionerBase
(found,) = entry_points(group="jupyter_client.kernel_provisioners", name="beaker-local-provisioner")
assert issubclass(found.load(), KernelProvisionerBase)
"""
    kit.run(installed.python, "-P", "-c", code, env={"PYTHONPATH": str(tmp_path)})
