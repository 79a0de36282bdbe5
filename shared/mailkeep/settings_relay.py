"""Settings of relaying: how mail for other domains leaves, and when we give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`route` is "direct" (each domain's own servers), "smarthost", or "off" (nothing leaves)."""

    route: Literal["direct", "smarthost", "off"] = "off"
    expire_seconds: Seconds = 5 * DAY  # RFC 5321 section 4.5.4.1: at least four or five days
    run_queue: bool = True  # False: this host fills the queue, and others empty it
