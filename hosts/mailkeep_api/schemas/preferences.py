"""Preferences on the wire. Only the words that clients know are taken."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from mailkeep.model.preferences import Preferences
from mailkeep_api.schemas import Flag, Instant, Number, Shape

Theme = Literal["light", "dark", "system"]
Density = Literal["compact", "comfortable", "spacious"]
Sort = Literal["receivedAt-asc", "receivedAt-desc", "subject-asc", "subject-desc", "from-asc", "from-desc"]
Frequency = Literal["daily", "weekly"]

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"


def _time(text: str) -> str:
    return text if len(text) == len("HH:mm:ss") else f"{text}:00"


TimeOfDay = Annotated[str, Field(max_length=8, pattern=_TIME), AfterValidator(_time)]


class ShownPreferences(Shape):
    """All of them. Those of a user who saved none have the zero id."""

    id: UUID
    user_id: UUID
    theme: str
    display_density: str
    emails_per_page: int
    default_sort: str
    show_preview: bool
    group_by_date: bool
    desktop_notifications: bool
    email_digest: bool
    digest_frequency: str
    digest_time: str
    updated_at: Instant

    @classmethod
    def of(cls, user_id: UUID, preferences: Preferences, now: Instant) -> ShownPreferences:
        """The stored ones, or the defaults as of now."""
        known = {field.name: getattr(preferences, field.name) for field in fields(preferences)}
        return cls(**{**known, "user_id": user_id, "updated_at": preferences.updated_at or now})


class PreferencesChange(Shape):
    """Any of them; what is absent or null stays."""

    theme: Theme | None = None
    display_density: Density | None = None
    emails_per_page: Annotated[Number, Field(ge=10, le=100)] | None = None
    default_sort: Sort | None = None
    show_preview: Flag | None = None
    group_by_date: Flag | None = None
    desktop_notifications: Flag | None = None
    email_digest: Flag | None = None
    digest_frequency: Frequency | None = None
    digest_time: TimeOfDay | None = None
