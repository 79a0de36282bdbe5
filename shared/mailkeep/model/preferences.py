"""How a user wants their mail shown and told of, as the clients of the REST contract keep it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

NEVER_SAVED = UUID(int=0)  # the contract's id for preferences that nobody saved


@dataclass(frozen=True, slots=True)
class Preferences:
    """Values are the contract's own words; the defaults are those of a user who never chose."""

    id: UUID = NEVER_SAVED
    theme: str = "system"
    display_density: str = "comfortable"
    emails_per_page: int = 20
    default_sort: str = "receivedAt-desc"
    show_preview: bool = True
    group_by_date: bool = False
    desktop_notifications: bool = False
    email_digest: bool = False
    digest_frequency: str = "daily"
    digest_time: str = "09:00:00"
    updated_at: datetime | None = None
