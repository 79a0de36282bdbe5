"""Delivery status notifications: RFC 3461's parameters checked, RFC 3464's reports written.

A report is three parts: words for people, fields for programs, and what came back of the message. The first
two and the frame around all are written here; the octets of the third go between `head` and `tail` as they
are, and the boundary is random, so that nothing in them can end their part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum

from mailkeep.model.address import Address
from mailkeep.smtp.errors import ArgumentSyntax

ENVID_LIMIT = 100  # octets as sent, RFC 3461 section 4.4
ORCPT_LIMIT = 500  # octets as sent, RFC 3461 section 4.2
LINE_LIMIT = 900  # octets of a field's value; RFC 5322 section 2.1.1 has 998 for the line

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")  # RFC 3461 section 4
_ORCPT = re.compile(r"([A-Za-z0-9-]{1,40});(.+)\Z", re.DOTALL)
_EVENTS = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_ESCAPE = re.compile(r"\+([0-9A-F]{2})")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


# --- parameters -----------------------------------------------------------------------------------


def check_ret(value: str | None) -> str:
    """RET as sent (RFC 3461 section 4.3). Raises ArgumentSyntax."""
    if value is None or value.upper() not in {"FULL", "HDRS"}:
        raise ArgumentSyntax("RET is FULL or HDRS.")
    return value


def check_envid(value: str | None) -> str:
    """ENVID as sent (RFC 3461 section 4.4). Raises ArgumentSyntax."""
    if value is None or len(value) > ENVID_LIMIT or not _XTEXT.match(value):
        raise ArgumentSyntax(f"ENVID is xtext of at most {ENVID_LIMIT} octets.")
    return value


def check_notify(value: str | None) -> str:
    """NOTIFY as sent (RFC 3461 section 4.1). Raises ArgumentSyntax."""
    words = (value or "").upper().split(",")
    if words != ["NEVER"] and (len(set(words)) < len(words) or not _EVENTS.issuperset(words)):
        raise ArgumentSyntax("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY.")
    assert value is not None
    return value


def check_orcpt(value: str | None) -> str:
    """ORCPT as sent (RFC 3461 section 4.2). Raises ArgumentSyntax."""
    found = _ORCPT.match(value or "")
    if value is None or found is None or len(value) > ORCPT_LIMIT:
        raise ArgumentSyntax("ORCPT is an address type, a semicolon and an address as xtext.")
    # RFC 6533 section 3: the type utf-8 may hold UTF-8 and \x{...}, where SMTPUTF8 lets it through.
    if found[1].lower() != "utf-8" and not _XTEXT.match(found[2]):
        raise ArgumentSyntax("ORCPT's address is xtext.")
    return value


def xtext(text: str) -> str:
    """ASCII as xtext (RFC 3461 section 4)."""
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text)


def orcpt_as_xtext(orcpt: str) -> str:
    """ORCPT for any server: characters beyond ASCII, which the type utf-8 may have, as escapes that need no
    SMTPUTF8 (RFC 6533 section 3)."""
    return orcpt if orcpt.isascii() else _escaped(orcpt, _ASCII)


def decoded(xtext: str) -> str:
    """What an xtext stands for, as far as it may stand in a header field."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), xtext)
    return _UNPRINTABLE.sub("?", plain)[:LINE_LIMIT]


# --- reports --------------------------------------------------------------------------------------


class Action(Enum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


_SUBJECTS = {
    Action.FAILED: "Undelivered mail returned to sender",
    Action.DELAYED: "Mail is delayed and still being tried",
    Action.DELIVERED: "Mail was delivered",
    Action.RELAYED: "Mail was passed on",
}
_WORDS = {
    Action.FAILED: "Your message could not be delivered to the following recipients, and will not be\r\n"
    "tried again.",
    Action.DELAYED: "Your message could not yet be delivered to the following recipients. You need not\r\n"
    "send it again: it will be tried further.",
    Action.DELIVERED: "Your message was delivered to the following recipients.",
    Action.RELAYED: "Your message was passed on for the following recipients to a server that does not\r\n"
    "report deliveries. You will hear of it only if that fails.",
}


@dataclass(frozen=True, slots=True)
class Reported:
    """What there is to say of one recipient. `status` is an enhanced code, `reply` what a server said."""

    address: Address
    orcpt: str = ""
    status: str = ""
    reply: str = ""
    host: str = ""
    attempted_at: datetime | None = None
    retry_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `full` says that the whole message comes back, else its header alone (RFC 3461 section
    4.3); `ascii_only` that this is ASCII, `internationalized` that the header has UTF-8 (RFC 6532)."""

    action: Action
    id: str
    hostname: str
    to: Address
    recipients: Sequence[Reported]
    arrived_at: datetime
    made_at: datetime
    boundary: str
    envid: str = ""
    full: bool = False
    ascii_only: bool = True
    internationalized: bool = False


def head(report: Report) -> bytes:
    """Everything before the returned octets."""
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{report.hostname}>",
        f"To: <{report.to}>",
        f"Subject: {_SUBJECTS[report.action]}",
        f"Date: {format_datetime(report.made_at)}",
        f"Message-ID: <{report.id}@{report.hostname}>",
        "Auto-Submitted: auto-replied",  # RFC 3834 section 5
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{report.boundary}"',
        *(["Content-Transfer-Encoding: 8bit"] if not _is_ascii(report) else []),
        "",
        f"--{report.boundary}",
        "Content-Type: text/plain; charset=utf-8",
        *(["Content-Transfer-Encoding: 8bit"] if not _is_ascii(report) else []),
        "",
        f"This is the mail system at {report.hostname}.",
        "",
        _WORDS[report.action],
        "",
        *(line for one in report.recipients for line in _in_words(one)),
        f"--{report.boundary}",
        "Content-Type: message/delivery-status",
        "",
        *_message_fields(report),
        *(line for one in report.recipients for line in _recipient_fields(report.action, one)),
        "",
        f"--{report.boundary}",
        f"Content-Type: {_returned_type(report)}",
        *(["Content-Transfer-Encoding: 8bit"] if not report.ascii_only else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def tail(report: Report) -> bytes:
    """Everything after them."""
    return f"\r\n--{report.boundary}--\r\n".encode()


def _is_ascii(report: Report) -> bool:
    everybody = [report.to, *(one.address for one in report.recipients)]
    return report.ascii_only and all(address.is_ascii for address in everybody)


def _returned_type(report: Report) -> str:
    """RFC 6522 section 3; RFC 6533 sections 5 and 6 for what is beyond ASCII."""
    if report.internationalized:
        return "message/global" if report.full else "message/global-headers"
    return "message/rfc822" if report.full else "text/rfc822-headers"


def _in_words(one: Reported) -> list[str]:
    said = f"    {one.host + ' said: ' if one.host else ''}{_value(one.reply)}" if one.reply else ""
    return [f"  <{one.address}>", *([said] if said else []), ""]


def _message_fields(report: Report) -> list[str]:
    """RFC 3464 section 2.2."""
    envid = [f"Original-Envelope-Id: {decoded(report.envid)}"] if report.envid else []
    return [
        *envid,
        f"Reporting-MTA: dns; {report.hostname}",
        f"Arrival-Date: {format_datetime(report.arrived_at)}",
    ]


def _recipient_fields(action: Action, one: Reported) -> list[str]:
    """RFC 3464 section 2.3."""
    lines = [""]
    if one.orcpt:
        lines.append(f"Original-Recipient: {_original(one.orcpt)}")
    lines.append(f"Final-Recipient: {_typed(one.address)}")
    lines.append(f"Action: {action.value}")
    lines.append(f"Status: {one.status or _STATUS[action]}")
    if one.host:
        lines.append(f"Remote-MTA: dns; {_value(one.host)}")
    if one.reply:
        kind = "smtp" if one.reply[:3].isdigit() else "x-mailkeep"
        lines.append(f"Diagnostic-Code: {kind}; {_value(one.reply)}")
    if one.attempted_at is not None:
        lines.append(f"Last-Attempt-Date: {format_datetime(one.attempted_at)}")
    if one.retry_until is not None:
        lines.append(f"Will-Retry-Until: {format_datetime(one.retry_until)}")
    return lines


_STATUS = {
    Action.FAILED: "5.0.0",
    Action.DELAYED: "4.0.0",
    Action.DELIVERED: "2.1.5",
    Action.RELAYED: "2.0.0",
}


def _typed(address: Address) -> str:
    """An address with its type; beyond ASCII as utf-8-addr-xtext (RFC 6533 section 3)."""
    if address.is_ascii:
        return f"rfc822; {address}"
    return f"utf-8; {_escaped(str(address), _QCHARS)}"


def _original(orcpt: str) -> str:
    """What ORCPT said. The type utf-8 has escapes of its own, which stay as they are (RFC 6533 section 3)."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() == "utf-8":
        return f"{kind}; {_escaped(address, _ASCII)[:LINE_LIMIT]}"
    return f"{kind}; {decoded(address)}"


_ASCII = frozenset(map(chr, range(0x21, 0x7F)))
_QCHARS = _ASCII - frozenset("+=\\")
"""What stands for itself in utf-8-addr-xtext."""


def _escaped(text: str, plain: frozenset[str]) -> str:
    """With an EmbeddedUnicodeChar for each character that is not plain (RFC 6533 section 3)."""
    return "".join(char if char in plain else f"\\x{{{ord(char):02X}}}" for char in text)


def _value(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:LINE_LIMIT]
