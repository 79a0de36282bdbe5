"""`python -m bench ...`: one measurement of one server, as one JSON object on standard output."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import click
import uvloop

from bench.clients import appends, commands, deliveries, endtoend, fetch, idle, logins, memory, pop3
from bench.clients.wire import Server

TLS = click.Choice(["none", "starttls", "implicit"])


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """--host, --port, --tls, --user and --password, given to the command as one `server`."""

    @functools.wraps(command)
    def with_server(**given: Any) -> None:
        server = Server(*(given.pop(name) for name in ("host", "port", "tls", "user", "password")))
        command(server, **given)

    made: Callable[..., None] = with_server
    for option in (
        click.option("--password", default="", envvar="BENCH_PASSWORD", help="Better in BENCH_PASSWORD."),
        click.option("--user", default="demo@example.test"),
        click.option("--tls", type=TLS, default="none"),
        click.option("--port", type=int, required=True),
        click.option("--host", default="127.0.0.1"),
    ):
        made = option(made)
    return made


def show(measurement: Coroutine[Any, Any, dict[str, object]]) -> None:
    """Run it and print its result."""
    click.echo(json.dumps(uvloop.run(measurement)))


@click.group()
def main() -> None:
    """Measure a mail server on this machine or network. Compare servers in one run, side by side."""


@main.command("deliveries")
@server_options
@click.option("--anonymous/--authenticated", default=True, help="As an MTA, or as a user who submits.")
@click.option("--sender", default="sender@bench.test")
@click.option("--to", default="demo@example.test")
@click.option("--messages", "count", default=2000)
@click.option("--sessions", default=10)
@click.option("--size", default=4096)
@click.option("--per-connection", default=1_000_000, help="1 is a connection for each message.")
@click.option("--protocol", type=click.Choice(["smtp", "lmtp"]), default="smtp")
def deliveries_command(server: Server, *, anonymous: bool, protocol: str, **load: Any) -> None:
    """SMTP transactions per second."""
    sender = replace(server, user="", protocol=protocol) if anonymous else server
    show(deliveries.measure(sender, deliveries.Load(**load)))


@main.command("end-to-end")
@server_options
@click.option("--smtp-port", type=int, required=True)
@click.option("--sender", default="sender@bench.test")
@click.option("--to", default="demo@example.test")
@click.option("--messages", "count", default=2000)
@click.option("--sessions", default=10)
@click.option("--size", default=4096)
def end_to_end_command(server: Server, *, smtp_port: int, **load: Any) -> None:
    """Messages per second from SMTP until IMAP shows them."""
    show(endtoend.measure(server, Server(server.host, smtp_port), deliveries.Load(**load)))


@main.command("logins")
@server_options
@click.option("--logins", "count", default=1000)
@click.option("--sessions", default=10)
def logins_command(server: Server, *, count: int, sessions: int) -> None:
    """IMAP logins per second, all with one key: only the first is verified anew."""
    show(logins.measure(server, count=count, sessions=sessions))


@main.command("commands")
@server_options
@click.option("--batches", default=40, help=f"Of {commands.AT_ONCE} commands.")
def commands_command(server: Server, *, batches: int) -> None:
    """Small IMAP commands per second, pipelined."""
    show(commands.measure(server, batches=batches))


@main.command("appends")
@server_options
@click.option("--mailboxes", default=1, help="With a connection to each.")
@click.option("--messages", "count", default=1000)
@click.option("--size", default=4096)
def appends_command(server: Server, *, mailboxes: int, count: int, size: int) -> None:
    """IMAP APPEND per second."""
    show(appends.measure(server, mailboxes=mailboxes, count=count, size=size))


@main.command("fetch")
@server_options
@click.option("--mailbox", default="Bench", help="Is filled; use it for nothing else.")
@click.option("--messages", default=10_000)
@click.option("--size", default=4096)
@click.option("--rounds", default=3)
def fetch_command(server: Server, **rest: Any) -> None:
    """IMAP FETCH, SEARCH and STORE over one mailbox."""
    show(fetch.measure(server, **rest))


@main.command("idle")
@server_options
@click.option("--smtp-port", type=int, required=True)
@click.option("--sender", default="sender@bench.test")
@click.option("--to", default="demo@example.test")
@click.option("--messages", default=100)
@click.option("--pause", default=0.02, help="Seconds between messages.")
def idle_command(server: Server, *, smtp_port: int, **rest: Any) -> None:
    """Milliseconds until IDLE hears of a delivery."""
    show(idle.measure(server, Server(server.host, smtp_port), **rest))


@main.command("memory")
@server_options
@click.option("--pid", "pids", type=int, multiple=True, required=True)
@click.option("--connections", default=1000)
def memory_command(server: Server, *, pids: tuple[int, ...], connections: int) -> None:
    """KiB per idle IMAP connection."""
    show(memory.measure(server, pids=lambda: pids, connections=connections))


@main.command("pop3")
@server_options
@click.option("--logins", "count", default=500)
@click.option("--rounds", default=3)
def pop3_command(server: Server, *, count: int, rounds: int) -> None:
    """POP3 logins and RETR per second, over a maildrop that is filled already."""
    click.echo(json.dumps(pop3.measure(server, logins=count, rounds=rounds)))


if __name__ == "__main__":
    main()
