"""The settings of the gateway: `beaker-gateway --option`, BEAKER_GATEWAY_NAME, or `[gateway]` in the user's own beaker.toml."""

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=604_800)]
"""As in `beaker.settings.schema`."""

_MIB = 1024 * 1024  # bytes


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service that gives kernels to many clients."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Processes that speak HTTP, and as many that hold kernels; one per core is plenty."""
    agents: Annotated[int, msgspec.Meta(ge=0, le=64)] = 2
    """Processes that answer questions, at most, and never more than hold kernels; started by the first question. 0: one for each kernel."""
    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    """Address to listen at; any but this machine's own needs a token and TLS, or `insecure`."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8888
    """0: one that is free."""
    unix_socket: str = ""
    """Path of a unix socket to listen at, instead of host and port."""
    base_url: Annotated[str, msgspec.Meta(pattern=r"^/((?!\.{1,2}/)[^/?#\s{}\\;\"]+/)*$")] = "/"
    """Path in front of all addresses, behind a proxy that serves more than this."""
    public_url: str = ""
    """The address by which clients reach a proxy in front of this: https://lab.example.org/lab/; its path is that of `base_url`."""
    root_dir: str = ""
    """The folder whose files clients may see and where kernels begin; empty: where the gateway was started."""
    allow_origin: tuple[str, ...] = ()
    """Origins of foreign pages that may use this gateway, each in full: https://lab.example.org."""
    token_file: str = ""
    """File that holds the token and that only its owner can read; empty: a new one at each start."""
    no_token: bool = False
    """Ask for no token; at addresses of this machine only."""
    insecure: bool = False
    """Listen at addresses of others without TLS."""
    tls_cert: str = ""
    """PEM file with the certificate and those that lead to it."""
    tls_key: str = ""
    """PEM file with its key."""
    max_kernels: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 64
    """Kernels that may run at a time."""
    starts_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0
    """Kernels that may be started per second in the long run, and `max_kernels` at once: more than people do, fewer than a loop would."""
    max_websockets: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 2000
    """Websockets that may be open at a time, in all workers."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=_MIB, le=2048 * _MIB)] = 100 * _MIB
    """The largest request and the largest message on a websocket."""
    idle_timeout_s: Annotated[float, msgspec.Meta(ge=0, le=31_536_000)] = 0.0
    """A kernel that does nothing for so long, with nobody connected, is ended; 0: never."""
    orphan_timeout_s: Seconds = 900.0
    """How long kernels live on without a gateway, as after a crash of all of it."""
    keep_kernels: bool = False
    """Leave kernels to the next gateway when this one is stopped, for `orphan_timeout_s`."""
    pass_env: tuple[str, ...] = ()
    """Variables of the gateway that cells get too, beyond those that every session needs; `TEAM_*` means all that begin so."""
    replay_bytes: Annotated[int, msgspec.Meta(ge=_MIB, le=1024 * 1024 * _MIB)] = 1024 * _MIB
    """What is kept of one kernel's messages for clients that come back; on disk from some MiB on."""
    replay_total_bytes: Annotated[int, msgspec.Meta(ge=16 * _MIB, le=1024 * 1024 * _MIB)] = 4096 * _MIB
    """The same for all kernels together, of which each host has its part; beyond it the kernels that keep most give up their oldest."""
    replay_s: Seconds = 3600.0
    """How long messages are kept for a client that has gone."""
    lag_bytes: Annotated[int, msgspec.Meta(ge=_MIB, le=1024 * 1024 * _MIB)] = 64 * _MIB
    """What may wait for a websocket that takes nothing, before it is closed as too slow."""
    stopped_s: Seconds = 5.0
    """Beyond `lag_bytes`: after this long without taking anything a websocket is closed as too slow."""
    ping_s: Seconds = 30.0
    """How often websockets are asked whether somebody is there."""
    head_timeout_s: Seconds = 10.0
    """How long the head of a request may take to come; and how long all of one may take of somebody who has not shown the token."""
    body_idle_s: Seconds = 60.0
    """How long nothing may come of the body of a request, or be taken of an answer; all of it may take as long as the line needs."""
    keep_alive_s: Seconds = 75.0
    """How long a connection without a request stays open: longer than a proxy keeps its own, so that none is closed under a request."""
    agents_idle_s: Seconds = 60.0
    """A process that answers questions leaves after so long without a kernel that has asked; the next question starts one anew."""
    drain_s: Seconds = 10.0
    """How long requests that run may take to end when the gateway or a worker is stopped."""
    ui: bool = False
    """Serve the web notebook, which is not part of this version: a page says so."""
    open: bool = False
    """Open a browser."""
