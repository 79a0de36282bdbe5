"""MAIL and RCPT parameters (RFC 5321 section 4.1.2): keywords in any case, values exactly as sent.

A parameter that belongs to no extension offered is refused, never ignored: a client that asks for something
must hear that it does not get it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mailkeep.smtp.errors import ArgumentSyntax, ParameterUnknown

PARAMETERS_LIMIT = 16  # more than all registered ones of a command together
SIZE_DIGITS = 20  # RFC 1870 section 3

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?\Z")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+\Z")  # RFC 3461 section 4


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL asked for. `size` is the client's estimate in octets, None if it gave none.

    `auth` is RFC 4954 section 5's claim about who first submitted the message, checked for its grammar and
    otherwise believed of nobody.
    """

    size: int | None = None
    body: Literal["7BIT", "8BITMIME"] = "7BIT"
    smtputf8: bool = False
    auth: str | None = None


def split_parameters(text: str) -> Mapping[str, str | None]:
    """Parameters by upper-case keyword; the value is None if there was no "=". Raises ArgumentSyntax."""
    words = text.split()
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
    for keyword in given:
        if keyword not in offered:
            raise ParameterUnknown(f"The parameter {keyword[:40]} is not known here.")
    return MailParameters(
        size=_size(given["SIZE"]) if "SIZE" in given else None,
        body=_body(given["BODY"]) if "BODY" in given else "7BIT",
        smtputf8="SMTPUTF8" in given and _without_value(given["SMTPUTF8"]),
        auth=_xtext(given["AUTH"]) if "AUTH" in given else None,
    )


def refuse_rcpt_parameters(text: str) -> None:
    """RCPT has none while no extension with some is offered. Raises ArgumentSyntax, ParameterUnknown."""
    for keyword in split_parameters(text):
        raise ParameterUnknown(f"The parameter {keyword[:40]} is not known here.")


def _size(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > SIZE_DIGITS:
        raise ArgumentSyntax("SIZE is a number of octets, as in SIZE=1000.")
    return int(value)


def _body(value: str | None) -> Literal["7BIT", "8BITMIME"]:
    if value is not None and value.upper() == "7BIT":
        return "7BIT"
    if value is not None and value.upper() == "8BITMIME":
        return "8BITMIME"
    raise ArgumentSyntax("BODY is 7BIT or 8BITMIME.")


def _without_value(value: str | None) -> bool:
    if value is not None:
        raise ArgumentSyntax("SMTPUTF8 takes no value.")  # RFC 6531 section 3.1
    return True


def _xtext(value: str | None) -> str:
    if value is None or not _XTEXT.match(value):
        raise ArgumentSyntax("AUTH takes an address as xtext, or <>.")
    return value
