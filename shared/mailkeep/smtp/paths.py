"""Reverse-paths and forward-paths, as MAIL and RCPT carry them (RFC 5321 section 4.1.2).

They are read as they are sent, not only as the grammar has them: without the angle brackets, with spaces
within them, and with dots where it wants quotes, as addresses of large mobile providers have them. Source
routes are read and dropped (RFC 5321 appendix C: "MUST be accepted, SHOULD be ignored"), so that no mail is
ever routed by them. What a local part means (percent hack, bang path, quotes) is nobody's business here: the
domain alone decides where it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mailkeep.errors import InvalidName
from mailkeep.model.address import Address
from mailkeep.smtp.errors import RecipientSyntax, SenderSyntax

REMEMBERED_LENGTH = 256  # characters of a path, with its parameters, that is remembered

# A quoted local part may hold ">" and spaces. Each alternative begins with a character of its own, so
# matching takes time in proportion to the text.
_MAILBOX = r'((?:"(?:[^"\\]|\\.)*"|[^<>" \t])*)'
_PATH = re.compile(rf"(?:<[ \t]*{_MAILBOX}[ \t]*>|{_MAILBOX})(?:[ \t]+|\Z)", re.DOTALL)
_SOURCE_ROUTE = re.compile(r"@(?:\[[^@,\]]*\]|[^@,:\"]+)(?:,@(?:\[[^@,\]]*\]|[^@,:\"]+))*:")
# What would be a dot-string with its dots elsewhere.
_DOTTED = re.compile(r"[^\x00-\x20\x7f-\x9f()<>\[\]:;@\\,\"]+\Z")


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Where failures are to be reported; `address` is None for the null reverse-path `<>`.

    `is_ascii` is False if the path as sent needs SMTPUTF8, also where only its domain does.
    """

    address: Address | None
    is_ascii: bool = True

    def __str__(self) -> str:
        return f"<{self.address or ''}>"


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """One recipient; `address` is None for `<Postmaster>` without a domain (RFC 5321 section 4.1.1.3)."""

    address: Address | None
    is_ascii: bool = True

    def __str__(self) -> str:
        return f"<{self.address or 'postmaster'}>"


def parse_reverse_path(text: str) -> tuple[ReversePath, str]:
    """The path at the start of `text`, and what follows it. Raises SenderSyntax."""
    return _reverse_remembered(text) if len(text) <= REMEMBERED_LENGTH else _parse_reverse_path(text)


def parse_forward_path(text: str) -> tuple[ForwardPath, str]:
    """The path at the start of `text`, and what follows it. Raises RecipientSyntax."""
    return _forward_remembered(text) if len(text) <= REMEMBERED_LENGTH else _parse_forward_path(text)


def _parse_reverse_path(text: str) -> tuple[ReversePath, str]:
    mailbox, rest = _split(text, SenderSyntax)
    if not mailbox:
        return ReversePath(None), rest
    try:
        return ReversePath(_address(mailbox), mailbox.isascii()), rest
    except InvalidName as error:
        raise SenderSyntax(str(error)) from None


def _parse_forward_path(text: str) -> tuple[ForwardPath, str]:
    mailbox, rest = _split(text, RecipientSyntax)
    if mailbox.lower() == "postmaster":
        return ForwardPath(None), rest
    try:
        return ForwardPath(_address(mailbox), mailbox.isascii()), rest
    except InvalidName as error:
        raise RecipientSyntax(str(error)) from None


# The same few paths come with message after message.
_reverse_remembered = lru_cache(maxsize=1024)(_parse_reverse_path)
_forward_remembered = lru_cache(maxsize=1024)(_parse_forward_path)


def _address(mailbox: str) -> Address:
    """Raises InvalidName."""
    local, _, domain = mailbox.rpartition("@")
    misplaced = local.startswith(".") or local.endswith(".") or ".." in local
    if misplaced and _DOTTED.match(local):
        mailbox = f'"{local}"@{domain}'
    return Address.parse(mailbox)


def _split(text: str, error: type[SenderSyntax | RecipientSyntax]) -> tuple[str, str]:
    found = _PATH.match(text)
    if found is None or (not found.group(2) and found.group(1) is None):
        raise error("An address stands in angle brackets, as in <name@domain>.")
    mailbox = found.group(1) if found.group(1) is not None else found.group(2)
    route = _SOURCE_ROUTE.match(mailbox) if mailbox.startswith("@") else None
    return mailbox[route.end() :] if route else mailbox, text[found.end() :]
