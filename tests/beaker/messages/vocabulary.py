"""All messages as the tests of this folder walk them: by module, by union, and by the link that they cross."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
from msgspec import inspect

from beaker.messages.agent_host import AgentHostReply, AgentHostRequest
from beaker.messages.base import Command, Event, Failure, Message, Request
from beaker.messages.figures import TellFigures
from beaker.messages.host import HostReply, HostRequest
from beaker.messages.registry import GuardianReply, GuardianRequest, HostSaid, RegistryReply, WorkerRequest
from beaker.messages.subkernel import SubkernelEvent, SupervisorMessage, SupervisorReply
from beaker.messages.turn import FromAgent, ToAgent

FOLDER = Path(__file__).resolve().parents[3] / "beaker" / "messages"
KINDS = (Command, Request, Event, Failure)

LINKS: dict[str, Any] = {  # Any: a union is not a type that annotations can name
    "agent to kernel": FromAgent,
    "kernel to agent": ToAgent,
    "kernel to supervisor": SupervisorMessage,
    "gateway worker to registry": WorkerRequest,
    "registry to gateway worker": RegistryReply | TellFigures,
    "guardian to registry": GuardianRequest,
    "registry to guardian": GuardianReply,
    "host to registry": HostSaid | HostReply,
    "registry or gateway worker to host": HostRequest,
    "host to gateway worker": HostReply,
    "host to agent host": AgentHostRequest,
    "agent host to host": AgentHostReply,
    "supervisor to kernel": SubkernelEvent | SupervisorReply,
}
"""What may come out of each end of a link: the unions for which the roles make their codecs."""


def modules() -> list[ModuleType]:
    """All of the vocabulary."""
    return [importlib.import_module(f"beaker.messages.{file.stem}") for file in sorted(FOLDER.glob("*.py"))]


def structs() -> list[type[msgspec.Struct]]:
    """Every Struct that they define: messages, and what messages are made of."""
    found = [value for module in modules() for value in vars(module).values() if _is_of(value, module.__name__)]
    return [struct for struct in found if struct not in (Message, *KINDS)]


def _is_of(value: object, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module


def messages() -> dict[str, type[msgspec.Struct]]:
    """Those that actors send, by their tags."""
    return {str(struct.__struct_config__.tag): struct for struct in structs() if struct.__struct_config__.tag is not None}


def parts() -> dict[str, type[msgspec.Struct]]:
    """Those that stand within messages, by name."""
    return {struct.__name__: struct for struct in structs() if struct.__struct_config__.tag is None}


def crossings() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Every link with every message that crosses it."""
    for link, union in LINKS.items():
        for message in get_args(union):
            yield link, message


def fields_of(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """The fields with their types and defaults."""
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)
    return described.fields
