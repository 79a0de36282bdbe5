"""The JSON shapes of the REST contract: camelCase out, absent and null alike in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """Base of every shape: frozen, camelCase on the wire, unknown members ignored."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        ser_json_timedelta="float",
    )


Flag = Annotated[bool, Field(strict=True)]
"""A truth value of a request: true or false, and nothing that could be taken for it."""

Number = Annotated[int, Field(strict=True)]
"""A whole number of a request: no truth value, no text."""

Instant = datetime
"""RFC 3339 with an offset; always UTC when we write it."""
