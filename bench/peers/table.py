"""The results as a Markdown table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bench.peers.rows import Result, Unit


def markdown(results: Sequence[Result], ours: Sequence[str]) -> str:
    """A line for each row and peer. The ratio says how many times better than the peer, 1 is equal."""
    titles = ["Measurement", "Peer", "Peer's", *(title for name in ours for title in (name, "times better"))]
    lines = [titles, ["---", "---", *["---:"] * (len(titles) - 2)]]
    for result in results:
        lines += [_line(result, peer, ours) for peer in _peers(result, ours)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _peers(result: Result, ours: Sequence[str]) -> list[str]:
    return [column for column in (result.figures | result.faults) if column not in ours]


def _line(result: Result, peer: str, ours: Sequence[str]) -> list[str]:
    cells = [result.name, peer, _figure(result, peer)]
    for name in ours:
        cells += [_figure(result, name), _ratio(result.times_better(name, peer))]
    return cells


def _figure(result: Result, column: str) -> str:
    best = result.best(column)
    if best is None:
        return "failed" if column in result.faults else "none"
    text = f"{best:,.0f}" if best >= 100 else f"{best:.1f}" if best >= 1 else f"{best:.2f}"
    return f"{text}{result.unit.value}" if result.unit is Unit.RATE else f"{text} {result.unit.value}"


def _ratio(times: float | None) -> str:
    return "none" if times is None else f"{times:.2f}" if times < 10 else f"{times:,.0f}"


def as_json(results: Sequence[Result]) -> str:
    """Every figure of every round."""
    rows = [
        {"name": row.name, "unit": row.unit.value, "figures": row.figures, "faults": row.faults}
        for row in results
    ]
    return json.dumps({"rows": rows}, indent=1)
