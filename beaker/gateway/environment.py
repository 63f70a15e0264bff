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
    }
)
"""Who the user is, where programs and libraries lie, and whom to trust."""

BEGINNINGS: Final = ("LC_", "XDG_", "CONDA_", "SSL_CERT_", "CUDA_", "OMP_", "MKL_", "SLURM_", "R_", "JULIA_")
"""Names that begin so: of languages, environments, and libraries that compute."""

_PROXY: Final = re.compile(r"\w*_PROXY", re.IGNORECASE)
"""Programs read them in either case."""

_REQUESTED: Final = re.compile(r"KERNEL_\w+", re.ASCII)


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
        requested: what a client wants; only names that begin with `KERNEL_` are taken.
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
    passed |= {name: value for name, value in requested.items() if _REQUESTED.fullmatch(name) and "\0" not in value}
    return {name: value for name, value in passed.items() if not any(secret in value for secret in hidden) and not is_secret(value)}
