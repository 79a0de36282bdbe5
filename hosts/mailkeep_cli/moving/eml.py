"""Files with one message each: those that are named, and all *.eml below directories that are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mailkeep_cli.moving.carried import Carried, TooLarge, with_crlf


class EmlSource:
    """Their dates are those in the messages."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises OSError."""
        self._files = [
            file for path in paths for file in (sorted(path.rglob("*.eml")) if path.is_dir() else [path])
        ]
        self.weight = sum(file.stat().st_size for file in self._files)

    def messages(self, limit: int) -> Iterator[Carried | TooLarge]:
        """See Source."""
        for file in self._files:
            size = file.stat().st_size
            if size > limit:
                yield TooLarge(str(file), size)
            else:
                yield Carried("", with_crlf(file.read_bytes()), str(file), size)
