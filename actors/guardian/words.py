"""What the gateway prints: where it serves, how to come in and what its limits are; and what becomes of it on a signal."""

import shlex
from typing import Final

import msgspec

from actors.guardian.token import Token
from beaker.gateway.access import parse_public
from beaker.gateway.exposure import is_loopback, local_name
from beaker.settings.gateway import GatewaySettings


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say."""

    settings: GatewaySettings
    """As they hold."""
    port: int
    """Where it listens; 0 for a unix socket."""
    token: Token
    """What clients must show."""
    show_token: bool
    """It may be printed: there is a terminal. What else reads what we print keeps it, such as a journal."""
    token_place: str
    """The file where the user finds the token that is not printed; empty: she has given it, and there is none."""
    descriptors: int
    """That each process may have open."""
    state: str
    """The state folder."""


def address(settings: GatewaySettings, port: int) -> str:
    """Where clients find the gateway, with the base path: by the proxy in front of it, if there is one."""
    if settings.public_url:
        origin, path = parse_public(settings.public_url)
        return origin + path
    return local_address(settings, port)


def local_address(settings: GatewaySettings, port: int) -> str:
    """Where somebody on this machine finds the gateway, with the base path.

    >>> local_address(GatewaySettings(host="localhost", base_url="/lab/"), 80)
    'http://localhost:80/lab/'
    """
    if settings.unix_socket:
        return f"unix:{settings.unix_socket}"
    return f"{'https' if settings.tls_cert else 'http'}://{local_name(settings.host)}:{port}{settings.base_url}"


def address_with_token(opening: Opening) -> str:
    """What a browser opens first."""
    token = opening.token.value
    return address(opening.settings, opening.port) + ("" if token is None else f"?token={token}")


def opening_words(opening: Opening) -> str:
    """The block, ending with a newline."""
    settings, token = opening.settings, opening.token.value
    shown = token if opening.show_token else None
    base = address(settings, opening.port)
    lines = [f"The gateway serves at {base}"]
    if settings.public_url:
        lines.append(f"  listens at  {local_address(settings, opening.port)}")
    if settings.public_url or not settings.unix_socket:
        if shown is not None:
            lines.append(f"  open        {address_with_token(opening)}")
        read = f'"$(cat {shlex.quote(opening.token_place)})"' if opening.token_place else "..."
        variable = "" if token is None else f"JUPYTER_GATEWAY_AUTH_TOKEN={read if shown is None else shown} "
        lines.append(f"  JupyterLab  {variable}jupyter lab --gateway-url={base.rstrip('/')}")
    elif shown is not None:
        lines.append(f"  token       {shown}")
    if token is not None and shown is None and opening.token_place:
        lines.append(f"  token       in {opening.token_place}, which only you can read")
    lines.append(f"  files       {settings.root_dir}")
    lines.append(
        f"  limits      {settings.max_kernels} kernels; {settings.max_websockets} websockets, each process having {opening.descriptors} "
        "descriptors"
    )
    lines.append(f"  state       {opening.state}")
    lines += (f"  WARNING     {words}" for words in warnings(opening))
    lines.append("Ctrl-C ends it." if settings.keep_kernels else "Ctrl-C ends it, and its kernels.")
    return "\n".join(lines) + "\n"


def warnings(opening: Opening) -> list[str]:
    """What should be known by whoever started it this way."""
    settings = opening.settings
    words: list[str] = []
    if opening.token.value is None and not settings.unix_socket:
        words.append("no token is asked for (--no-token): every user and every program of this machine can run code as you")
    if settings.insecure and not settings.tls_cert and not settings.unix_socket and not is_loopback(settings.host):
        words.append("without TLS (--insecure) whoever is on the way reads everything, the token first")
    return words


def ending_words(settings: GatewaySettings) -> str:
    """What happens from the first signal on, ending with a newline."""
    kept = f"kernels live on for {settings.orphan_timeout_s:g} s, for the next gateway at this address"
    then = kept if settings.keep_kernels else "kernels are ended"
    return f"Ending: requests that run have {settings.drain_s:g} s, then {then}. Ctrl-C once more hurries.\n"


HURRYING: Final = "Hurrying: what still runs is cut off.\n"
ENDED: Final = "The gateway has ended.\n"
RENEWING: Final = "Replacing the workers one by one; kernels go on, and clients connect again.\n"
RENEWED: Final = "The workers are replaced.\n"
