"""`python -m beaker_kernel install`: writes a kernelspec, so that Jupyter frontends offer the kernel.

`pip install` puts one into the environment already, under the name `beaker`. This command is for the rest: another place
(`--user`, `--prefix`), another name, another subkernel. What it writes names the interpreter absolutely, so that a
frontend of another environment starts the right one. It talks to nobody and starts no process; `jupyter kernelspec remove`
takes away what it wrote.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from beaker.errors import BeakerError

if TYPE_CHECKING:  # at run time only once it is known that we are installed: this command must answer in a bare checkout too
    from jupyter_client.kernelspec import KernelSpec

LOGOS = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")

PROTOCOL_VERSION = "5.5"
"""The messaging protocol that the kernelspec of ipykernel, our default subkernel, announces."""

_NAME = re.compile(r"[a-z0-9._-]+")
"""What Jupyter accepts as the name of a kernelspec, which is also the name of its folder."""


class KernelFile(TypedDict):
    """The content of a `kernel.json`, as far as we write it."""

    argv: list[str]
    display_name: str
    language: str
    interrupt_mode: str
    kernel_protocol_version: str
    metadata: dict[str, bool | list[str]]


class InstallRefused(BeakerError):
    """The kernelspec cannot be written; the text says why and what would do, in a sentence."""


def describe(interpreter: str, *, subkernel: str | None = None, spec: "KernelSpec | None" = None, shown: str | None = None) -> KernelFile:
    """Composes the `kernel.json` of beaker.

    Args:
        interpreter: what starts Python: an absolute path, or `python` for the interpreter of the frontend.
        subkernel: the kernelspec behind it; None leaves it to the configuration (`python3`, if nothing says otherwise).
        spec: what is known of that kernelspec; its language is ours then.
        shown: what frontends show; None for a name of our own making.
    """
    argv = [interpreter, "-P", "-m", "beaker_kernel", "-f", "{connection_file}"]
    name, language, debugger = "Beaker", "python", True
    if subkernel is not None and spec is not None:
        argv += ["--subkernel", subkernel]
        name, language = f"Beaker: {spec.display_name}", spec.language
        debugger = bool(spec.metadata.get("debugger", False))
    return {
        "argv": argv,
        "display_name": shown or name,
        "language": language,
        "interrupt_mode": "message",
        "kernel_protocol_version": PROTOCOL_VERSION,
        # The five sockets that clients see are ours, whatever runs behind them: `actors/kernel/sockets/front.py` serves CURVE on each.
        "metadata": {"debugger": debugger, "supported_encryption": ["curve"]},
    }


def find_subkernel(name: str) -> "KernelSpec":
    """Gives the kernelspec that `--subkernel` names.

    Raises:
        InstallRefused: there is none of this name, or it is beaker itself.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager = KernelSpecManager()
    usable: dict[str, KernelSpec] = {}
    for known in manager.find_kernel_specs():
        try:
            spec = manager.get_kernel_spec(known)
        except (NoSuchKernel, ValueError, OSError):
            continue  # a broken kernel.json of somebody else is not offered
        if not _is_ours(spec.argv):
            usable[known] = spec
    if name not in usable:
        raise InstallRefused(
            f"There is no kernel {name!r} to run behind beaker. The installed ones: {', '.join(sorted(usable)) or 'none'}."
        )
    return usable[name]


def install(folder: Path, kernel_file: KernelFile) -> None:
    """Writes `kernel.json` and the logos into the kernelspec's folder, over an older one of beaker.

    Raises:
        InstallRefused: another kernel stands there, or the folder cannot be written.
    """
    try:
        if folder.is_symlink():
            folder.unlink()  # made by hand, to the checkout's kernelspec: that one is not ours to write
        elif (folder / "kernel.json").exists() and not _is_ours(_argv_in(folder / "kernel.json")):
            raise InstallRefused(f"{folder} holds another kernel. Choose another name by --name.")
        folder.mkdir(parents=True, exist_ok=True)
        logos = find_logos()
        for logo in LOGOS if logos else ():
            with contextlib.suppress(shutil.SameFileError):  # pip has put them there, and they are the only ones that we have
                shutil.copyfile(f"{logos}/{logo}", folder / logo)
        fresh = folder / "kernel.json.new"
        fresh.write_text(json.dumps(kernel_file, indent=2) + "\n", encoding="utf-8")
        fresh.replace(folder / "kernel.json")  # in one step: a frontend that looks meanwhile finds a whole one
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InstallRefused(
            f"Cannot write {folder}: {reason}. Use --user, a --prefix that you may write, or run it as a user who may write there."
        ) from error


def find_logos() -> Path | None:
    """Finds the folder with our logos: in a checkout, where the installer recorded it, or under `sys.prefix`."""
    places = [Path(__file__).parents[2] / "kernelspec"]
    try:
        files = importlib.metadata.files("beaker-kernel") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    places += [Path(str(file.locate())).parent for file in files if file.name == LOGOS[0]]
    places.append(Path(sys.prefix, "share/jupyter/kernels/beaker"))
    return next((place for place in places if all((place / logo).is_file() for logo in LOGOS)), None)


def main(argv: list[str]) -> int:
    """Runs the command and returns its exit status: 0, 1 for a refusal, 2 for arguments that make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m beaker_kernel install",
        description="Install the Beaker kernel for Jupyter frontends. `jupyter kernelspec remove NAME` takes it away again.",
        allow_abbrev=False,
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--user", action="store_true", help="for this user, in every environment")
    place.add_argument("--sys-prefix", action="store_true", help=f"for this environment ({sys.prefix})")
    place.add_argument("--prefix", metavar="P", help="under P/share/jupyter/kernels")
    parser.add_argument("--name", metavar="N", help="what the kernel is called (default: beaker, or beaker-S with --subkernel S)")
    parser.add_argument("--subkernel", metavar="S", help="the installed Jupyter kernel that runs the cells (default: python3)")
    parser.add_argument("--display-name", metavar="D", help="what frontends show (default: Beaker)")
    chosen = parser.parse_args(argv)
    try:
        folder = _run(chosen)
    except InstallRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(f"Installed the kernel {folder.name!r} in {folder}\n")
    if str(folder.parent) not in _searched():
        sys.stdout.write(f"Jupyter does not look there by itself: set JUPYTER_PATH={folder.parent.parent} where it is started.\n")
    return 0


def _run(chosen: argparse.Namespace) -> Path:
    if importlib.util.find_spec("beaker_kernel") is None:
        raise InstallRefused(
            f"beaker_kernel is not installed for {sys.executable}, so a kernel started in another folder would not find it. "
            f"First run: {sys.executable} -m pip install {Path(__file__).parents[2]}"
        )
    spec = find_subkernel(chosen.subkernel) if chosen.subkernel else None
    name = (chosen.name if chosen.name is not None else f"beaker-{chosen.subkernel}" if spec else "beaker").lower()
    if not _NAME.fullmatch(name):
        raise InstallRefused(f"{name!r} is no name for a kernel: use letters, digits, '.', '_' and '-' only, as in 'beaker-r'.")
    folder = _kernels_folder(chosen) / name
    install(folder, describe(sys.executable, subkernel=chosen.subkernel, spec=spec, shown=chosen.display_name))
    return folder


def _kernels_folder(chosen: argparse.Namespace) -> Path:
    if not chosen.user:
        return Path(chosen.prefix or sys.prefix).absolute() / "share/jupyter/kernels"
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir(), "kernels")


def _searched() -> list[str]:
    from jupyter_core.paths import jupyter_path

    return [str(Path(place).absolute()) for place in jupyter_path("kernels")]


def _is_ours(argv: list[str]) -> bool:
    return "beaker_kernel" in argv


def _argv_in(file: Path) -> list[str]:
    try:
        content: Any = json.loads(file.read_bytes())  # Any: somebody else's file
        return [str(word) for word in content["argv"]]
    except (ValueError, KeyError, TypeError):
        return []
