"""A row of the table: what is measured, of whom, in which unit, and which figures are better."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Unit(Enum):
    """The unit of a row's figures; more of a rate is better, less of anything else."""

    RATE = "/s"
    MILLISECONDS = "ms"
    KIB = "KiB"


Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Row:
    """`measures` are by column: the peer's name or Mailkeep's. They take turns, `rounds` times, when all
    have rested."""

    name: str
    unit: Unit
    measures: Sequence[tuple[str, Measure]]
    rounds: int
    rest_seconds: float = 0.0


@dataclass(slots=True)
class Result:
    """The figures of a row by column, in the order of the rounds; and what went wrong."""

    name: str
    unit: Unit
    figures: dict[str, list[float]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def best(self, column: str) -> float | None:
        """The column's best figure: a busy machine only ever makes figures worse."""
        figures = self.figures.get(column)
        if not figures or column in self.faults:
            return None
        return max(figures) if self.unit is Unit.RATE else min(figures)

    def times_better(self, column: str, peer: str) -> float | None:
        """How many times better the column is than the peer: below 1 it is worse."""
        ours, theirs = self.best(column), self.best(peer)
        if ours is None or theirs is None or min(ours, theirs) <= 0:
            return None
        return ours / theirs if self.unit is Unit.RATE else theirs / ours
