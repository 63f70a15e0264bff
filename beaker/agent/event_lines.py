"""What of an event stream the SDK is to see: its data and nothing else.

The SDK (3.x) takes a blank line behind an `id:` or `event:` for an event, also without data, and fails on the empty text. So
a server that numbers its events and sends comments to keep the connection open would break off every answer. We use none
of the fields but `data`: all others become comments, byte by byte, so that nothing has to be held back. A byte order mark at the
beginning is taken off, which the SDK would take for a part of the first field's name.

Source: WHATWG HTML, "Interpreting an event stream": an event without data is not dispatched.
"""

import re
from codecs import BOM_UTF8

_BEGINNING_OF_ANOTHER = re.compile(rb"([\r\n])(?=[^\r\nd])")
"""Of a line that is neither blank nor data: no other field begins with a d."""

_DATA = re.compile(rb"[\r\n]data")
_BLANK_LINES = (b"\n\n", b"\r\r", b"\r\n\r\n")
"""The end of an event."""


class EventLines:
    """Passes a stream on, chunk by chunk.

    >>> lines = EventLines()
    >>> [lines.only_data(chunk) for chunk in (b"id: 7\\ndata: {}\\n", b"event: x\\n", b"\\n")]
    [b':id: 7\\ndata: {}\\n', b':event: x\\n', b'\\n']
    """

    def __init__(self) -> None:
        self._at_beginning = True
        self._mark: bytes | None = b""
        """What came of a byte order mark; None once it is known whether there is one."""
        self._tail = b"\n"
        """The last bytes, as a blank line or the word `data` may come in two pieces."""
        self.had_data = False
        """Whether a line of data began."""
        self.event_bytes = 0
        """Of the event that has not come to its end."""

    def only_data(self, chunk: bytes) -> bytes:
        """Give the chunk with a colon before every line that is no data."""
        if self._mark is not None:
            chunk = self._without_mark(chunk)
        if not chunk:
            return chunk
        self._measure(chunk)
        passed = _BEGINNING_OF_ANOTHER.sub(rb"\1:", chunk)
        if self._at_beginning and chunk[0] not in b"\r\nd":
            passed = b":" + passed
        self._at_beginning = chunk[-1] in b"\r\n"
        return passed

    def _without_mark(self, chunk: bytes) -> bytes:
        """Take the byte order mark off, which may come in pieces."""
        begun = (self._mark or b"") + chunk
        if BOM_UTF8.startswith(begun):
            self._mark = begun if begun != BOM_UTF8 else None
            return b""
        self._mark = None
        return begun.removeprefix(BOM_UTF8)

    def _measure(self, chunk: bytes) -> None:
        seen = self._tail + chunk
        ended = max(seen.rfind(blank) for blank in _BLANK_LINES)
        self.event_bytes = len(seen) - ended if ended >= 0 else self.event_bytes + len(chunk)
        if not self.had_data:
            self.had_data = _DATA.search(seen) is not None
        self._tail = seen[-5:]
