"""A bar with rate and time left on a terminal's standard error, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(
    title: str, total: float | None = None, *, octets: bool = False
) -> Iterator[Callable[[float], None]]:
    """Yields the function that is told how much more was done. Without a total there is no end to tell."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    from rich import progress as bars  # noqa: PLC0415  only a terminal pays for it
    from rich.console import Console  # noqa: PLC0415

    rate = (bars.DownloadColumn(), bars.TransferSpeedColumn()) if octets else (bars.MofNCompleteColumn(),)
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), *rate, bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(title, total=total)
        yield lambda more: shown.advance(task, more)
