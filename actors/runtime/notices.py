"""What the runtimes of two linked nodes say to each other, beside what actors say: monitors."""

import msgspec

from actors.runtime.down import Down


class Watch(msgspec.Struct, frozen=True, tag="runtime.watch"):
    """Tell me of every end of this actor."""

    number: int
    """Chosen by the watching side."""
    name: str


class Unwatch(msgspec.Struct, frozen=True, tag="runtime.unwatch"):
    """No longer."""

    number: int


class Gone(msgspec.Struct, frozen=True, tag="runtime.gone"):
    """It ended."""

    number: int
    down: Down


Notice = Watch | Unwatch | Gone

encode_notice = msgspec.msgpack.Encoder().encode
decode_notice = msgspec.msgpack.Decoder[Notice](Notice).decode
