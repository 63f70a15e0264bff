"""The environment of a gateway's subkernels: what is on the list, and what a client's request may add.

A list of what may pass and not of what may not: a service is started with secrets under names that nobody can foresee. What a
kernel of one's own gets of its user's environment is another matter (`beaker.settings.key`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

NAMES: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"),
        *("VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "REQUESTS_CA_BUNDLE"),
        *("IPYTHONDIR", "MPLCONFIGDIR", "MPLBACKEND"),
        *("JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH"),
        *("JUPYTER_PREFER_ENV_PATH", "JUPYTER_PLATFORM_DIRS"),
    }
)
"""Who the user is, where programs and libraries lie and keep their settings, and whom to trust. Jupyter's by their whole names: others of
them hold tokens."""

BEGINNINGS: Final = ("LC_", "XDG_", "CONDA_", "SSL_CERT_", "CUDA_", "OMP_", "MKL_", "SLURM_", "R_", "JULIA_")
"""Names that begin so: of languages, environments, and libraries that compute."""

_PROXY: Final = re.compile(r"\w*_PROXY", re.IGNORECASE)
"""Programs read them in either case."""

_NAME_SHOWN: Final = 60
"""Characters of a variable's name in a sentence."""

NOTEBOOK: Final = "JPY_SESSION_NAME"
"""By it cells find their notebook, as jupyter_server sets it; one that has its kernels here sends it where it is told to."""

_REQUESTED: Final = re.compile(rf"KERNEL_\w+|{NOTEBOOK}", re.ASCII)

VARIABLE_BYTES: Final = 131_072
"""Linux starts no program with a longer variable, its name and both signs around its value included (MAX_ARG_STRLEN)."""

_ROOM_BYTES: Final = 6 * 1024 * 1024
"""Nor with more of all variables and arguments together, wherever it names no smaller limit."""
_RESERVE_BYTES: Final = 65_536
"""Of that for the command line of a subkernel, and for what is added to its variables."""
_POINTER_BYTES: Final = 8
"""For each variable beside its own."""


def may_be_requested(name: str) -> bool:
    """Whether a client may set this variable for its kernel."""
    return _REQUESTED.fullmatch(name) is not None


def room_bytes(own: Mapping[str, str], system_bytes: int, *, message_bytes: int) -> int:
    """How much the variables of a request may take together.

    Args:
        own: of the gateway, all of which might pass.
        system_bytes: the limit that the system names, for variables and arguments; less than 1: it names none.
        message_bytes: what one message has room for, as all variables of a kernel are told in one: there none takes more beside its name
            and its value than is counted for the system.
    """
    limit = min(system_bytes if system_bytes > 0 else _ROOM_BYTES, _ROOM_BYTES, message_bytes)
    return max(limit - _RESERVE_BYTES - sum(_size(*pair) + _POINTER_BYTES for pair in own.items()), 0)


def why_too_large(requested: Mapping[str, str], room: int) -> str | None:
    """Why no program could be started with these variables, a sentence; None: one could.

    Args:
        room: as `room_bytes`.

    Example:
        >>> why_too_large({"KERNEL_A": "x" * 131_072}, 2_000_000)
        'The variable KERNEL_A has 131082 bytes with its name; no program can be started with one of more than 131072.'
    """
    sizes = {name: _size(name, value) for name, value in requested.items()}
    longest = max(sizes, key=sizes.__getitem__, default="")
    if longest and sizes[longest] > VARIABLE_BYTES:
        named = longest if len(longest) <= _NAME_SHOWN else f"{longest[:_NAME_SHOWN]}..."
        return (
            f"The variable {named} has {sizes[longest]} bytes with its name; no program can be started "
            f"with one of more than {VARIABLE_BYTES}."
        )
    if (total := sum(sizes.values()) + _POINTER_BYTES * len(sizes)) > room:
        most = f", {longest[:_NAME_SHOWN]} most of them" if 2 * sizes[longest] > total else ""
        return (
            f"The variables of the request take {total} bytes together{most}; here a kernel can be started with {room} at most. "
            "Put what is large into a file."
        )
    return None


def _size(name: str, value: str) -> int:
    """As the system counts: with `=` between them and the byte that ends it."""
    return len(name.encode(errors="surrogateescape")) + len(value.encode(errors="surrogateescape")) + 2


def compose_environment(
    own: Mapping[str, str],
    requested: Mapping[str, str],
    *,
    added: Sequence[str] = (),
    secrets: Sequence[str] = (),
    is_secret: Callable[[str], bool] = lambda _: False,
) -> dict[str, str]:
    """The variables that a subkernel is given.

    Args:
        own: of the gateway.
        requested: what a client wants; only names that it may set are taken.
        added: further names of `own`, as the gateway's settings have them; one that ends with `*` means all that begin so.
        secrets: a variable whose value holds one of them is left out, whatever it is called.
        is_secret: tells the same of a value, for secrets that are not known here.

    Example:
        >>> compose_environment({"PATH": "/bin", "LC_ALL": "C", "AWS_KEY": "x"}, {"KERNEL_USER": "ada", "PATH": "/evil"})
        {'PATH': '/bin', 'LC_ALL': 'C', 'KERNEL_USER': 'ada'}
    """
    whole = {name for name in added if not name.endswith("*")}
    beginnings = (*BEGINNINGS, *(name[:-1] for name in added if name.endswith("*") and len(name) > 1))
    hidden = [secret for secret in secrets if secret]
    passed = {name: value for name, value in own.items() if name in NAMES | whole or name.startswith(beginnings) or _PROXY.fullmatch(name)}
    passed |= {name: value for name, value in requested.items() if may_be_requested(name) and "\0" not in value}
    return {name: value for name, value in passed.items() if not any(secret in value for secret in hidden) and not is_secret(value)}
