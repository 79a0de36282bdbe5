"""A label: a keyword that messages carry, with the name and the colour that its user gave it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

LABELS_LIMIT = 500  # of one user: a client shows them all


@dataclass(frozen=True, slots=True)
class Label:
    """`keyword` is what IMAP clients see; it stays when the label is renamed."""

    id: UUID
    name: str
    color: str
    sort_order: int
    keyword: str
    created_at: datetime
