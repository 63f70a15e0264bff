"""What a gateway that is about to start would let in, and whether that may be: one pure look at its settings.

Closed by default: at an address of this machine a token is enough; anywhere else it takes TLS as well, or the user's word that
something else sees to it. What cannot be meant is refused before a socket is opened.
"""

import ipaddress
from typing import Final

from beaker.gateway.access import BadOrigin, host_of, parse_origin, parse_public
from beaker.settings.gateway import GatewaySettings

LOCAL_NAME: Final = "localhost"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; other names than localhost may lead anywhere.

    >>> [is_loopback(host) for host in ("localhost", "127.1.2.3", "::1", "0.0.0.0", "localhost.example.org")]
    [True, True, True, False, False]
    """
    if host == LOCAL_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def why_refused(settings: GatewaySettings) -> str | None:
    """The sentence for settings with which no gateway may start; None if it may."""
    for origin in settings.allow_origin:
        try:
            parse_origin(origin)
        except BadOrigin as error:
            return f"--allow-origin: {error}."
    if settings.public_url and (why := _why_not_public(settings)) is not None:
        return why
    if settings.tls_key and not settings.tls_cert:
        return f"--tls-key {settings.tls_key} needs the certificate that belongs to it: add --tls-cert FILE."
    if settings.unix_socket:
        if settings.tls_cert:
            return "A unix socket speaks no TLS: leave out --tls-cert, or --unix-socket."
        if settings.open and not settings.public_url:
            return "A browser cannot open a unix socket: leave out --open, or --unix-socket."
        return None
    if (why := _why_no_address(settings.host)) is not None:
        return why
    if is_loopback(settings.host):
        return None
    if settings.no_token:
        return f"--no-token is for addresses of this machine only, and {settings.host} is none: leave it out, or --host."
    if not settings.tls_cert and not settings.insecure:
        return (
            f"{settings.host} can be reached by others, who would read everything on the way, the token first: add --tls-cert FILE and "
            "--tls-key FILE; or --insecure if a proxy in front of it speaks TLS, or nobody else is on that network."
        )
    return None


def _why_no_address(host: str) -> str | None:
    """The sentence for what is written as in a URL; None: it is an address, or a name."""
    if host.startswith("["):
        return f"--host {host}: write the address alone, {host.strip('[]').partition(']')[0]}; a port goes to --port."
    if ":" in host:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return f"--host {host}: this is no address of IPv6, and no name. A port goes to --port, and a path to --base-url."
    return None


def _why_not_public(settings: GatewaySettings) -> str | None:
    try:
        origin, path = parse_public(settings.public_url)
    except BadOrigin as error:
        return f"--public-url: {error}."
    if settings.base_url not in {"/", path}:
        return (
            f"--public-url {settings.public_url} has another path than --base-url {settings.base_url}: a proxy must pass the whole path on."
        )
    if settings.no_token and not is_loopback(host_of(origin)):
        return f"--no-token is for this machine only, and others come by {origin}: leave out one of the two."
    return None


def local_name(host: str) -> str:
    """The name by which somebody on this machine reaches an address that may stand for all of them.

    >>> local_name("0.0.0.0"), local_name("::"), local_name("::1"), local_name("10.0.0.5")
    ('127.0.0.1', '[::1]', '[::1]', '10.0.0.5')
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
