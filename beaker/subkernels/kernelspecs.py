"""Finding kernelspecs by name, in the places and the order in which Jupyter looks.

Why not jupyter_client's `KernelSpecManager`: importing it costs some 100 ms, which would stand between the start of the
kernel and the launch of the subkernel, and its search imports IPython. A test holds the order of the folders equal to
jupyter_core's.

Source: jupyter_core documentation, "Common Directories and File Locations", section "Data files"; jupyter_client
documentation, "Making kernels for Jupyter", section "Kernel specs".
"""

import os
import re
import site
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from beaker.errors import BeakerError
from beaker.subkernels.exit_words import of_unknown_spec

NATIVE = "python3"
"""The spec that exists wherever ipykernel is installed, kernelspec file or not."""

OWN_MODULE = "beaker_kernel"
"""What the argv of our own kernelspecs runs: not a subkernel, or kernels would start kernels without end."""

_NAME = re.compile(r"[a-z0-9._\-]+", re.IGNORECASE)


class KernelspecError(BeakerError):
    """A kernelspec that cannot be used: the sentence names its path or the valid names."""


class ProvisionerStanza(msgspec.Struct, frozen=True):
    """Who is to launch the kernel; the rest of it is the provisioner's own."""

    provisioner_name: str = ""


class KernelspecMetadata(msgspec.Struct, frozen=True):
    """What we read of a kernelspec's metadata."""

    kernel_provisioner: ProvisionerStanza | None = None


class Kernelspec(msgspec.Struct, frozen=True, kw_only=True):
    """What a `kernel.json` says, as far as we read it, and where it lies."""

    name: str = ""
    folder: str = ""
    """Holds `kernel.json` and the logos; what `{resource_dir}` in argv stands for."""
    argv: list[str]
    display_name: str = ""
    language: str = ""
    interrupt_mode: Literal["signal", "message"] = "signal"
    env: dict[str, str] = {}
    metadata: KernelspecMetadata = KernelspecMetadata()

    @property
    def path(self) -> str:
        """The file that says all this."""
        return str(Path(self.folder) / "kernel.json")

    @property
    def provisioner(self) -> str | None:
        """The provisioner that the spec asks for; None where it asks for none."""
        stanza = self.metadata.kernel_provisioner
        return stanza.provisioner_name or None if stanza is not None else None


_decoder = msgspec.json.Decoder(Kernelspec)


def kernelspec_folders(environment: Mapping[str, str]) -> list[str]:
    """The folders that hold kernelspecs, in the order in which they win."""
    if _is_set(environment, "JUPYTER_PLATFORM_DIRS"):
        from jupyter_core.paths import jupyter_path  # 30 ms, and few ask for platform directories

        return jupyter_path("kernels")
    home = os.path.realpath(environment.get("HOME") or Path("~").expanduser())
    named = (
        [folder.rstrip(os.sep) for folder in environment.get("JUPYTER_PATH", "").split(os.pathsep)]
        if environment.get("JUPYTER_PATH")
        else []
    )
    user = [_data_folder(environment, home)]
    if site.ENABLE_USER_SITE and (base := f"{site.getuserbase()}/share/jupyter") not in user:
        user.append(base)
    system = ["/usr/local/share/jupyter", "/usr/share/jupyter"]
    own = [folder for folder in [f"{sys.prefix}/share/jupyter"] if folder not in system]
    ordered = [*named, *own, *user] if _prefers_own(environment) else [*named, *user, *own]
    ordered += [folder for folder in system if folder not in ordered]
    ipython = environment.get("IPYTHONDIR") or f"{home}/.ipython"
    return [f"{folder}/kernels" for folder in ordered] + [f"{ipython}/kernels"]


def installed(folders: Sequence[str]) -> dict[str, str]:
    """The names of all kernelspecs and the folder of each; an earlier folder wins."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue  # most of the places do not exist
        for name in names:
            if (Path(folder) / name / "kernel.json").is_file():
                found.setdefault(name.lower(), f"{folder}/{name}")
    return found


def find(name: str, environment: Mapping[str, str]) -> Kernelspec:
    """Find and read the kernelspec that Jupyter would take for this name.

    Raises:
        KernelspecError: there is none of this name (the valid names are told), it cannot be read, or it is ours.
    """
    folders = kernelspec_folders(environment)
    for folder in folders if _NAME.fullmatch(name) else []:
        if (Path(folder) / name.lower() / "kernel.json").is_file():
            return _read(name, f"{folder}/{name.lower()}")
    specs = installed(folders)
    if name.lower() in specs:
        return _read(name, specs[name.lower()])
    if name == NATIVE and (module := find_spec("ipykernel")) is not None:
        return _native(str(Path(module.origin or "").parent / "resources"))
    usable = {known for known, folder in specs.items() if _is_usable(known, folder)}
    usable |= {NATIVE} if NATIVE not in specs and find_spec("ipykernel") is not None else set()
    raise KernelspecError(of_unknown_spec(name, sorted(usable)))


def parse(name: str, folder: str, document: bytes) -> Kernelspec:
    """Decode a `kernel.json`.

    Raises:
        KernelspecError: it is not JSON, argv is missing or empty, a field has an impossible value, or it starts beaker itself.
    """
    try:
        found = _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KernelspecError(f"The kernelspec {folder}/kernel.json is not usable: {error}. Mend it or choose another one.") from None
    if not found.argv:
        raise KernelspecError(
            f"The kernelspec {folder}/kernel.json has an empty argv, so it names no program. Mend it or choose another one."
        )
    if OWN_MODULE in found.argv:
        raise KernelspecError(
            f"The kernelspec {name!r} ({folder}) is beaker itself, not a subkernel. Choose another one, such as {NATIVE}."
        )
    return msgspec.structs.replace(found, name=name, folder=folder)


def _read(name: str, folder: str) -> Kernelspec:
    """Read one `kernel.json`."""
    try:
        document = (Path(folder) / "kernel.json").read_bytes()
    except OSError as error:
        raise KernelspecError(f"The kernelspec {folder}/kernel.json cannot be read: {error.strerror}.") from None
    return parse(name, folder, document)


def _native(resources: str) -> Kernelspec:
    """The spec that ipykernel stands for where no file does, equal to `ipykernel.kernelspec.get_kernel_dict()`."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    title = f"Python {sys.version_info[0]} (ipykernel)"
    return Kernelspec(name=NATIVE, folder=resources, argv=argv, display_name=title, language="python")


def _is_usable(name: str, folder: str) -> bool:
    """Whether a kernelspec that is there would be taken."""
    try:
        _read(name, folder)
    except KernelspecError:
        return False
    return True


def _data_folder(environment: Mapping[str, str], home: str) -> str:
    """The user's data folder of Jupyter."""
    if given := environment.get("JUPYTER_DATA_DIR"):
        return given
    if sys.platform == "darwin":
        return f"{home}/Library/Jupyter"
    return f"{environment.get('XDG_DATA_HOME') or home + '/.local/share'}/jupyter"


def _prefers_own(environment: Mapping[str, str]) -> bool:
    """Whether the environment that we run in goes before the user's folder: in a virtual or conda environment of hers."""
    if "JUPYTER_PREFER_ENV_PATH" in environment:
        return _is_set(environment, "JUPYTER_PREFER_ENV_PATH")
    virtual = sys.prefix != sys.base_prefix
    conda = environment.get("CONDA_PREFIX", "")
    in_conda = bool(conda) and sys.prefix.startswith(conda) and environment.get("CONDA_DEFAULT_ENV", "base") != "base"
    return (virtual or in_conda) and os.stat(sys.prefix).st_uid == os.geteuid()


def _is_set(environment: Mapping[str, str], variable: str) -> bool:
    """What Jupyter takes for a yes."""
    return environment.get(variable, "no").lower() not in ("no", "n", "false", "off", "0", "0.0")
