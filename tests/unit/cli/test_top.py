"""What `mailkeep top` says where there is nothing to watch, and of what hosts say of themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner
from rich.console import Console

from mailkeep.net.listen import Endpoint
from mailkeep.observe.timed import Slow
from mailkeep_cli.main import main
from mailkeep_cli.top_reading import Reading, Silence, read
from mailkeep_cli.top_sample import sample
from mailkeep_cli.top_view import view


def reading(at: float, host: str = "smtp", objection: str = "", **values: float) -> Reading:
    told = {(name, ()): value for name, value in values.items()}
    return Reading(at, host, objection, told, [Slow(1.8e9, 2.5, "IMAP SEARCH", "0123456789ab")])


@contextmanager
def answering(body: bytes) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not on the test's output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Endpoint("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def test_where_no_host_answers_it_says_so_and_the_way_out() -> None:
    with answering(b"") as gone:
        pass
    ran = CliRunner().invoke(main, ["top", "--at", str(gone), "--once"])
    assert ran.exit_code == 1
    assert f"Error: No Mailkeep host answers at {gone}." in ran.output
    assert "--at HOST:PORT" in ran.output


def test_an_address_that_is_none_is_refused_in_words() -> None:
    ran = CliRunner().invoke(main, ["top", "--at", "here"])
    assert ran.exit_code == 1
    assert "has the form host:port" in ran.output


@pytest.mark.parametrize("body", [b"<html>", b"a_metric 1\n", b"\xff\xfe", b""])
def test_what_is_no_host_is_no_answer(body: bytes) -> None:
    with answering(body) as place:
        assert read(place) == Silence("What answers is no Mailkeep host of this version.")


def test_a_rate_is_what_was_counted_between_two_looks() -> None:
    before = reading(10.0, mailkeep_delivered_messages_total=100, process_cpu_seconds_total=5)
    after = reading(12.0, mailkeep_delivered_messages_total=150, process_cpu_seconds_total=6)
    (host,) = sample(["a:1"], [before], [after]).hosts
    assert (host.deliveries, host.processor) == (25.0, 0.5)


def test_of_a_host_that_was_started_again_meanwhile_nothing_is_made_up() -> None:
    before = reading(10.0, mailkeep_delivered_messages_total=100)
    after = reading(12.0, mailkeep_delivered_messages_total=60)
    (host,) = sample(["a:1"], [before], [after]).hosts
    assert host.deliveries == 0


def test_hosts_that_are_silent_or_not_ready_say_why_and_steer_no_terminal() -> None:
    told = [Silence("No answer."), reading(12.0, "imap", "The database\x1b[2J does not answer.")]
    taken = sample(["a:1", "b:2"], told, told)
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(view(taken))
    shown = console.export_text()
    assert "a:1: No answer." in shown
    assert "The database\N{REPLACEMENT CHARACTER}[2J does not answer." in shown
    assert "IMAP SEARCH" in shown
    assert "2.50 s" in shown
