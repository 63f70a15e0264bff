"""Every message comes out of the codec of its link as it went in, whatever its fields hold."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from actors.runtime.codec import Codec
from actors.runtime.envelope import TELL, Envelope
from beaker.messages.kernel import KernelMessage
from tests.beaker.messages.vocabulary import LINKS, crossings, fields_of, messages

CODECS = {link: Codec(union) for link, union in LINKS.items()}

UNHURRIED = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Twenty for each message on each link, some seconds in all. On a machine that has other work to do no draw is called slow."""


def values(described: inspect.Type) -> st.SearchStrategy[Any]:  # Any: of whatever type the field has
    """Values of a field's type."""
    match described:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(min_value=-(2**63), max_value=2**63 - 1)
        case inspect.FloatType():
            return st.floats(allow_nan=False)
        case inspect.StrType():
            return st.text(max_size=300)
        case inspect.BytesType():
            return st.binary(max_size=300)
        case inspect.LiteralType(values=words):
            return st.sampled_from(words)
        case inspect.ListType(item_type=item):
            return st.lists(values(item), max_size=3)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(key), values(value), max_size=3)
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.StructType(cls=struct):
            return whole(struct)
        case _:
            raise AssertionError(f"no values are known for {described}: say here which there are")


def whole(struct: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Structs with a value in every field."""
    return st.builds(struct, **{field.name: values(field.type) for field in fields_of(struct)})


def carried(message: object, codec: Codec) -> object:
    """The message as it comes out at the other end."""
    (envelope,) = codec.decode_batch(b"\x91" + codec.encode(Envelope("actor", TELL, 0, "trace", 0.0, 0, message)))
    return envelope.message


@pytest.mark.parametrize(("link", "message"), [pytest.param(*pair, id=f"{pair[1].__name__} {pair[0]}") for pair in crossings()])
@UNHURRIED
@given(data=st.data())
def test_a_message_comes_out_as_it_went_in(link: str, message: type[msgspec.Struct], data: st.DataObject) -> None:
    sent = data.draw(whole(message))
    assert carried(sent, CODECS[link]) == sent


@pytest.mark.parametrize(("link", "message"), [pytest.param(*pair, id=f"{pair[1].__name__} {pair[0]}") for pair in crossings()])
@settings(UNHURRIED, max_examples=1)
@given(data=st.data())
def test_a_message_without_its_optional_fields_gets_their_defaults(link: str, message: type[msgspec.Struct], data: st.DataObject) -> None:
    required = {field.name: data.draw(values(field.type)) for field in fields_of(message) if field.required}
    bare = msgspec.to_builtins(required, builtin_types=(bytes,)) | {"type": message.__struct_config__.tag}
    assert carried(bare, CODECS[link]) == message(**required)


def test_every_message_crosses_a_link() -> None:
    assert set(messages().values()) - {message for _, message in crossings()} == set()


def test_all_that_comes_into_the_kernels_mailbox_may_cross_one_of_its_links() -> None:
    lets_in = {*get_args(LINKS["agent to kernel"]), *get_args(LINKS["supervisor to kernel"])}
    assert set(get_args(KernelMessage)) - lets_in == set()


@pytest.mark.parametrize("link", list(LINKS))
def test_a_link_refuses_what_only_others_let_in(link: str) -> None:
    foreign = {tag for tag, message in messages().items() if message not in get_args(LINKS[link])}
    for tag in sorted(foreign):
        with pytest.raises(msgspec.ValidationError, match="Invalid value"):
            carried({"type": tag}, CODECS[link])
