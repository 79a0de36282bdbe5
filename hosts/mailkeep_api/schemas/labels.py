"""Labels on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from mailkeep.model.label import Label
from mailkeep_api.schemas import Instant, Number, Shape

NAME_LIMIT = 100
COLOR_LIMIT = 20
_INT32 = 2**31

Name = Annotated[str, Field(max_length=NAME_LIMIT)]
Color = Annotated[str, Field(max_length=COLOR_LIMIT)]
SortOrder = Annotated[Number, Field(ge=-_INT32, lt=_INT32)]


class ShownLabel(Shape):
    """One label of the caller's. `keyword` is what mail programs see."""

    id: UUID
    name: str
    color: str
    sort_order: int
    keyword: str
    created_at: Instant

    @classmethod
    def of(cls, label: Label) -> ShownLabel:
        """A stored one."""
        return cls(
            id=label.id,
            name=label.name,
            color=label.color,
            sort_order=label.sort_order,
            keyword=label.keyword,
            created_at=label.created_at,
        )


class NewLabel(Shape):
    """A name that the caller has not used yet."""

    name: Name
    color: Color
    sort_order: SortOrder | None = None


class LabelChange(Shape):
    """What is absent or null stays."""

    name: Name | None = None
    color: Color | None = None
    sort_order: SortOrder | None = None


class LabelAssignment(Shape):
    """Which label a message gets."""

    label_id: UUID
