"""Settings of the way in, for all hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from mailkeep.settings_reception import check_networks


@dataclass(frozen=True, slots=True)
class NetSettings:
    """Connections from `trusted_proxies` begin with a PROXY header, and come from whom that names."""

    trusted_proxies: tuple[str, ...] = ()
    proxy_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_networks("trusted_proxies", self.trusted_proxies)
