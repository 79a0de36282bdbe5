"""MTA-STS policies as values (RFC 8461): the TXT record that announces one, and the policy itself.

What is not exactly as the RFC has it is no record and no policy: a domain that slips must not lose its mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

POLICY_LIMIT = 64 * 1024  # octets, RFC 8461 section 3.3
MAX_AGE = 31_557_600  # seconds, RFC 8461 section 3.2
PATTERNS_LIMIT = 200

_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_FIELD = re.compile(r"([A-Za-z0-9_.-]{1,64})[ \t]*:[ \t]*(.*?)[ \t]*\Z")


class Mode(StrEnum):
    """What a sender is to do about a server that does not match."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """One domain's. `mx` are names, or patterns such as `*.example.net`; `max_age` is in seconds."""

    mode: Mode
    mx: tuple[str, ...]
    max_age: int

    def names(self, host: str) -> bool:
        """True if the server may take the domain's mail (section 4.1)."""
        return any(_matches(pattern, host.lower()) for pattern in self.mx)


def record_id(records: Iterable[bytes]) -> str | None:
    """The id in the one record that is for us; None if there is none, or more than one (section 3.1)."""
    found = [text for text in records if text.startswith(b"v=STSv1;")]
    if len(found) != 1:
        return None
    for part in found[0].decode("ascii", "replace").split(";")[1:]:
        name, equals, value = part.strip().partition("=")
        if name == "id" and equals:
            return value if _ID.match(value) else None
    return None


def parse_policy(text: str) -> Policy | None:
    """Section 3.2; None for what is none."""
    values: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.splitlines():
        found = _FIELD.match(line)
        if found is None:
            if line.strip():
                return None
            continue
        name, value = found[1], found[2]
        if name == "mx":
            patterns.append(value.lower().rstrip("."))
        else:
            values.setdefault(name, value)
    mode, age = values.get("mode", ""), values.get("max_age", "")
    if values.get("version") != "STSv1" or mode not in set(Mode) or not age.isascii() or not age.isdigit():
        return None
    if len(age) > 10 or len(patterns) > PATTERNS_LIMIT or (mode != Mode.NONE and not patterns):
        return None
    return Policy(Mode(mode), tuple(patterns), min(int(age), MAX_AGE))


def _matches(pattern: str, host: str) -> bool:
    """A wildcard stands for one label, the first (RFC 6125 section 6.4.3)."""
    if not pattern.startswith("*."):
        return pattern == host
    return host.partition(".")[2] == pattern[2:] and not host.startswith(".")
