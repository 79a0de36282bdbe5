"""Which figure counts, what a ratio says, and how a fault shows."""

from __future__ import annotations

import json

from bench.clients.wire import Unexpected
from bench.peers.rows import Result, Row, Unit
from bench.peers.running import run
from bench.peers.table import as_json, markdown

OURS = "Mailkeep, SQLite"


def result(unit: Unit, ours: list[float], theirs: list[float]) -> Result:
    return Result("a row", unit, {"Peer": theirs, OURS: ours})


def test_of_rates_the_highest_counts_and_more_is_better() -> None:
    row = result(Unit.RATE, [100, 300, 200], [50, 150])
    assert (row.best(OURS), row.best("Peer"), row.times_better(OURS, "Peer")) == (300, 150, 2)


def test_of_times_the_lowest_counts_and_less_is_better() -> None:
    row = result(Unit.MILLISECONDS, [8, 4], [2, 3])
    assert (row.best(OURS), row.best("Peer"), row.times_better(OURS, "Peer")) == (4, 2, 0.5)


def test_what_cannot_be_divided_has_no_ratio() -> None:
    assert result(Unit.KIB, [0], [500]).times_better(OURS, "Peer") is None
    assert result(Unit.KIB, [], [500]).times_better(OURS, "Peer") is None


def test_the_table() -> None:
    rates = result(Unit.RATE, [1234.5], [20.25])
    times = result(Unit.MILLISECONDS, [0.5], [0.25])
    assert markdown([rates, times], [OURS]).splitlines() == [
        "| Measurement | Peer | Peer's | Mailkeep, SQLite | times better |",
        "| --- | --- | ---: | ---: | ---: |",
        "| a row | Peer | 20.2/s | 1,234/s | 61 |",
        "| a row | Peer | 0.25 ms | 0.50 ms | 0.50 |",
    ]


async def test_servers_take_turns_and_a_fault_costs_one_column() -> None:
    order = []

    async def good() -> float:
        order.append("good")
        return 5.0

    async def bad() -> float:
        order.append("bad")
        raise ExceptionGroup("unhandled", [Unexpected("451 not now")])

    rows = [Row("a row", Unit.RATE, (("Peer", good), (OURS, bad)), rounds=2)]
    results = await run(rows, 60, lambda _: None)
    assert order == ["good", "bad", "good"]
    assert results[0].faults == {OURS: "Unexpected: 451 not now"}
    assert "| a row | Peer | 5.0/s | failed | none |" in markdown(results, [OURS])
    assert json.loads(as_json(results))["rows"][0]["figures"] == {"Peer": [5.0, 5.0]}


async def test_rows_that_time_does_not_allow_are_said_to_be_missing() -> None:
    async def never() -> float:
        raise AssertionError

    results = await run([Row("a row", Unit.RATE, ((OURS, never),), 1)], -1, lambda _: None)
    assert results[0].faults == {OURS: "out of time"}
