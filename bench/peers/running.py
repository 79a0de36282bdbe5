"""Running the rows: servers take turns, a fault costs one figure and not the run, and time is bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from bench.clients.wire import Unexpected
from bench.peers.rows import Measure, Result, Row

FIGURE_SECONDS = 60.0
"""The longest that one figure may take, filling its mailbox included."""


async def run(rows: Iterable[Row], seconds: float, tell: Callable[[str], None]) -> list[Result]:
    """All rows, or those that were begun within `seconds`."""
    deadline = time.monotonic() + seconds
    results = []
    for row in rows:
        result = Result(row.name, row.unit)
        results.append(result)
        began = time.monotonic()
        if began > deadline:
            result.faults = {column: "out of time" for column, _ in row.measures}
        else:
            await _run_row(row, result)
        tell(f"{time.monotonic() - began:6.1f} s  {row.name}")
    return results


async def _run_row(row: Row, result: Result) -> None:
    await asyncio.sleep(row.rest_seconds)
    for _ in range(row.rounds):
        for column, measure in row.measures:
            if column not in result.faults:
                await _figure(column, measure, result)


async def _figure(column: str, measure: Measure, result: Result) -> None:
    try:
        figure = await asyncio.wait_for(_awaited(measure), FIGURE_SECONDS)
    except (Unexpected, OSError, TimeoutError) as error:
        result.faults[column] = f"{type(error).__name__}: {error}"
    except ExceptionGroup as group:
        faults, others = group.split((Unexpected, OSError, TimeoutError))
        if others is not None or faults is None:
            raise
        result.faults[column] = f"{type(faults.exceptions[0]).__name__}: {faults.exceptions[0]}"
    else:
        result.figures.setdefault(column, []).append(figure)


async def _awaited(measure: Measure) -> float:
    return await measure()
