"""The page of numbers that Prometheus reads."""

from beaker.gateway.figures import FIGURES, page
from beaker.messages.figures import Figures, Sample


def worker(number: int, *samples: Sample, started_at: float = 1.0) -> Figures:
    """What a worker tells."""
    return Figures(role="worker", number=number, started_at=started_at, samples=[*samples])


def asked(count: int, status: str = "200") -> Sample:
    """So many requests."""
    return Sample(name="beaker_requests_total", value=count, labels={"method": "GET", "status": status})


def lines(*processes: Figures, of: str, workers: int = 2) -> list[str]:
    """The page's lines about one number."""
    return [line for line in page(processes, workers=workers).splitlines() if line.split(" ")[0].split("{")[0] == of or f" {of} " in line]


def test_the_same_number_of_all_processes_stands_together_below_one_headline() -> None:
    assert lines(worker(1, asked(5)), worker(0, asked(2), asked(1, "404")), of="beaker_requests_total") == [
        "# HELP beaker_requests_total HTTP requests that were answered.",
        "# TYPE beaker_requests_total counter",
        'beaker_requests_total{role="worker",number="0",method="GET",status="200"} 2',
        'beaker_requests_total{role="worker",number="0",method="GET",status="404"} 1',
        'beaker_requests_total{role="worker",number="1",method="GET",status="200"} 5',
    ]


def test_a_process_that_did_not_answer_has_no_numbers_but_that_it_is_not_up() -> None:
    up = [line for line in lines(worker(1, asked(5)), of="beaker_up") if not line.startswith("#")]
    assert [(line.split("{")[1].split("}")[0], line[-1]) for line in up] == [
        ('role="registry",number="0"', "0"),
        ('role="host",number="0"', "0"),
        ('role="host",number="1"', "0"),
        ('role="worker",number="0"', "0"),
        ('role="worker",number="1"', "1"),
    ]
    assert len(lines(worker(1, asked(5)), of="beaker_requests_total")) == 3


def test_an_agent_host_and_the_guardian_are_not_missed_but_one_that_is_there_and_silent_is_not_up() -> None:
    silent = Figures(role="agent-host", number=0, started_at=0.0, samples=[])
    there = Figures(role="agent-host", number=1, started_at=1.0, samples=[Sample(name="beaker_conversations", value=2)])
    # Of an agent host of two kernel hosts one may have had no answer.
    found = lines(there, silent, Figures(role="agent-host", number=1, started_at=0.0, samples=[]), of="beaker_up", workers=0)
    assert found[2:] == [
        'beaker_up{role="registry",number="0"} 0',
        'beaker_up{role="agent-host",number="0"} 0',
        'beaker_up{role="agent-host",number="1"} 1',
    ]


def test_while_a_worker_is_replaced_no_series_stands_twice_and_the_new_one_has_it() -> None:
    found = lines(worker(0, asked(7), started_at=2.0), worker(0, asked(900), started_at=1.0), of="beaker_requests_total")
    assert found[2:] == ['beaker_requests_total{role="worker",number="0",method="GET",status="200"} 7']


def test_labels_are_escaped_and_numbers_whole_where_they_are() -> None:
    odd = Sample(name="beaker_mailbox_messages", value=2.5, labels={"actor": 'a"b\\c\nd'})
    assert lines(worker(0, odd), of="beaker_mailbox_messages")[2:] == [
        'beaker_mailbox_messages{role="worker",number="0",actor="a\\"b\\\\c\\nd"} 2.5'
    ]


def test_a_number_that_is_not_in_the_table_is_not_shown_and_counters_are_named_as_such() -> None:
    assert "beaker_other" not in page([worker(0, Sample(name="beaker_other", value=1))], workers=1)
    assert [name for name, figure in FIGURES.items() if (figure.kind == "counter") != name.endswith("_total")] == []
