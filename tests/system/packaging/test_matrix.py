"""The packaging matrix: every way to install beaker, beside every set of the distributions that install a package `beaker` too.

In each the same must hold: our modules are ours, the kernelspec is there, a kernel started from it computes, what the
others have installed works, and ours stays whole when they go.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging import kit

COMPANIES = {"alone": (), "with Beaker": ("Beaker",), "with beaker-py": ("beaker-py",), "with both": kit.FOREIGN}

COMPUTE = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="beaker", startup_timeout=60)
try:
    code = "print(1 + 1)\\nimport importlib.util as u; s = u.find_spec('beaker'); print(s.origin if s else 'none')"
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda m: print(m["content"].get("text", ""), end=""))
    assert reply["content"]["status"] == "ok", reply
finally:
    client.stop_channels()
    manager.shutdown_kernel()
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, to install from and to leave traces in."""
    return kit.copy_checkout(tmp_path_factory.mktemp("checkouts") / "checkout")


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of the checkout, and the one built from its sdist."""
    folder = tmp_path_factory.mktemp("built")
    sdist = kit.build(checkout, "sdist", folder / "sdist")
    again = kit.build(kit.unpack(sdist, folder / "unpacked"), "wheel", folder / "again")
    return {"wheel": kit.build(checkout, "wheel", folder / "wheel"), "sdist": again}


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("way", ["wheel", "sdist", "editable", "checkout"])
def test_beaker_is_whole_however_it_was_installed_and_beside_whatever(
    way: str, company: str, checkout: Path, wheels: dict[str, Path], need_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    others = [need_wheel(name) for name in COMPANIES[company]]
    environment = kit.make_environment(tmp_path / "environment")
    variables: dict[str, str] = {}
    match way:
        case "editable":
            environment.install(*others, "-e", checkout)
        case "checkout":  # the manual installation of the README: the package on the path, the kernelspec copied
            variables = {"PYTHONPATH": str(checkout)}
            shutil.copytree(checkout / "kernelspec", environment.folder / kit.KERNELSPEC)
            if others:
                environment.install(*others)
        case _:
            environment.install(*others, wheels[way])
    home = environment.packages if way in wheels else checkout

    assert all(file.is_relative_to(home) for file in environment.ours(tmp_path, variables))
    assert {file.name for file in (environment.folder / kit.KERNELSPEC).iterdir()} == kit.KERNELSPEC_FILES
    computed, theirs = kit.run(environment.python, "-P", "-c", COMPUTE, cwd=tmp_path, env=kit.session_environment(variables)).split()
    assert computed == "2"
    assert theirs == (str(environment.packages / "beaker/__init__.py") if others else "None"), "cells see the other package, or none"
    if others:
        environment.uninstall(*COMPANIES[company])
        assert all(file.is_relative_to(home) for file in environment.ours(tmp_path, variables))
        assert way == "checkout" or environment.missing("beaker-kernel") == []


@pytest.mark.parametrize("name", kit.FOREIGN)
def test_the_other_distribution_stays_whole_when_ours_goes(
    name: str, wheels: dict[str, Path], need_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    environment = kit.make_environment(tmp_path / "environment")
    environment.install(need_wheel(name), wheels["wheel"])
    environment.uninstall("beaker-kernel")
    assert environment.missing(name) == []


@pytest.mark.parametrize("name", kit.FOREIGN)
def test_no_file_of_ours_has_the_path_of_one_of_theirs(name: str, wheels: dict[str, Path], need_wheel: Callable[[str], Path]) -> None:
    assert kit.contents(wheels["wheel"]) & kit.contents(need_wheel(name)) == set()
