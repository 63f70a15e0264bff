"""Why a file is not read or written: one class per answer that a client can act on."""

from beaker.errors import BeakerError


class ContentsError(BeakerError):
    """The root; its text is a sentence for the user, with the path as she wrote it."""


class NotThere(ContentsError):
    """There is no such file or folder, or none that may be seen."""


class NotAllowed(ContentsError):
    """It lies outside of the folder that is served, or the system refuses it."""


class NotFree(ContentsError):
    """Something is there already."""


class Changed(NotFree):
    """It is no longer what the client has seen."""


class NotThat(ContentsError):
    """The request cannot be meant: another kind of file, a format that it is not in, a notebook that is none."""


class NoRoom(ContentsError):
    """The disk is full, or a quota is used up; what was there before is unchanged."""


class Torn(ContentsError):
    """A file that had to be written in place may be half old and half new."""
