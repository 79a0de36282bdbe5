"""A sample as a terminal shows it. Text that hosts told is shown without control characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mailkeep_cli.output import plain
from mailkeep_cli.sizes import shown_size
from mailkeep_cli.top_sample import HostSample, Sample

_HOSTS = ("HOST", "STATE", "CONN", "SESS", "DELIV/s", "CMD/s", "LOGIN/s", "FAIL/s", "CPU", "MEM")
_COMMANDS = ("COMMAND", "PER SECOND", "MEAN")
_SLOW = ("ENDED", "HOST", "SLOW COMMAND", "TOOK", "SESSION")


def view(sample: Sample) -> RenderableType:
    """The whole of it."""
    parts: list[RenderableType] = [_head(sample), _table(_HOSTS, map(_host, sample.hosts)), _queue(sample)]
    if sample.commands:
        rows = [(one.command, f"{one.rate:.1f}", _time(one.mean_seconds)) for one in sample.commands]
        parts.append(_table(_COMMANDS, rows))
    if sample.slow:
        parts.append(
            _table(
                _SLOW,
                [
                    (f"{one.ended:%H:%M:%S}", one.host, one.command, _time(one.seconds), one.session)
                    for one in sample.slow
                ],
            )
        )
    return Group(*parts)


def _head(sample: Sample) -> Text:
    return Text(f"Mailkeep at {sample.at:%Y-%m-%d %H:%M:%S} UTC, rates over {sample.seconds:.1f} s", "bold")


def _queue(sample: Sample) -> Text:
    waiting = f"Queue: {sample.waiting} waiting, {sample.sending} on the wire, {sample.held} held"
    if sample.oldest_seconds:
        waiting += f", the oldest for {timedelta(seconds=round(sample.oldest_seconds))}"
    return Text(f"{waiting}. News for the API: {sample.outbox}.")


def _host(one: HostSample) -> tuple[str, ...]:
    if not one.workers:
        return (one.host, f"{one.address}: {one.state}", *[""] * 8)
    return (
        one.host if one.workers == 1 else f"{one.host} {one.workers_ready}/{one.workers}",
        one.state,
        str(one.connections),
        str(one.sessions),
        *(f"{rate:.1f}" for rate in (one.deliveries, one.commands, one.logins, one.failures)),
        f"{one.processor * 100:.0f}%",
        shown_size(one.memory),
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in titles:
        left = title in {"HOST", "STATE", "COMMAND", "SLOW COMMAND", "SESSION"}
        table.add_column(title, justify="left" if left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) if cell else Text("") for cell in row))
    return table


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
