"""The numbers of a gateway: which there are, and the page on which Prometheus reads them.

One page has all processes of the gateway, told apart by `role` and `number`. Counters are those of a process since it began: one that
was replaced begins at 0 again, which Prometheus takes for what it is, and one that is not there has no numbers but `beaker_up`. Nothing
is carried over from a lost process, because what nobody could carry over the loss of the carrier would then be counted twice.

Source: Prometheus documentation, "Exposition formats", text format 0.0.4; "Instrumentation" and "Metric and label naming".
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from beaker.messages.figures import Figures, GatewayRole, Sample

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Figure(NamedTuple):
    """One kind of number."""

    kind: Literal["counter", "gauge"]
    words: str
    """What it is."""


UP: Final = "beaker_up"
CONVERSATIONS: Final = "beaker_conversations"

FIGURES: Final[Mapping[str, Figure]] = {
    UP: Figure("gauge", "Whether the process can be asked."),
    # Of every process.
    "beaker_process_starts_total": Figure("counter", "Processes that were started as this one: the first, and each that took its place."),
    "beaker_process_start_time_seconds": Figure("gauge", "When the process began, since the epoch."),
    "beaker_process_resident_memory_bytes": Figure("gauge", "Memory of the process."),
    "beaker_process_proportional_memory_bytes": Figure(
        "gauge", "Memory of the process, each page that others have too by its part: the sum over processes is what all of them take."
    ),
    "beaker_process_open_fds": Figure("gauge", "Descriptors that the process has open."),
    "beaker_process_cpu_seconds_total": Figure("counter", "CPU time of the process."),
    "beaker_mailbox_messages": Figure("gauge", "Messages that wait in the mailboxes of the actors of this name."),
    "beaker_dead_letters_total": Figure("counter", "Messages that reached no actor."),
    # Of the registry.
    "beaker_kernels": Figure("gauge", "Kernels of the gateway."),
    "beaker_sessions": Figure("gauge", "Sessions of the gateway: documents with a kernel."),
    "beaker_kernels_started_total": Figure("counter", "Kernels that were started."),
    "beaker_kernels_ended_total": Figure("counter", "Kernels that have ended."),
    "beaker_kernels_culled_total": Figure("counter", "Kernels that were ended because nobody used them."),
    "beaker_kernel_restarts_total": Figure("counter", "Fresh sessions of kernels, wanted or after a death."),
    "beaker_not_saving": Figure("gauge", "Whether kernels and sessions cannot be written down at the moment, as on a full disk."),
    # Of hosts.
    "beaker_host_kernels": Figure("gauge", "Kernels of the host, by how they are."),
    "beaker_host_connections": Figure("gauge", "Websockets of the kernels of the host."),
    "beaker_kept_bytes": Figure("gauge", "What is kept of messages for clients that have not got them."),
    "beaker_messages_dropped_total": Figure("counter", "Messages that could not be kept for a client, which is told so."),
    # Of agent hosts.
    CONVERSATIONS: Figure("gauge", "Conversations of kernels that the agent host has."),
    "beaker_conversations_opened_total": Figure("counter", "Conversations that were opened."),
    # Of workers.
    "beaker_websockets": Figure("gauge", "Websockets that are open."),
    "beaker_websockets_opened_total": Figure("counter", "Websockets that were opened."),
    "beaker_websockets_too_slow_total": Figure("counter", "Websockets closed as too slow."),
    "beaker_websockets_behind_total": Figure("counter", "Times that a websocket fell behind."),
    "beaker_messages_malformed_total": Figure("counter", "Messages of clients that were dropped."),
    "beaker_messages_total": Figure("counter", "Messages on websockets."),
    "beaker_message_bytes_total": Figure("counter", "Bytes of messages on websockets."),
    "beaker_requests_total": Figure("counter", "HTTP requests that were answered."),
}


def page(processes: Iterable[Figures], *, workers: int) -> str:
    """All numbers, by their names, as the format wants them.

    Args:
        processes: those that have answered; one without numbers is there and has not. An agent host is not missed where it is none of them,
            as it comes with the first question and leaves behind the last, nor is the guardian, with whom all would be gone.
        workers: how many there are to be, and as many hosts.
    """
    expected: list[tuple[GatewayRole, int]] = [
        ("registry", 0),
        *(("host", number) for number in range(workers)),
        *(("worker", number) for number in range(workers)),
    ]
    youngest: dict[tuple[GatewayRole, int], Figures] = {}
    for figures in sorted(processes, key=lambda each: each.started_at):
        youngest[figures.role, figures.number] = figures
    by_name: dict[str, list[str]] = {name: [] for name in FIGURES}
    beside: tuple[GatewayRole, ...] = ("guardian", "agent-host")
    for role, number in [*expected, *sorted(each for each in youngest if each[0] in beside)]:
        found = youngest.get((role, number))
        up = Sample(name=UP, value=float(found is not None and bool(found.samples)))
        for sample in [up, *(found.samples if found is not None else ())]:
            if sample.name in by_name:
                labels = _written({"role": role, "number": str(number), **sample.labels})
                by_name[sample.name].append(f"{sample.name}{labels} {_number(sample.value)}")
    lines: list[str] = []
    for name, figure in FIGURES.items():
        if by_name[name]:
            lines += [f"# HELP {name} {figure.words}", f"# TYPE {name} {figure.kind}", *by_name[name]]
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _written(labels: Mapping[str, str]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"
