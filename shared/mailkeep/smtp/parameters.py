"""MAIL and RCPT parameters (RFC 5321 section 4.1.2): keywords in any case, values exactly as sent.

A parameter that belongs to no extension offered is refused, never ignored: a client that asks for something
must hear that it does not get it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from mailkeep.model.queue import NO_REQUEST, DsnRequest
from mailkeep.smtp.dsn import check_envid, check_notify, check_orcpt, check_ret
from mailkeep.smtp.errors import ArgumentSyntax, ParameterUnknown

PARAMETERS_LIMIT = 16  # more than all registered ones of a command together
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
SIZE_DIGITS = 20  # RFC 1870 section 3

_SPACE = re.compile(r"[ \t]+")  # and no other white space that Unicode has
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?\Z")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+\Z")  # RFC 3461 section 4


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL asked for. `size` is the client's estimate in octets, None if it gave none.

    `auth` is RFC 4954 section 5's claim about who first submitted the message, checked for its grammar and
    otherwise believed of nobody. `ret` and `envid` are as they were sent, "" if they were not (RFC 3461).
    `hold_for` seconds, or until `hold_until`, the message is to wait (RFC 4865).
    """

    size: int | None = None
    body: Literal["7BIT", "8BITMIME", "BINARYMIME"] = "7BIT"
    smtputf8: bool = False
    auth: str | None = None
    requiretls: bool = False
    ret: str = ""
    envid: str = ""
    hold_for: int | None = None
    hold_until: datetime | None = None


def split_parameters(text: str) -> Mapping[str, str | None]:
    """Parameters by upper-case keyword; the value is None if there was no "=". Raises ArgumentSyntax."""
    words = [word for word in _SPACE.split(text) if word]
    if len(words) > PARAMETERS_LIMIT:
        raise ArgumentSyntax(f"At most {PARAMETERS_LIMIT} parameters are read.")
    parameters: dict[str, str | None] = {}
    for word in words:
        found = _PARAMETER.match(word)
        if found is None:
            raise ArgumentSyntax("A parameter has the form KEYWORD or KEYWORD=value.")
        keyword = found.group(1).upper()
        if keyword in parameters:
            raise ArgumentSyntax(f"The parameter {keyword} stands there twice.")
        parameters[keyword] = found.group(2)
    return parameters


NO_MAIL_PARAMETERS = MailParameters()


def parse_mail_parameters(text: str, offered: frozenset[str]) -> MailParameters:
    """The parameters of MAIL, of which those whose keywords are `offered` may come.

    Raises ArgumentSyntax, ParameterUnknown.
    """
    if not text:
        return NO_MAIL_PARAMETERS
    given = split_parameters(text)
    _refuse_unknown(given, offered)
    return MailParameters(
        size=_size(given["SIZE"]) if "SIZE" in given else None,
        body=_body(given["BODY"]) if "BODY" in given else "7BIT",
        smtputf8="SMTPUTF8" in given and _without_value("SMTPUTF8", given["SMTPUTF8"]),
        auth=_xtext(given["AUTH"]) if "AUTH" in given else None,
        requiretls="REQUIRETLS" in given and _without_value("REQUIRETLS", given["REQUIRETLS"]),
        ret=check_ret(given["RET"]) if "RET" in given else "",
        envid=check_envid(given["ENVID"]) if "ENVID" in given else "",
        hold_for=_hold_for(given["HOLDFOR"]) if "HOLDFOR" in given else None,
        hold_until=_hold_until(given["HOLDUNTIL"]) if "HOLDUNTIL" in given else None,
    )


def held_until(parameters: MailParameters, now: datetime, most: int) -> datetime | None:
    """Until when a message is to wait, None if it is not. Raises ArgumentSyntax past `most` seconds, and if
    it is told twice (RFC 4865 section 4)."""
    until = parameters.hold_until
    if parameters.hold_for is not None:
        if until is not None:
            raise ArgumentSyntax("HOLDFOR and HOLDUNTIL exclude each other.")
        until = now + timedelta(seconds=parameters.hold_for)
    if until is None or until <= now:
        return None
    if until > now + timedelta(seconds=most):
        raise ArgumentSyntax(f"A message may wait for {most} seconds at most.")
    return until


def parse_rcpt_parameters(text: str, offered: frozenset[str]) -> DsnRequest:
    """The parameters of RCPT, of which those whose keywords are `offered` may come.

    Raises ArgumentSyntax, ParameterUnknown.
    """
    if not text:
        return NO_REQUEST
    given = split_parameters(text)
    _refuse_unknown(given, offered)
    return DsnRequest(
        notify=check_notify(given["NOTIFY"]) if "NOTIFY" in given else "",
        orcpt=check_orcpt(given["ORCPT"]) if "ORCPT" in given else "",
    )


def _refuse_unknown(given: Mapping[str, str | None], offered: frozenset[str]) -> None:
    for keyword in given:
        if keyword not in offered:
            raise ParameterUnknown(f"The parameter {keyword[:40]} is not known here.")


def _size(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > SIZE_DIGITS:
        raise ArgumentSyntax("SIZE is a number of octets, as in SIZE=1000.")
    return int(value)


def _hold_for(value: str | None) -> int:
    """RFC 4865 section 4: one to nine digits, from 1 on."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) == 0:
        raise ArgumentSyntax("HOLDFOR is a number of seconds, as in HOLDFOR=3600.")
    return int(value)


def _hold_until(value: str | None) -> datetime:
    """RFC 4865 section 4: RFC 3339's date-time, with its offset."""
    if value is None or not _DATE_TIME.match(value):
        raise ArgumentSyntax("HOLDUNTIL is a date and time, as in HOLDUNTIL=2030-01-02T03:04:05Z.")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentSyntax("HOLDUNTIL is no date and time that there is.") from None


def _body(value: str | None) -> Literal["7BIT", "8BITMIME", "BINARYMIME"]:
    match (value or "").upper():
        case "7BIT":
            return "7BIT"
        case "8BITMIME":  # RFC 6152 section 2
            return "8BITMIME"
        case "BINARYMIME":  # RFC 3030 section 3
            return "BINARYMIME"
    raise ArgumentSyntax("BODY is 7BIT, 8BITMIME or BINARYMIME.")


def _without_value(keyword: str, value: str | None) -> bool:
    if value is not None:  # RFC 6531 section 3.1, RFC 8689 section 2
        raise ArgumentSyntax(f"{keyword} takes no value.")
    return True


def _xtext(value: str | None) -> str:
    if value is None or not _XTEXT.match(value):
        raise ArgumentSyntax("AUTH takes an address as xtext, or <>.")
    return value
