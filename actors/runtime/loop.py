"""The event loop of a process that carries many clients: uvloop's where it is installed, else asyncio's own.

A kernel process stays with asyncio's: uvloop's import costs its start 20 ms and 3 MB. In a kernel host it takes a tenth off what a short
cell costs, in a worker a fifth (m). The extra `gateway` brings it.
"""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """Make one; nothing runs on it yet."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
