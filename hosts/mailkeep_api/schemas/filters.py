"""Filters on the wire. What is not set is left out of answers: clients take null for a condition."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from mailkeep.model.mail_filter import MailFilter
from mailkeep.storage.interface.filters import FilterChange as Change
from mailkeep_api.schemas import Flag, Instant, Number, Shape

NAME_LIMIT = 200
HEAD_LIMIT = 500  # characters of a text that is looked for in sender or subject
BODY_LIMIT = 1000
_INT32 = 2**31

Name = Annotated[str, Field(max_length=NAME_LIMIT)]
HeadText = Annotated[str, Field(max_length=HEAD_LIMIT)]
BodyText = Annotated[str, Field(max_length=BODY_LIMIT)]
Priority = Annotated[Number, Field(ge=-_INT32, lt=_INT32)]

# Column of the store -> member here.
_CONDITIONS = {
    "sender": "from_address_contains",
    "subject": "subject_contains",
    "body": "body_contains",
    "has_attachments": "has_attachments",
}
_ACTIONS = {"mark_read": "mark_as_read", "label_id": "assign_label_id", "discard": "delete"}
_OTHERS = {"enabled": "is_enabled", "priority": "priority"}
_UNSET: dict[str, Change] = {
    "sender": "",
    "subject": "",
    "body": "",
    "has_attachments": None,
    "mark_read": False,
    "label_id": None,
    "discard": False,
}


class ShownFilter(Shape):
    """One filter of the caller's."""

    id: UUID
    name: str
    is_enabled: bool
    priority: int
    from_address_contains: str | None = None
    subject_contains: str | None = None
    body_contains: str | None = None
    has_attachments: bool | None = None
    mark_as_read: bool
    assign_label_id: UUID | None = None
    assign_label_name: str | None = None
    assign_label_color: str | None = None
    delete: bool
    created_at: Instant
    last_applied_at: Instant | None = None
    times_applied: int

    @classmethod
    def of(cls, one: MailFilter) -> ShownFilter:
        """A stored one."""
        return cls(
            id=one.id,
            name=one.name,
            is_enabled=one.enabled,
            priority=one.priority,
            from_address_contains=one.sender or None,
            subject_contains=one.subject or None,
            body_contains=one.body or None,
            has_attachments=one.has_attachments,
            mark_as_read=one.mark_read,
            assign_label_id=one.label.id if one.label else None,
            assign_label_name=one.label.name if one.label else None,
            assign_label_color=one.label.color if one.label else None,
            delete=one.discard,
            created_at=one.created_at,
            last_applied_at=one.last_applied_at,
            times_applied=one.times_applied,
        )


class FilterChange(Shape):
    """With a name, this is the whole filter: conditions and actions that are absent are not set any more, so
    that an editor can clear them by leaving them out. Without, what is absent or null stays."""

    name: Name | None = None
    is_enabled: Flag | None = None
    priority: Priority | None = None
    from_address_contains: HeadText | None = None
    subject_contains: HeadText | None = None
    body_contains: BodyText | None = None
    has_attachments: Flag | None = None
    mark_as_read: Flag | None = None
    assign_label_id: UUID | None = None
    delete: Flag | None = None

    def columns(self) -> dict[str, Change]:
        """What changes, by the store's names."""
        given: dict[str, Change] = {} if self.name is None else {**_UNSET, "name": self.name}
        for column, member in {**_CONDITIONS, **_ACTIONS, **_OTHERS}.items():
            value = getattr(self, member)
            if value is not None:
                given[column] = value
        return given


class NewFilter(FilterChange):
    """What is absent is not set; a filter is enabled unless it says otherwise."""

    name: Name


class FilterTest(Shape):
    """Which of the newest messages a filter matches."""

    match_count: int
    matched_email_ids: list[UUID]
