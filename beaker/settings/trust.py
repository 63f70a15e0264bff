"""What the files of a notebook's folder may decide, as long as the user does not trust the folder.

A folder comes from anywhere: a download, a colleague, a repository. Its files may make beaker stricter, never looser: smaller
budgets are taken, and everything that spends, sends, runs or hides is the user's own to set. Trust is given by real path, to that
folder alone, and comes in two steps. `%beaker trust` lets the files as they are then set what is harmless (`said`): a cell can
type it, also one that came with the folder. The user's own beaker.toml (`trust.folders`) lets them set nearly everything (`full`).
"""

import os
from collections.abc import Iterable, Mapping
from typing import Literal

Trust = Literal["none", "said", "full"]

STRICTNESS = ("plan", "ask", "auto")
"""The modes, the strictest first."""

LOWERABLE = frozenset(
    {
        "agent.mode",
        "subkernel.restart_limit",
        "kernel.max_message_bytes",
        "kernel.transcript_bytes",
        "agent.connect_timeout_s",
        "agent.first_byte_timeout_s",
        "agent.silence_timeout_s",
        "agent.step_limit",
        "agent.repair_limit",
        "agent.call_limit",
        "agent.retry_after_limit_s",
        "agent.requests_per_s",
        "agent.turn_time_limit_s",
        "agent.turn_token_limit",
        "agent.session_token_limit",
        "agent.session_cost_limit_usd",
    }
)
"""The mode, and budgets: a smaller one makes less happen. Not among them: times after which something is killed or hidden sooner."""

GRAVE = frozenset({"agent.base_url", *(name for name in LOWERABLE if name.startswith("agent."))})
"""What decides where questions go, what they may cost and what runs unasked: `%beaker trust` is not enough to loosen it."""

USER_FILE_ONLY = frozenset({"trust.folders", "agent.key_command", "subkernel.keep_env"})
"""What no folder may say of itself, nor an environment that a tool made from a folder's files: whom to trust, what to run, what
to give to cells."""

NO_FOLDERS = frozenset({"agent.key_file", "agent.keyring"})
"""Where the user keeps her key is nothing that a folder knows, not even one that she trusts."""


def may_set(name: str, trust: Trust) -> bool:
    """Whether a folder may give a setting any value."""
    return trust == "full" or (trust == "said" and name not in GRAVE)


def may_lower(name: str, now: object, wanted: object) -> bool:
    """Whether an untrusted folder may change a setting from `now` to `wanted`."""
    if name not in LOWERABLE:
        return False
    if name == "agent.mode":
        return now in STRICTNESS and wanted in STRICTNESS and STRICTNESS.index(wanted) <= STRICTNESS.index(now)
    return isinstance(now, int | float) and isinstance(wanted, int | float) and wanted <= now


def is_trusted(folder: str, trusted: Iterable[str], environment: Mapping[str, str]) -> bool:
    """Whether the folder is one of those that the user trusts, compared by real path."""
    real = os.path.realpath(folder)
    paths = (expand_home(item, environment) for item in trusted if item.isprintable())  # realpath raises on a NUL
    return any(os.path.realpath(path) == real for path in paths if os.path.isabs(path))


def expand_home(path: str, environment: Mapping[str, str]) -> str:
    """The path with a leading `~/` replaced by the home folder of this environment."""
    if path == "~" or path.startswith("~/"):
        return home_folder(environment) + path[1:]
    return path


def home_folder(environment: Mapping[str, str]) -> str:
    """The home folder of this environment."""
    return environment.get("HOME") or os.path.expanduser("~")


def user_file(environment: Mapping[str, str]) -> str:
    """The path of the user's own beaker.toml, whether it exists or not."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: a relative one is to be ignored
        base = os.path.join(home_folder(environment), ".config")
    return os.path.join(base, "beaker", "beaker.toml")
