"""What a check can come to, in the words that Authentication-Results uses (RFC 8601 section 2.7)."""

from __future__ import annotations

from enum import StrEnum


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
