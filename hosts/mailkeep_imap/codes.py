"""Errors as tagged answers: the table of `mailkeep.imap.codes`, and before it what only this host knows.

Session state (a mailbox opened for reading, messages gone unreported) and SASL are unknown to the protocol
core's table; their codes stand here.
"""

from __future__ import annotations

from mailkeep import errors, sasl
from mailkeep.imap import codes
from mailkeep.imap.codes import COUNTED, is_fault
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.urls import quotable
from mailkeep_imap.outcome import BAD, NO, Done

__all__ = [
    "COUNTED",
    "BadUrl",
    "ExpungeIssued",
    "HasChildren",
    "ReadOnly",
    "TargetMissing",
    "UidRequired",
    "UnknownEncoding",
    "UseRefused",
    "is_fault",
    "refusal",
]


class ReadOnly(errors.Refusal):
    """The mailbox was opened with EXAMINE."""


class ExpungeIssued(errors.Refusal):
    """Some of the messages are gone, and the client has not been told yet."""


class TargetMissing(errors.MailboxNotFound):
    """The mailbox to copy, move or append to does not exist: the client may create it and try again."""


class UseRefused(errors.Refusal):
    """No mailbox can have that special use."""


class UidRequired(ImapSyntaxError):
    """A sequence number where only UIDs may stand."""


class BadUrl(errors.Refusal):
    """A URL does not lead to a message that may be read here."""

    def __init__(self, url: str) -> None:
        super().__init__("That URL leads to no message here.")
        self.url = url


class HasChildren(errors.Refusal):
    """A name that only stands for the mailboxes below it cannot be deleted."""


class UnknownEncoding(errors.Refusal):
    """A content transfer encoding that is not decoded here, or content that has none that could hold it."""


_HERE: tuple[tuple[type[errors.MailkeepError], bytes], ...] = (
    (sasl.PrivacyRequired, b"PRIVACYREQUIRED"),  # RFC 5530 section 3
    (sasl.UnknownMechanism, b"CANNOT"),
    (ReadOnly, b"READ-ONLY"),
    (ExpungeIssued, b"EXPUNGEISSUED"),  # RFC 5530 section 3
    (TargetMissing, b"TRYCREATE"),
    (UseRefused, b"USEATTR"),  # RFC 6154 section 3
    (HasChildren, b"HASCHILDREN"),  # RFC 9051 section 7.1
    (UnknownEncoding, b"UNKNOWN-CTE"),  # RFC 3516 section 7
    (errors.SpoolUnavailable, b"UNAVAILABLE"),
)


def refusal(error: Exception, correlation_id: str = "") -> Done:
    """The answer for an error. `correlation_id` leads from a fault's answer to its log record."""
    if isinstance(error, BadUrl):
        return Done(str(error), f"BADURL {quotable(error.url)}".encode("ascii"), NO)  # RFC 4469 section 4.1
    if isinstance(error, UidRequired):
        return Done(error.text, b"UIDREQUIRED", BAD)  # RFC 9586 section 3.1
    for kind, code in _HERE:
        if isinstance(error, kind):
            text = f"This cannot be done now. Reference {correlation_id}." if correlation_id else str(error)
            return Done(text, code, NO)
    status, code, text = codes.refusal(error, correlation_id)
    return Done(text, code, status)
