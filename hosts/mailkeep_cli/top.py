"""`mailkeep top`: the hosts at work, in a terminal. It reads what they tell every scraper, and no store."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mailkeep.errors import SettingsError
from mailkeep.net.listen import Endpoint
from mailkeep.settings import MetricsSettings, load_settings
from mailkeep_cli.context import PlainError
from mailkeep_cli.output import show_done
from mailkeep_cli.top_reading import Reading, read_all
from mailkeep_cli.top_sample import Sample, sample
from mailkeep_cli.up_plan import LARGEST_PORT_BASE, OPERATORS, operators_of, reachable

HINT = (
    "Start the hosts with [metrics] addresses in their settings, and name the settings with --config, or an"
    " address with --at HOST:PORT."
)


@click.command()
@click.option("--config", metavar="FILE", help="The hosts' settings file. [env: MAILKEEP_CONFIG]")
@click.option(
    "--at",
    "places",
    multiple=True,
    metavar="HOST:PORT",
    help="Where a host answers its operators, in place of the settings' [metrics]; may be given often.",
)
@click.option(
    "--port-base",
    type=click.IntRange(0, LARGEST_PORT_BASE),
    default=2000,
    show_default=True,
    help="Of the `mailkeep up` to watch, where no settings name an address.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.2, 60),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks: what the rates are over.",
)
@click.option("--once", is_flag=True, help="Show one interval and end.")
@click.option("--json", "as_json", is_flag=True, help="One interval in JSON, and end.")
def top(**given: Any) -> None:
    """Watch the hosts at work: sessions, rates, the queue, which commands take the time, and slow ones.

    It asks each host where [metrics] says that it answers; a host of several workers answers for all of them.
    Rates are a second's. Ctrl-C ends it.

    \b
    Examples:
      mailkeep top --config /etc/mailkeep/mailkeep.toml
      mailkeep top --at 10.0.0.5:9301 --at 10.0.0.6:9303
      mailkeep top --json | jq .waiting
    """
    endpoints = _endpoints(given["config"], given["places"], given["port_base"])
    watch = _Watch(endpoints, given["interval"])
    if given["as_json"]:
        show_done(asdict(watch.look()), "", as_json=True)
    elif given["once"] or not sys.stdout.isatty():
        _print(watch.look())
    else:
        _live(watch)


def _endpoints(config: str | None, places: Sequence[str], port_base: int) -> list[Endpoint]:
    try:
        if places:
            return [Endpoint.parse(place) for place in places]
        told = _told(load_settings(Path(config) if config else None).metrics)
    except SettingsError as error:
        raise PlainError(str(error), "Mend it and try again.") from None
    return told or [endpoint for _, endpoint in operators_of(port_base)]


def _told(metrics: MetricsSettings) -> list[Endpoint]:
    """A host answers the same at each of its addresses."""
    first = [Endpoint.parse(getattr(metrics, host)[0]) for host in OPERATORS if getattr(metrics, host)]
    return [Endpoint(reachable(one.host), one.port) for one in first]


class _Watch:
    """Looks again and again; each look is compared with the one before. Raises PlainError if no host answers
    at the first."""

    def __init__(self, endpoints: Sequence[Endpoint], interval: float) -> None:
        self._endpoints = endpoints
        self._interval = interval
        self._before = read_all(endpoints)
        if not any(isinstance(one, Reading) for one in self._before):
            where = ", ".join(map(str, endpoints))
            raise PlainError(f"No Mailkeep host answers at {where}.", HINT)

    def look(self) -> Sample:
        """After an interval."""
        time.sleep(self._interval)
        before, self._before = self._before, read_all(self._endpoints)
        return sample([str(one) for one in self._endpoints], before, self._before)


def _print(taken: Sample) -> None:
    from rich.console import Console  # noqa: PLC0415  a fifth of a second, for who sees it

    from mailkeep_cli.top_view import view  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(view(taken))


def _live(watch: _Watch) -> None:
    from rich.live import Live  # noqa: PLC0415

    from mailkeep_cli.top_view import view  # noqa: PLC0415

    try:
        with Live(screen=True, auto_refresh=False) as live:
            while True:
                live.update(view(watch.look()), refresh=True)
    except KeyboardInterrupt:
        return
