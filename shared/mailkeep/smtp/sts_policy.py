"""The MTA-STS policy that we publish for our domains (RFC 8461 section 3.2)."""

from __future__ import annotations

import hashlib
from typing import Literal

MAX_AGE_SECONDS = 604_800  # a week: section 3.2 wants weeks, and a move of the server has to wait this long

Mode = Literal["none", "testing", "enforce"]


def policy_text(mode: Mode, server: str) -> str:
    """The file: mail for the domain comes to this server and no other."""
    lines = ("version: STSv1", f"mode: {mode}", f"mx: {server}", f"max_age: {MAX_AGE_SECONDS}")
    return "".join(f"{line}\r\n" for line in lines)


def policy_id(text: str) -> str:
    """The id in DNS: it changes with the policy, so it is made from it (section 3.1)."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
