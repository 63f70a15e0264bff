"""Decides which endpoint and which model answer: from the settings, the environment and the presets.

Pure: it is given the environment and the text of `presets.toml`. The key itself is not part of an `Endpoint`, only the
name of the variable that holds it, so that an endpoint can be logged and shown.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

DEMO_NAME = "demo model"
DEMO_CHOICE = "demo"
"""What BEAKER_MODEL may say to get the demo model though a key is there."""

STANDARD_PRESET = "openai"
STANDARD_KEY_NAME = "OPENAI_API_KEY"


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint that is known by name; the fields are explained in `presets.toml`."""

    base_url: str
    model: str = ""
    key_names: list[str] = []
    local: bool = False
    reasoning_off: list[str] = []


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the questions go."""

    kind: Literal["demo", "remote"]
    base_url: str
    shown_url: str
    """The address without what may be secret in it."""
    model: str
    """Empty: the first model that the endpoint offers, if it is local or has only one."""
    key_name: str
    """The variable that holds the key, or in which it would belong."""
    local: bool
    reasoning_off: list[str]
    """Models that need it from the first call on."""
    hint: str = ""
    """For the demo model: what is missing for the model that the user has named."""


class Unusable(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration names something that does not exist."""

    reason: str


def read_presets() -> dict[str, Preset]:
    """Read the presets that ship with beaker.

    >>> read_presets()["ollama"].local
    True
    """
    return msgspec.toml.decode(Path(__file__).with_name("presets.toml").read_bytes(), type=dict[str, Preset])


def choose_endpoint(environment: Mapping[str, str], presets: Mapping[str, Preset], *, model: str, base_url: str) -> Endpoint | Unusable:
    """Choose from what is configured; with nothing configured, the demo model.

    Args:
        environment: read for keys only.
        presets: by name.
        model: from BEAKER_MODEL or agent.model; empty if none is named.
        base_url: from OPENAI_BASE_URL or agent.base_url: an address, the name of a preset, or empty.
    """
    if model == DEMO_CHOICE:
        return _demo("")
    named = base_url.strip()
    if not named:
        preset = presets[STANDARD_PRESET]
        if _key_name(environment, preset) is None:
            return _demo(f"The model {model!r} is named, but no key is set in {preset.key_names[0]}." if model else "")
        return _remote(environment, preset, model=model)
    if named in presets:
        return _remote(environment, presets[named], model=model)
    if not named.startswith(("http://", "https://")) or not urlsplit(named).hostname:
        return Unusable(
            reason=f"OPENAI_BASE_URL is {_shown(named)!r}: neither an address (http://... or https://...) nor one of the names "
            f"{', '.join(presets)}."
        )
    known = next((preset for preset in presets.values() if preset.base_url == named.rstrip("/")), None)
    return _remote(environment, known or Preset(base_url=named, key_names=[STANDARD_KEY_NAME]), model=model)


def find_key(environment: Mapping[str, str], endpoint: Endpoint) -> str | None:
    """Read the endpoint's key, if there is one."""
    return environment.get(endpoint.key_name, "").strip() or None


def is_loopback(address: str) -> bool:
    """Whether an address is plain http to this very machine.

    >>> is_loopback("http://localhost:11434/v1"), is_loopback("https://127.0.0.1/v1"), is_loopback("http://127.0.0.1.evil.test/v1")
    (True, False, False)
    """
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")


def _remote(environment: Mapping[str, str], preset: Preset, *, model: str) -> Endpoint:
    chosen = model or preset.model
    return Endpoint(
        kind="remote",
        base_url=preset.base_url,
        shown_url=_shown(preset.base_url),
        model=chosen,
        key_name=_key_name(environment, preset) or next(iter(preset.key_names), STANDARD_KEY_NAME),
        local=preset.local,
        reasoning_off=preset.reasoning_off,
    )


def _demo(hint: str) -> Endpoint:
    return Endpoint(
        kind="demo",
        base_url="http://demo.invalid/v1",  # never resolved: the transport answers by itself
        shown_url=DEMO_NAME,
        model=DEMO_NAME,
        key_name=STANDARD_KEY_NAME,
        local=True,
        reasoning_off=[],
        hint=hint,
    )


def _key_name(environment: Mapping[str, str], preset: Preset) -> str | None:
    return next((name for name in preset.key_names if environment.get(name, "").strip()), None)


def _shown(address: str) -> str:
    """Take user, password, query and fragment out of an address.

    >>> _shown("https://me:secret@models.example/v1?token=x")
    'https://models.example/v1'
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(an address that cannot be read)"
    if not host:
        return address[:80] if "@" not in address else "(an address that cannot be read)"
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))
