"""The packaging matrix: every way to install beaker, beside every set of the distributions that install a package `beaker` too.

In each the same must hold: our modules are ours, the kernelspec is there, a kernel started from it computes, what the
others have installed works, and ours stays whole when they go. An environment goes through all sets, one after the other.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from tests.packaging import kit

of_the_wheel = pytest.mark.xdist_group("wheel")
"""These share one that was built."""

LIMIT_S = 60
"""Ends a hang; a kernel starts in a second or two."""

FOUND = "from jupyter_client.kernelspec import KernelSpecManager as M; print(M().get_kernel_spec('beaker').resource_dir)"
LOOK = "print(1 + 1)\nimport importlib.util as u; s = u.find_spec('beaker'); print(s.origin if s else 'none')"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, to install from and to leave traces in."""
    return kit.copy_checkout(tmp_path_factory.mktemp("checkouts") / "checkout")


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the sdist. The checkout's own is the same to the byte (`tests/packaging/test_distributions.py`)."""
    folder = tmp_path_factory.mktemp("built")
    sdist = kit.build(checkout, "sdist", folder / "sdist")
    return kit.build(kit.unpack(sdist, folder / "unpacked"), "wheel", folder / "wheel")


def _computed(environment: kit.Environment, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has a kernel compute and look for a package `beaker`, started from the environment's kernelspec by its interpreter."""
    manager = KernelManager(kernel_name="beaker")
    manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(environment.folder / kit.KERNELSPEC.parent)])
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(environment.python))  # jupyter_client puts it where the kernelspec says `python`
        manager.start_kernel(env=kit.session_environment(variables), cwd=str(environment.folder))
    client = manager.blocking_client()
    client.start_channels()
    printed: list[str] = []
    try:
        client.wait_for_ready(timeout=LIMIT_S)
        reply = client.execute_interactive(
            LOOK, timeout=LIMIT_S, output_hook=lambda message: printed.append(message["content"].get("text", ""))
        )
        assert reply["content"]["status"] == "ok", reply
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    return "".join(printed).split()


@pytest.mark.timeout(300)  # four kernels and as many calls of pip, each of some seconds on a busy machine
@pytest.mark.parametrize("way", [pytest.param("wheel", marks=of_the_wheel), "editable", "checkout"])
def test_beaker_is_whole_however_it_was_installed_and_beside_whatever(
    way: str,
    checkout: Path,
    request: pytest.FixtureRequest,
    need_wheel: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (need_wheel(name) for name in kit.FOREIGN)
    environment = kit.make_environment(tmp_path / "environment")
    home = environment.packages if way == "wheel" else checkout
    variables: dict[str, str] = {}

    def whole(company: str) -> None:
        # Its own Jupyter finds it, and its modules are ours; the kernel is started by the tests' own, which has been imported once.
        looked = kit.run(environment.python, "-P", "-c", FOUND + kit.SETTLED, cwd=tmp_path, env=kit.session_environment(variables))
        found, ours = looked.splitlines()
        assert found == str(environment.folder / kit.KERNELSPEC), company
        assert all(Path(file).is_relative_to(home) for file in json.loads(ours)), company
        assert {file.name for file in (environment.folder / kit.KERNELSPEC).iterdir()} == kit.KERNELSPEC_FILES, company
        theirs = "None" if company == "alone" else str(environment.packages / "beaker/__init__.py")
        seen = _computed(environment, variables, monkeypatch)
        assert seen == ["2", theirs], f"{company}: cells see the other package, or none"

    match way:
        case "editable":
            environment.install(first, "-e", checkout)
        case "checkout":  # the manual installation of the README: the package on the path, the kernelspec copied
            variables = {"PYTHONPATH": str(checkout)}
            shutil.copytree(checkout / "kernelspec", environment.folder / kit.KERNELSPEC)
            environment.install(first)
        case _:
            environment.install(first, request.getfixturevalue("wheel"))
    whole(f"beside {kit.FOREIGN[0]}")
    environment.install(second)
    whole("beside both")
    environment.uninstall(*kit.FOREIGN)
    assert way == "checkout" or environment.missing("beaker-kernel") == []
    whole("alone")
    environment.install(second)
    whole(f"beside {kit.FOREIGN[1]}")


@of_the_wheel
@pytest.mark.parametrize("name", kit.FOREIGN)
def test_the_other_distribution_stays_whole_when_ours_goes(
    name: str, wheel: Path, need_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    environment = kit.make_environment(tmp_path / "environment")
    environment.install(need_wheel(name), wheel)
    environment.uninstall("beaker-kernel")
    assert environment.missing(name) == []


@of_the_wheel
@pytest.mark.parametrize("name", kit.FOREIGN)
def test_no_file_of_ours_has_the_path_of_one_of_theirs(name: str, wheel: Path, need_wheel: Callable[[str], Path]) -> None:
    assert kit.contents(wheel) & kit.contents(need_wheel(name)) == set()
