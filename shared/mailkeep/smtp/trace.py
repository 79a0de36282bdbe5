"""Trace header fields: what every message gets above its own octets (RFC 5321 section 4.4).

Nothing that the client said goes in unchecked: a name that could break the field is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from mailkeep.model.address import Address
from mailkeep.smtp.paths import ReversePath

_HELO_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?|\[[A-Za-z0-9.:]{2,64}\])\Z")
_RECEIVED = re.compile(rb"\nreceived[ \t]*:")  # searched for by its beginning, not tried at each octet


@dataclass(frozen=True, slots=True)
class Hop:
    """One transaction as its Received field tells it. `cipher` is "" without TLS."""

    helo: str
    client: str  # IP address
    by: str
    id: str
    received_at: datetime
    extended: bool  # EHLO rather than HELO
    authenticated: bool
    smtputf8: bool
    cipher: str = ""
    lmtp: bool = False


def protocol(hop: Hop) -> str:
    """The WITH keyword: RFC 3848, and RFC 6531 section 4.3 for SMTPUTF8."""
    if not hop.extended:
        return "SMTP"
    base = ("UTF8LMTP" if hop.smtputf8 else "LMTP") if hop.lmtp else ("UTF8SMTP" if hop.smtputf8 else "ESMTP")
    return base + ("S" if hop.cipher else "") + ("A" if hop.authenticated else "")


def trace_fields(hop: Hop, reverse_path: ReversePath, only_recipient: Address | None) -> bytes:
    """Return-Path and Received, ready to stand before the message.

    FOR is there only with a single recipient, so that nobody learns of a blind copy (RFC 5321 section 7.2):
    with several `only_recipient` is None. An address beyond ASCII is not shown outside SMTPUTF8.
    """
    client = _client_name(hop.helo, hop.client)
    received = f"Received: from {client}\r\n\tby {hop.by} with {protocol(hop)} id {hop.id}"
    if only_recipient is not None and (only_recipient.is_ascii or hop.smtputf8):
        received += f"\r\n\tfor <{only_recipient}>"
    # RFC 8314 section 4.3 takes IANA's names, which OpenSSL uses for TLS 1.3 alone.
    if hop.cipher.startswith("TLS_"):
        received += f"\r\n\ttls {hop.cipher}"
    date = _date(hop.received_at.replace(microsecond=0))
    return f"Return-Path: {reverse_path}\r\n{received};\r\n\t{date}\r\n".encode()


def received_count(header: bytes) -> int:
    """How many Received fields a header section has."""
    return len(_RECEIVED.findall(b"\n" + header.lower()))


@lru_cache(maxsize=1)  # many messages come in the same second
def _date(at: datetime) -> str:
    return format_datetime(at)


@lru_cache(maxsize=1024)  # what one connection brings has one
def _client_name(helo: str, client: str) -> str:
    literal = f"[IPv6:{client}]" if ":" in client else f"[{client}]"
    return f"{helo if _HELO_NAME.match(helo) else 'unknown'} ({literal})"
