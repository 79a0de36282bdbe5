"""Organizational domains (RFC 7489 section 3.2): whose domain a name is, by the public suffix list.

The list comes with the library, so that it is as fresh as that; it is read at the first question, in a tenth
of a second. A host that asks calls `load` in a thread before.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

REMEMBERED = 10_000


@lru_cache(maxsize=REMEMBERED)
def organizational_domain(domain: str) -> str:
    """The domain that somebody registered, of a name in lower-case A-labels; a public suffix is its own."""
    return load().privatesuffix(domain) or domain


@cache
def load() -> PublicSuffixList:
    """Read the list."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
