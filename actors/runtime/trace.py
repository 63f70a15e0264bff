"""The trace id: what binds every message and log line that follow from one request.

A context variable holds it. The runtime sets it for the time an actor handles a message; tasks started meanwhile
inherit it; `tell` and `ask` put it into the envelope. So nobody passes it by hand, and nobody can forget to.
"""

import os
from contextvars import ContextVar

current_trace: ContextVar[str] = ContextVar("current_trace", default="")
"""The trace of what runs now; the empty string outside any request."""


def new_trace() -> str:
    """Make a trace id: 16 hex digits, 64 random bits, enough to tell the requests of one user's year apart."""
    return os.urandom(8).hex()
