"""Which kernelspecs a gateway offers, as clients want to see them: usable ones only, with the files that belong to them.

Unlike `beaker.subkernels.kernelspecs`, which looks for one subkernel to start, this reads all of them, ours too, and everything
that stands in them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from beaker.errors import BeakerError
from beaker.subkernels.kernelspecs import NATIVE, KernelspecError, find, installed, kernelspec_folders
from beaker.wire.parts import UNREADABLE

OWN: Final = "beaker"
"""The default wherever it is installed."""

_SCRIPTS: Final = ("kernel.js", "kernel.css")
"""What some kernelspecs bring along for frontends, by its whole name; logos go without their ending."""


class NoSuchFile(BeakerError):
    """A file of a kernelspec that is not there, or not of it."""


class SpecDocument(msgspec.Struct, kw_only=True):
    """What a kernel.json says."""

    argv: list[str]
    env: dict[str, str] = {}
    display_name: str = ""
    language: str = ""
    interrupt_mode: str = "signal"
    metadata: dict[str, Any] = {}  # Any: whatever its author has put there
    kernel_protocol_version: str = ""


class SpecModel(msgspec.Struct, kw_only=True):
    """One kernelspec."""

    name: str
    spec: SpecDocument
    resources: dict[str, str]
    """Addresses of its files, by what they are."""


class SpecsModel(msgspec.Struct, kw_only=True):
    """All of them."""

    default: str
    kernelspecs: dict[str, SpecModel]


_decoder = msgspec.json.Decoder(SpecDocument)


def read_specs(environment: Mapping[str, str], base_url: str) -> SpecsModel:
    """All kernelspecs that can be used. Blocking.

    Args:
        environment: by which Jupyter's places are found.
        base_url: of the gateway; ends with a slash.
    """
    specs: dict[str, SpecModel] = {}
    for name, (folder, document) in sorted(_documents(environment).items()):
        if document is not None:
            specs[name] = SpecModel(name=name, spec=document, resources=_resources(name, folder, base_url))
    return SpecsModel(default=_default(specs), kernelspecs=specs)


def find_file(name: str, file: str, environment: Mapping[str, str]) -> str:
    """The absolute path of a file that belongs to a kernelspec. Blocking.

    Raises:
        NoSuchFile: there is none, or it lies elsewhere.
    """
    folder, _ = _documents(environment).get(name.lower(), ("", None))
    if not folder or "\0" in file:
        raise NoSuchFile(f"There is no kernelspec {name[:100]!r}.")
    root = os.path.realpath(folder)
    path = os.path.realpath(f"{root}/{file}")
    if os.path.commonpath([root, path]) != root or not os.path.isfile(path):
        raise NoSuchFile(f"The kernelspec {name[:100]!r} has no file {file[:100]!r}.")
    return path


def _documents(environment: Mapping[str, str]) -> dict[str, tuple[str, SpecDocument | None]]:
    """By name: the folder, and what it says, None if that is of no use."""
    found = {name: (folder, _read(name, folder)) for name, folder in installed(kernelspec_folders(environment)).items()}
    if NATIVE not in found:
        try:
            native = find(NATIVE, environment)
        except KernelspecError:
            return found  # there is no ipykernel here
        found[NATIVE] = (native.folder, SpecDocument(argv=native.argv, display_name=native.display_name, language=native.language))
    return found


def _read(name: str, folder: str) -> SpecDocument | None:
    try:
        document = _decoder.decode((Path(folder) / "kernel.json").read_bytes())
    except (OSError, *UNREADABLE):
        return None
    if not document.argv:
        return None
    document.display_name = document.display_name or name
    return document


def _resources(name: str, folder: str, base_url: str) -> dict[str, str]:
    files = [file for file in sorted(os.listdir(folder)) if file in _SCRIPTS or file.startswith("logo-")] if os.path.isdir(folder) else []
    where = f"{base_url}kernelspecs/{quote(name, safe='')}"
    return {file if file in _SCRIPTS else file.rpartition(".")[0] or file: f"{where}/{quote(file, safe='')}" for file in files}


def _default(specs: Mapping[str, SpecModel]) -> str:
    return next((name for name in (OWN, NATIVE, *specs) if name in specs), "")
