"""What is in a file, as clients read and send it: a text, or bytes in base64."""

import base64
import binascii

from beaker.contents.failures import NotThat
from beaker.contents.models import Format


def shown(data: bytes, wanted: Format | None, name: str) -> tuple[str, Format]:
    """A file's content and its format; text if it is UTF-8 and nothing else was asked.

    Raises:
        NotThat: text was asked for, and it is none.
    """
    if wanted != "base64":
        try:
            return data.decode(), "text"
        except UnicodeDecodeError:
            if wanted == "text":
                raise NotThat(f"{name!r} is no text in UTF-8; ask for it as base64") from None
    return base64.encodebytes(data).decode("ascii"), "base64"


def taken(content: object, form: Format | None, name: str) -> bytes:
    """The bytes of what a client sent.

    Raises:
        NotThat: it has no such format.
    """
    if not isinstance(content, str):
        raise NotThat(f"{name!r} was not saved: its content is no text")
    match form:
        case "text":
            try:
                return content.encode()
            except UnicodeEncodeError:
                raise NotThat(f"{name!r} was not saved: its text holds half a character") from None
        case "base64":
            try:
                # Line ends are the format's own; whatever else stands in it is none of it, and was cut or damaged on its way.
                return base64.b64decode("".join(content.split()), validate=True)
            except (binascii.Error, ValueError) as error:
                raise NotThat(f"{name!r} was not saved: its base64 cannot be read ({error})") from None
        case _:
            raise NotThat(f"{name!r} was not saved: the format of a file is text or base64, not {form!r}")
