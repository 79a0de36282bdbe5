"""`python -m bench.peers`: start all servers, measure them in turns, print the table, stop them all."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click
import uvloop

from bench.peers.dovecot import Dovecot
from bench.peers.mailkeep import Mailkeep
from bench.peers.measurements import QUICK, Measurements, Scale, Servers
from bench.peers.peer import PeerFault
from bench.peers.postfix import Postfix
from bench.peers.running import run
from bench.peers.table import as_json, markdown


@click.command()
@click.option("--quick", is_flag=True, help="Less of everything, in under two minutes.")
@click.option("--only", default="", help="Only rows whose name contains this.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("build/bench-peers.json"),
    show_default=True,
    help="Every figure of every round.",
)
def main(*, quick: bool, only: str, json_file: Path) -> None:
    """Mailkeep beside Dovecot and Postfix. Needs root, Debian's packages of both, and PostgreSQL.

    The table goes to standard output, progress to standard error. Exits with 1 if a figure failed.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop everything as Ctrl-C does
    scale = QUICK if quick else Scale()
    json_file.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            servers = start(stack)
        except PeerFault as fault:
            raise click.ClickException(str(fault)) from None
        rows = [row for row in Measurements(servers, scale).rows() if only.lower() in row.name.lower()]
        results = uvloop.run(run(rows, scale.deadline_seconds, lambda text: click.echo(text, err=True)))
        json_file.write_text(as_json(results))
        click.echo(markdown(results, [peer.name for peer in servers.ours]))
    said = [f"{row.name}: {column}: {text}" for row in results for column, text in row.faults.items()]
    for line in said:
        click.echo(line, err=True)
    sys.exit(bool(said))


def start(stack: ExitStack) -> Servers:
    """All servers, to be stopped with the stack. Raises PeerFault."""
    shipped = stack.enter_context(Dovecot("sdbox"))
    return Servers(
        shipped,
        stack.enter_context(Dovecot("sdbox", "reused")),
        stack.enter_context(Dovecot("maildir")),
        stack.enter_context(Postfix(shipped.ports["lmtp"])),
        (stack.enter_context(Mailkeep("SQLite")), stack.enter_context(Mailkeep("PostgreSQL"))),
    )


if __name__ == "__main__":
    main()
