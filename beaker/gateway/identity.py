"""What the folder of one kernel of a gateway is called, and what opens its Supervisor's door.

Both are made of its UUID, as clients see it, and of a secret that stays the same over all starts of one gateway: so two gateways of one
user never meet in a folder, and who knows a UUID knows neither. They are made for different purposes, so that the one that stands in
paths tells nothing of the other.
"""

import hmac

_DIGITS = 12
"""As `beaker.places` has it: 48 bits."""


def folder_name(kernel_secret: bytes, kernel_id: str) -> str:
    """The name of its runtime folder."""
    return hmac.digest(kernel_secret, f"beaker/folder/{kernel_id}".encode(), "sha256").hex()[:_DIGITS]


def supervisor_secret(kernel_secret: bytes, kernel_id: str) -> bytes:
    """What its Supervisor wants to hear."""
    return hmac.digest(kernel_secret, f"beaker/supervisor/{kernel_id}".encode(), "sha256")
