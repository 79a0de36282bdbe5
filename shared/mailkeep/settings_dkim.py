"""Settings of DKIM signing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DkimSettings:
    """`directory` holds the private keys, as DOMAIN/SELECTOR.pem; empty: `dkim` in the data directory."""

    directory: str = ""

    def keys_directory(self, data_dir: str) -> Path:
        """Where the keys lie."""
        return Path(self.directory) if self.directory else Path(data_dir) / "dkim"
