"""LIST patterns (RFC 9051 section 6.3.9): `*` matches anything, `%` anything within one level.

Matching moves a set of pattern positions along the name, so that no pattern, however many wildcards it has,
costs more than its length times the name's.
"""

from __future__ import annotations

from mailkeep.model.mailbox import HIERARCHY_DELIMITER, INBOX

WILDCARDS = "*%"


def matches(pattern: str, name: str) -> bool:
    """True if the whole name matches. INBOX matches in any case (RFC 9051 section 5.1)."""
    if pattern == "*":
        return True
    if name == INBOX or name.startswith(INBOX + HIERARCHY_DELIMITER):
        return _matches(pattern, name) or _matches(_with_inbox(pattern), name)
    return _matches(pattern, name)


def _with_inbox(pattern: str) -> str:
    head = pattern[: len(INBOX)]
    return INBOX + pattern[len(INBOX) :] if head.upper() == INBOX else pattern.upper()


def _matches(pattern: str, name: str) -> bool:
    at = _closure({0}, pattern)
    for character in name:
        moved = set()
        for position in at:
            if position == len(pattern):
                continue
            expected = pattern[position]
            if expected == "*" or (expected == "%" and character != HIERARCHY_DELIMITER):
                moved.add(position)
            elif expected == character:
                moved.add(position + 1)
        at = _closure(moved, pattern)
        if not at:
            return False
    return len(pattern) in at


def _closure(positions: set[int], pattern: str) -> set[int]:
    """With the positions behind wildcards, which may match nothing."""
    reached = set(positions)
    for position in positions:
        after = position
        while after < len(pattern) and pattern[after] in WILDCARDS:
            after += 1
            reached.add(after)
    return reached
