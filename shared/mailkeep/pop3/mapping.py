"""The one place where domain errors become -ERR lines.

The first row that fits wins, so a class stands before those it derives from. A row without a sentence lets
the error speak for itself: errors hold one plain sentence that is safe to show. Faults are told in general
terms and named by the correlation id under which the log has the rest.
"""

from __future__ import annotations

from mailkeep.errors import (
    AuthenticationFailed,
    InUse,
    IssuerUnavailable,
    MailboxNotFound,
    MailkeepError,
    NotFound,
    PeerError,
    Refusal,
    ScopeMissing,
    StoreCorrupt,
    StoreUnavailable,
    Throttled,
    TooManyConnections,
)
from mailkeep.pop3.errors import LoggedInLately, PrivacyNeeded
from mailkeep.pop3.replies import Code, err

_TABLE: tuple[tuple[type[MailkeepError], Code | None, str], ...] = (
    (PeerError, None, ""),
    # RFC 3206 section 5: [AUTH] tells the client to ask its user for other credentials.
    (ScopeMissing, Code.AUTH, "This credential does not open POP3."),
    (AuthenticationFailed, Code.AUTH, "Authentication failed."),
    (Throttled, Code.LOGIN_DELAY, "Too many attempts; try again later."),
    (TooManyConnections, Code.SYS_TEMP, "Too many connections; try again later."),
    (LoggedInLately, Code.LOGIN_DELAY, "The last login was a moment ago; try again later."),
    (PrivacyNeeded, Code.AUTH, ""),
    (InUse, Code.IN_USE, "Another session has the maildrop open."),
    (MailboxNotFound, Code.SYS_TEMP, "The maildrop is gone."),
    (NotFound, None, "No such message."),
    (Refusal, None, ""),
    (StoreUnavailable, Code.SYS_TEMP, "The mail store does not answer; try again later."),
    (IssuerUnavailable, Code.SYS_TEMP, "Tokens cannot be checked now; try again later."),
    (StoreCorrupt, Code.SYS_PERM, "The message cannot be read"),
)
_NAMED_IN_LOG = (StoreCorrupt,)


def reply_to(error: Exception, correlation_id: str = "") -> bytes:
    """The -ERR line for an error; anything that is not in the table is a fault of ours."""
    for kind, code, sentence in _TABLE:
        if isinstance(error, kind):
            if kind in _NAMED_IN_LOG:
                return err(f"{sentence} ({correlation_id}).", code)
            return err(sentence or str(error), code)
    return err(f"Something went wrong here ({correlation_id}); try again later.", Code.SYS_TEMP)


def is_fault(error: Exception) -> bool:
    """True if the log must have the cause: whatever is neither the peer's doing nor a refusal."""
    return not isinstance(error, PeerError | Refusal)
