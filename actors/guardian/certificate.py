"""Whether the certificate's files can be used: looked at before the start, and before workers are replaced, so that a mistake in them is
one sentence and costs no worker.
"""

from beaker.errors import BeakerError
from beaker.settings.gateway import GatewaySettings


class _Locked(BeakerError):
    """The key wants a password."""


def why_unusable(settings: GatewaySettings) -> str | None:
    """The sentence for files with which no worker could serve; None: they are right, or none is wanted."""
    if not settings.tls_cert:
        return None
    import ssl  # where it is wanted

    for option, path in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key)):
        if path:
            try:
                open(path, "rb").close()
            except OSError as error:
                return f"{option} {path} cannot be read: {error.strerror}. Name a PEM file that you may read."

    def no_password() -> str:
        raise _Locked

    key = settings.tls_key or settings.tls_cert
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.tls_cert, settings.tls_key or None, no_password)
    except _Locked:
        return f"The key in {key} wants a password, which nobody is there to type. Store it without one: openssl pkey."
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or "it is no PEM file of a certificate"
        return (
            f"--tls-cert {settings.tls_cert} with the key in {key} cannot be used ({str(reason).replace('_', ' ').lower()}). "
            "Both have to be PEM files that belong together."
        )
    return None
