"""What of an event stream the SDK is to see: its data and nothing else.

The SDK (3.x) takes a blank line behind an `id:` or `event:` for an event, also without data, and fails on the empty text. So
a server that numbers its events and sends comments to keep the connection open would break off every answer. We use none
of the fields but `data`: all others become comments, byte by byte, so that nothing has to be held back.

Source: WHATWG HTML, "Interpreting an event stream": an event without data is not dispatched.
"""

import re

_BEGINNING_OF_ANOTHER = re.compile(rb"([\r\n])(?=[^\r\nd])")
"""Of a line that is neither blank nor data: no other field begins with a d."""


class EventLines:
    """Passes a stream on, chunk by chunk.

    >>> lines = EventLines()
    >>> [lines.only_data(chunk) for chunk in (b"id: 7\\ndata: {}\\n", b"event: x\\n", b"\\n")]
    [b':id: 7\\ndata: {}\\n', b':event: x\\n', b'\\n']
    """

    def __init__(self) -> None:
        self._at_beginning = True

    def only_data(self, chunk: bytes) -> bytes:
        """Give the chunk with a colon before every line that is no data."""
        if not chunk:
            return chunk
        passed = _BEGINNING_OF_ANOTHER.sub(rb"\1:", chunk)
        if self._at_beginning and chunk[0] not in b"\r\nd":
            passed = b":" + passed
        self._at_beginning = chunk[-1] in b"\r\n"
        return passed
