"""Decides which endpoint and which model answer: from the settings, the environment and the presets.

Pure: it is given the text of `presets.toml` and what may be known of the key. The key itself is not part of an `Endpoint`, only
whether it goes there, so that an endpoint can be logged and shown. A key is bound to its host: one that stands in a preset's own
variable goes to that preset alone, any other only to an address that comes from the same ground as the key, which is the user's own
places or one folder.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from beaker.settings.key import KeyFacts
from beaker.settings.key_wishes import DEMO_CHOICE, KEY_VARIABLE, USERS_OWN

DEMO_NAME = "demo model"

STANDARD_PRESET = "openai"


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
    """The variable in which the key would belong."""
    local: bool
    reasoning_off: list[str]
    """Models that need it from the first call on."""
    hint: str = ""
    """For the demo model: what is missing for the model that the user has named, or for any."""
    key_origin: str = ""
    """Where the key that goes there was found, in words; empty: none goes there."""
    key_note: str = ""
    """Why a key that is there does not go there; a sentence."""


class Unusable(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration names something that does not exist."""

    reason: str


def read_presets() -> dict[str, Preset]:
    """Read the presets that ship with beaker.

    >>> read_presets()["ollama"].local
    True
    """
    return msgspec.toml.decode(Path(__file__).with_name("presets.toml").read_bytes(), type=dict[str, Preset])


def choose_endpoint(
    key: KeyFacts | None, presets: Mapping[str, Preset], *, model: str, base_url: str, ground: str = USERS_OWN, key_missed: str = ""
) -> Endpoint | Unusable:
    """Choose from what is configured; with nothing configured, the demo model.

    Args:
        key: the one that was found.
        presets: by name.
        model: from BEAKER_MODEL or agent.model; empty if none is named.
        base_url: from OPENAI_BASE_URL or agent.base_url: an address, the name of a preset, or empty.
        ground: whose word `base_url` is, as `KeyFacts.ground`.
        key_missed: why a place that the user named gives no key; a sentence.
    """
    if model == DEMO_CHOICE:
        return _demo("")
    named = base_url.strip()
    if not named:
        preset = presets[STANDARD_PRESET]
        if key is None or key.name not in ("", *preset.key_names):
            return _demo(key_missed or (f"The model {model!r} is named, but no key is set in {preset.key_names[0]}." if model else ""))
        return _remote(preset, model=model, key_origin=key.origin)
    known = presets.get(named) or next((preset for preset in presets.values() if preset.base_url == named.rstrip("/")), None)
    if known is None and (not named.startswith(("http://", "https://")) or not urlsplit(named).hostname):
        return Unusable(
            reason=f"OPENAI_BASE_URL is {_shown(named)!r}: neither an address (http://... or https://...) nor one of the names "
            f"{', '.join(presets)}."
        )
    preset = known or Preset(base_url=named, key_names=[KEY_VARIABLE])
    if key is None or key.name not in ("", *preset.key_names):
        return _remote(preset, model=model)
    if key.ground == ground or (known is not None and key.name in known.key_names):
        return _remote(preset, model=model, key_origin=key.origin)
    note = f"The key from {key.origin} is not sent there, because the address comes from {ground or 'your own settings'}."
    return _remote(preset, model=model, key_note=note)


def is_loopback(address: str) -> bool:
    """Whether an address is plain http to this very machine.

    >>> is_loopback("http://localhost:11434/v1"), is_loopback("https://127.0.0.1/v1"), is_loopback("http://127.0.0.1.evil.test/v1")
    (True, False, False)
    """
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")


def _remote(preset: Preset, *, model: str, key_origin: str = "", key_note: str = "") -> Endpoint:
    return Endpoint(
        kind="remote",
        base_url=preset.base_url,
        shown_url=_shown(preset.base_url),
        model=model or preset.model,
        key_name=next(iter(preset.key_names), KEY_VARIABLE),
        local=preset.local,
        reasoning_off=preset.reasoning_off,
        key_origin=key_origin,
        key_note=key_note,
    )


def _demo(hint: str) -> Endpoint:
    return Endpoint(
        kind="demo",
        base_url="http://demo.invalid/v1",  # never resolved: the transport answers by itself
        shown_url=DEMO_NAME,
        model=DEMO_NAME,
        key_name=KEY_VARIABLE,
        local=True,
        reasoning_off=[],
        hint=hint,
    )


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
