"""The one mapping from domain errors to IMAP answers: condition, response code, text (RFC 9051 section 7.1).

The peer's syntax becomes BAD, a refusal NO with the code that tells the client what to do about it, a fault
NO with a sentence that says nothing of the cause. Nothing else in the IMAP host chooses a code for an error.
"""

from __future__ import annotations

from mailkeep import errors
from mailkeep.imap.charsets import CHARSETS
from mailkeep.imap.errors import BadCharset, ImapSyntaxError, LiteralTooLarge, MailboxNameInvalid
from mailkeep.imap.response_codes import BadCharsetCode
from mailkeep.model.annotations import VALUE_LIMIT

Answer = tuple[bytes, bytes, str]
"""Condition, response code without brackets (b"" for none), text."""

# The most special first: the first that fits an error is taken.
_REFUSALS: tuple[tuple[type[errors.MailkeepError], bytes], ...] = (
    (LiteralTooLarge, b"TOOBIG"),  # RFC 4469 section 5
    (BadCharset, BadCharsetCode(CHARSETS).encode()),
    (MailboxNameInvalid, b"CANNOT"),
    (errors.ScopeMissing, b"AUTHORIZATIONFAILED"),
    (errors.AuthenticationFailed, b"AUTHENTICATIONFAILED"),
    (errors.PermissionRefused, b"NOPERM"),
    (errors.NotFound, b"NONEXISTENT"),
    (errors.AlreadyExists, b"ALREADYEXISTS"),
    (errors.InUse, b"INUSE"),
    (errors.InvalidName, b"CANNOT"),
    (errors.TooManyAnnotations, b"METADATA TOOMANY"),  # RFC 5464 section 4.3
    (errors.AnnotationTooLarge, b"METADATA MAXSIZE %d" % VALUE_LIMIT),
    (errors.OverQuota, b"OVERQUOTA"),
    (errors.TooLarge, b"TOOBIG"),
    (errors.TooManyConnections, b"LIMIT"),
    (errors.Throttled, b"LIMIT"),
)

COUNTED = frozenset({b"AUTHENTICATIONFAILED", b"AUTHORIZATIONFAILED", b"PRIVACYREQUIRED"})
"""Codes of NO answers that count like a bad command towards the end of the connection: guessing."""


def refusal(error: BaseException, correlation_id: str = "", *, creates: bool = False) -> Answer:
    """The answer to whatever stopped a command. `creates` is for APPEND, COPY and MOVE: there a missing
    mailbox is one that the client may create and try again (RFC 9051 section 6.3.12). `correlation_id`
    leads from a fault's answer to its log record."""
    if creates and isinstance(error, errors.MailboxNotFound):
        return b"NO", b"TRYCREATE", _text(error)
    for kind, code in _REFUSALS:
        if isinstance(error, kind):
            return b"NO", code, _text(error)
    if isinstance(error, ImapSyntaxError):
        return b"BAD", b"", error.text
    if isinstance(error, errors.LimitExceeded):
        return b"NO", b"LIMIT", _text(error)
    if isinstance(error, errors.PeerError):
        return b"BAD", b"", _text(error)
    if isinstance(error, errors.Refusal):
        return b"NO", b"", _text(error)
    return _fault(error, correlation_id)


def is_fault(error: BaseException) -> bool:
    """True if it is ours, and belongs into the log with a correlation id."""
    return not isinstance(error, errors.PeerError | errors.Refusal)


def _fault(error: BaseException, correlation_id: str) -> Answer:
    note = f" Reference {correlation_id}." if correlation_id else ""
    if isinstance(error, errors.StoreUnavailable):
        return b"NO", b"UNAVAILABLE", f"The mail store does not answer; please try again later.{note}"
    if isinstance(error, errors.IssuerUnavailable):  # the credential may be good (RFC 5530 section 3)
        return b"NO", b"UNAVAILABLE", f"Tokens cannot be checked now; please try again later.{note}"
    if isinstance(error, errors.StoreCorrupt):
        return b"NO", b"CORRUPTION", f"The stored data is damaged.{note}"
    return b"NO", b"SERVERBUG", f"Something went wrong here.{note}"


def _text(error: BaseException) -> str:
    return str(error) or "Refused."
