"""Builds the distributions and makes small environments with them, for the tests of packaging.

An environment here is a virtual one without pip whose path file names the packages of the environment that runs the tests:
made in a tenth of a second, it has all dependencies, pip among them, and of beaker only what was installed into it.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

ROOT = Path(__file__).parents[2]

OURS = ("beaker", "actors", "beaker_kernel.py", "gateway.py")
"""What of the checkout is in the wheel's import path."""

KERNELSPEC = Path("share/jupyter/kernels/beaker")
KERNELSPEC_FILES = {"kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"}

FOREIGN = ("Beaker", "beaker-py")
"""The distributions that install a package `beaker` too."""

SETTLED = """
import beaker_kernel, json
from beaker.messages.base import Message
import actors.roles.install as install, beaker.messages.base as base
print(json.dumps([beaker_kernel.__file__, base.__file__, install.__file__]))
"""


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command that must succeed, and gives what it printed."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def sources(root: Path = ROOT) -> set[str]:
    """Every file that belongs into the wheel's import path, relative to the checkout."""
    files = [file for name in OURS for file in ((root / name).rglob("*") if (root / name).is_dir() else [root / name])]
    return {str(file.relative_to(root)) for file in files if file.is_file() and "__pycache__" not in file.parts}


def copy_checkout(to: Path) -> Path:
    """Copies what a distribution is built from, so that building leaves no trace in the checkout."""
    for name in (*OURS, "kernelspec", "examples", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile"):
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, to / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy(place, to / name)
    return to


def build(checkout: Path, kind: str, to: Path) -> Path:
    """Builds a `wheel` or an `sdist` of a checkout and gives its path."""
    to.mkdir(parents=True, exist_ok=True)
    run(sys.executable, "-P", "-m", "hatchling", "build", "-t", kind, "-d", to, cwd=checkout)
    (built,) = to.iterdir()
    return built


def unpack(sdist: Path, to: Path) -> Path:
    """Unpacks an sdist and gives the folder that a wheel can be built in."""
    with tarfile.open(sdist) as archive:
        archive.extractall(to, filter="data")
    (folder,) = to.iterdir()
    return folder


def contents(wheel: Path) -> set[str]:
    """The files of a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the dependencies of the one that runs the tests."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    @property
    def packages(self) -> Path:
        """Where pip installs packages in it."""
        return self.folder / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"

    def install(self, *what: str | Path) -> None:
        """Installs wheels, or with `-e` a checkout; nothing is downloaded."""
        offline = ("--no-deps", "--no-index", "--no-build-isolation", "--no-compile")
        run(self.python, "-P", "-m", "pip", "install", "-q", *offline, *what)

    def uninstall(self, *names: str) -> None:
        """Uninstalls distributions."""
        run(self.python, "-P", "-m", "pip", "uninstall", "-q", "-y", *names)

    def ours(self, cwd: Path, env: dict[str, str] | None = None) -> list[Path]:
        """Imports our modules in a process started in a folder, and gives the files they came from."""
        return [Path(file) for file in json.loads(run(self.python, "-P", "-c", SETTLED, cwd=cwd, env=env))]

    def missing(self, distribution: str) -> list[str]:
        """The files that an installed distribution has recorded and that are not there."""
        code = "import importlib.metadata, json, sys; print(json.dumps([str(f.locate()) for f in importlib.metadata.files(sys.argv[1])]))"
        files: list[str] = json.loads(run(self.python, "-P", "-c", code, distribution))
        return [file for file in files if not Path(file).exists()]


def make_environment(folder: Path) -> Environment:
    """Makes a virtual environment."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    made = Environment(folder)
    (made.packages / "dependencies.pth").write_text(f"{get_path('purelib')}\n")
    return made


def session_environment(more: dict[str, str]) -> dict[str, str]:
    """The variables of this process with some more, for a process that needs the session's folders."""
    return {**os.environ, **more}
