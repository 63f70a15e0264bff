"""All settings: their names, defaults, ranges and what they are for.

A setting is named `section.name` here, in every `beaker.toml`, and BEAKER_SECTION_NAME in the environment. Values only;
where they come from is `beaker.settings.load`. Limits are part of the type: a value out of range never gets this far.
"""

from typing import Annotated, Literal

import msgspec

from beaker.settings.gateway import GatewaySettings

Seconds = Annotated[float, msgspec.Meta(gt=0, le=604_800)]
"""A duration; a week is more than anything here can mean, and keeps infinity out."""

_KIB = 1024  # bytes
_MIB = 1024 * _KIB


class SubkernelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kernel that runs the ordinary cells."""

    spec: Annotated[str, msgspec.Meta(min_length=1)] = "python3"
    """Name of the installed kernelspec; python3 is the one that ipykernel installs."""
    start_timeout_s: Seconds = 30.0
    """How long it may take to answer its first request; Julia and R with many packages need up to 20 s."""
    restart_limit: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    """How many deaths within `restart_window_s` are mended by a new start; after that it is given up loudly."""
    restart_window_s: Seconds = 30.0
    """See `restart_limit`: five deaths in half a minute are a crash loop, five in a day are not."""
    shutdown_grace_s: Annotated[float, msgspec.Meta(gt=0, le=2.5)] = 2.0
    """How long it may take to leave by itself before it is killed; jupyter_client loses patience with all of us after 2.5 s."""
    max_processes: Annotated[int, msgspec.Meta(ge=0, le=4_194_304)] = 0
    """Processes and threads that your account may have when a cell starts another; all count, and root is not bound. 0: no limit."""
    max_memory_mb: Annotated[int, msgspec.Meta(ge=0, le=1_073_741_824)] = 0
    """Address space of the subkernel and of each process it starts, in MiB; a session with pandas begins at some 2000. 0: no limit."""
    keep_env: tuple[str, ...] = ()
    """Variables that cells get though beaker took a key from them; only the user's own beaker.toml can name them."""


class KernelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process that Jupyter frontends talk to."""

    lease_s: Seconds = 10.0
    """How long a subkernel lives without an owner; a frontend's restarter is back within 5 s."""
    heartbeat_silence_s: Seconds = 2.0
    """After this long without an echo a subkernel is called not responding; a healthy one echoes within milliseconds."""
    control_silence_s: Seconds = 5.0
    """After this long without an answer on control, while the heartbeat echoes, it is called busy; C code takes 3 s now and then."""
    agent_silence_s: Seconds = 2.0
    """After this long without an answer an agent that is at work is called not responding; a healthy one answers within milliseconds."""
    supervisor_silence_s: Seconds = 2.0
    """The same of the Supervisor, which is asked once in half that time."""
    max_message_bytes: Annotated[int, msgspec.Meta(ge=_MIB, le=2048 * _MIB)] = 128 * _MIB
    """The largest message a client may send; larger than any notebook's widget state, small enough for memory."""
    iopub_lag_bytes: Annotated[int, msgspec.Meta(ge=_MIB, le=1024 * 1024 * _MIB)] = 64 * _MIB
    """How many bytes of output, and of replies, always wait for a client that does not read, on disk from 4 MiB on; one that reads
    is never limited."""
    iopub_stopped_s: Seconds = 5.0
    """Beyond `iopub_lag_bytes`: after this long without reading anything a client misses outputs or replies, and is told so."""
    transcript_bytes: Annotated[int, msgspec.Meta(ge=0, le=1024 * _MIB)] = 4 * _MIB
    """How much of the session's code and output is remembered for questions; some hundred cells."""
    look_time_limit_s: Seconds = 1.0
    """How long a look at the session may take; after that the last look is shown with its age."""
    display_interval_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.08
    """The least time between two updates of a streaming answer; 12 a second read as fluent, more only cost the browser."""


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answering of questions. The key is no setting: it is held apart, see `beaker.settings.key`."""

    model: str = ""
    """The model's name at its endpoint; empty: the default of the endpoint's preset."""
    base_url: Annotated[str, msgspec.Meta(pattern=r"^$|^https?://[^\s/]+|^[a-z][a-z0-9_-]*$")] = ""
    """Address of an OpenAI-compatible endpoint, with its `/v1`, or a preset's name; empty: OpenAI's with a key, else the demo model."""
    mode: Literal["ask", "plan", "auto"] = "ask"
    """Code that the model wants to run: shown first and run when allowed (`ask`), never run (`plan`), run unless it is risky (`auto`)."""
    consent_patience_s: Seconds = 60.0
    """How long a prompt for consent stands while other cells wait behind it; then it gives way, and `%beaker allow` takes it up."""
    key_file: str = ""
    """Absolute path (`~` allowed) of a file that holds nothing but the key and that only its owner can read."""
    key_command: tuple[str, ...] = ()
    """A program and its arguments that print the key, run without a shell; only the user's own beaker.toml can name it."""
    key_command_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    """How long `key_command` may take; it holds up the kernel's start, and frontends wait for that a minute."""
    keyring: str = ""
    """The service under which the system's keyring holds the key for the user `beaker`; needs the package `keyring`."""
    connect_timeout_s: Seconds = 5.0
    """How long a connection may take; an address that answers at all does so within a second."""
    first_byte_timeout_s: Seconds = 300.0
    """How long the model may be silent before its answer; local models load for minutes, reasoning ones think as long."""
    silence_timeout_s: Seconds = 120.0
    """How long it may be silent within an answer before the call counts as failed."""
    waiting_words_after_s: Seconds = 15.0
    """After this long without anything new the display says what it waits for."""
    step_limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 25
    """Model calls in one question; longer chains are loops more often than progress."""
    repair_limit: Annotated[int, msgspec.Meta(ge=0, le=100)] = 3
    """Invalid tool calls in a row that the model may mend before the question ends with an error."""
    call_limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """Attempts at one model call, the first included."""
    retry_after_limit_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0
    """The longest `Retry-After` that is waited for; beyond it the user is told the time instead."""
    requests_per_s: Annotated[float, msgspec.Meta(ge=0.1, le=1000)] = 5.0
    """Model calls in any second, by all questions of a kernel; one more waits. A turn makes a few in a row, a loop makes hundreds."""
    turn_time_limit_s: Seconds = 600.0
    """How long one question may take, not counting the time it waits for the user."""
    turn_token_limit: Annotated[int, msgspec.Meta(ge=1_000, le=1_000_000_000)] = 1_000_000
    """Tokens that one question may use, in and out, as the endpoint counts them: 25 steps of 40,000."""
    session_token_limit: Annotated[int, msgspec.Meta(ge=1_000, le=1_000_000_000)] = 10_000_000
    """Tokens that all questions of one session may use; a busy day has some hundred questions."""
    session_cost_limit_usd: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 20.0
    """US dollars that one session may spend, as far as the endpoint says what a call cost (OpenRouter does)."""


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log files of our processes."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written; code and questions appear at debug only."""
    max_bytes: Annotated[int, msgspec.Meta(ge=64 * _KIB, le=1024 * _MIB)] = 10 * _MIB
    """At this size a file is put aside and a new one begun."""
    keep: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5
    """How many files put aside are kept."""


class TrustSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which folders' own files are believed."""

    folders: tuple[str, ...] = ()
    """Absolute paths (`~` allowed), each for itself without those below it; only the user's own beaker.toml can name them."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting."""

    subkernel: SubkernelSettings = SubkernelSettings()
    """Read by the Supervisor and the KernelActor."""
    kernel: KernelSettings = KernelSettings()
    """Read by the KernelActor."""
    agent: AgentSettings = AgentSettings()
    """Read by the AgentActor."""
    logs: LogSettings = LogSettings()
    """Read by every process."""
    trust: TrustSettings = TrustSettings()
    """Read while settings are loaded."""
    gateway: GatewaySettings = GatewaySettings()
    """Read by the gateway's guardian; a kernel only takes note that they are settings."""


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "subkernel": SubkernelSettings,
    "kernel": KernelSettings,
    "agent": AgentSettings,
    "logs": LogSettings,
    "trust": TrustSettings,
    "gateway": GatewaySettings,
}

GATEWAY = "gateway."
"""What the names of the service's settings begin with."""
OF_SERVICE = (GATEWAY, "logs.")
"""The same of all that a service is held to: what it was told to write down it should not leave out unseen."""


def setting_names() -> list[str]:
    """The settings of a kernel as `section.name`, in the order in which they are shown."""
    return [name for name in all_setting_names() if not name.startswith(GATEWAY)]


def all_setting_names() -> list[str]:
    """Those of a kernel, and behind them those of the gateway."""
    return [f"{section}.{name}" for section, struct in SECTIONS.items() for name in struct.__struct_fields__]


def value_of(settings: Settings, name: str) -> object:
    """The value of `section.name`."""
    section, _, field = name.partition(".")
    value: object = getattr(getattr(settings, section), field)
    return value
