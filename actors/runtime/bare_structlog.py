"""structlog without what it would decorate consoles and tracebacks with, and without other people's loops.

We write JSON to files. Where rich is installed, as it often is, importing structlog as it comes imports rich and pygments in each of
our processes: more than all the rest of its logging.
"""

from actors.runtime.lean import import_without

import_without("structlog", ("rich", "better_exceptions", "colorama", "twisted", "greenlet"))

import structlog as structlog  # noqa: E402 -- behind the other import: that is the point
