"""What a check can come to, in the words that Authentication-Results uses (RFC 8601 section 2.7)."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """The method's result. Not every method knows every word."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105  a word of RFC 8601
    FAIL = "fail"
    SOFTFAIL = "softfail"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Disposition(IntEnum):
    """What a domain asks receivers to do with what fails DMARC, the strictest last (RFC 7489 section 6.3)."""

    NONE = 0
    QUARANTINE = 1
    REJECT = 2

    @property
    def word(self) -> str:
        """As it stands in a record."""
        return self.name.lower()
