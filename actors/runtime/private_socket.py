"""A unix socket that only its owner can connect to, from the first moment of its file."""

import errno
import os
import socket
from typing import Final

ANSWER_LIMIT_S: Final = 1.0
"""For somebody who listens to be reached: that takes no turn of his."""
_NOBODY: Final = frozenset({errno.ECONNREFUSED, errno.ENOENT})
"""The file is left over from somebody who has gone, or there is none."""


def bind_privately(path: str) -> socket.socket:
    """Make the socket file, with mode 0600; nobody listens there yet.

    Raises:
        OSError: something is at the path, or nothing can be.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        made.bind(path)
    except BaseException:  # also a cancellation: the socket must not stay open
        made.close()
        raise
    finally:
        os.umask(before)
    made.setblocking(False)
    return made


def somebody_answers(path: str) -> bool:
    """Whether somebody listens at a socket file, and not only once did.

    Yes as well where that cannot be found out, as when more wait for him than he lets: whose file it is, it must not be removed.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_LIMIT_S)
        try:
            probe.connect(path)
        except OSError as error:
            return error.errno not in _NOBODY
        return True
