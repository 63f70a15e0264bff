"""Which kernelspec runs the cells of each that a client may ask for: its own, or for one of ours the one that it names.

Ours are those whose argv runs `beaker_kernel`: `beaker`, or what `python -m beaker_kernel install --subkernel ir` wrote. In a gateway every
kernel is fronted by a KernelActor, so that no process of theirs is started; what they say of the subkernel holds.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from beaker.kernel.arguments import ArgumentError, parse
from beaker.subkernels.kernelspecs import NATIVE, OWN_MODULE, installed, kernelspec_folders

OWN: Final = "beaker"
"""Always there, whether or not its kernelspec is installed."""


class _Spec(msgspec.Struct, frozen=True):
    argv: list[str] = []


_decoder = msgspec.json.Decoder(_Spec)


def subkernel_names(environment: Mapping[str, str], *, usual: str) -> dict[str, str]:
    """The names that a client may ask for, each with the kernelspec behind it. One that is broken is among them: its start says why.

    Args:
        environment: by which Jupyter's places are found.
        usual: the kernelspec behind ours where they name none: the setting `subkernel.spec`.
    """
    names = {name: _behind(name, folder, usual) for name, folder in installed(kernelspec_folders(environment)).items()}
    if find_spec("ipykernel") is not None:
        names.setdefault(NATIVE, NATIVE)
    names.setdefault(OWN, usual)
    return names


def usual_name(environment: Mapping[str, str]) -> str:
    """The one that is meant where a client names none: ours if it is installed, as the list of kernelspecs says too."""
    names = installed(kernelspec_folders(environment))
    has_native = NATIVE in names or find_spec("ipykernel") is not None
    return NATIVE if OWN not in names and has_native else OWN


def _behind(name: str, folder: str, usual: str) -> str:
    try:
        argv = _decoder.decode((Path(folder) / "kernel.json").read_bytes()).argv
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return name
    if OWN_MODULE not in argv:
        return name
    try:
        return parse(argv[argv.index(OWN_MODULE) + 1 :]).subkernel or usual
    except ArgumentError:
        return usual
