"""Domain errors, of three kinds, and nothing of the wire.

Every failure is one of: the peer's syntax (`PeerError`), a refusal of something well-formed
(`Refusal`), or our own fault (`Fault`). Each protocol has one file that maps these to its codes;
this file knows no code, no reply text and no protocol. Messages are one plain sentence, safe to show
to the peer: they never hold a secret, a path or a statement.
"""

from __future__ import annotations


class MailkeepError(Exception):
    """Base of every error that Mailkeep raises on purpose."""


# --- the peer's syntax ---------------------------------------------------------------------------


class PeerError(MailkeepError):
    """The peer broke its protocol's grammar or order. Protocol cores derive their own from it."""


class LimitExceeded(PeerError):
    """A line, literal, list, depth or count went past its named limit."""


# --- refusals ------------------------------------------------------------------------------------


class Refusal(MailkeepError):
    """The request was well-formed and the answer is no."""


class AuthenticationFailed(Refusal):
    """The credential is wrong, expired, revoked or unknown; which one is told to the audit log only."""


class ScopeMissing(AuthenticationFailed):
    """The credential is good, but it was not made for this host."""


class CodeRefused(Refusal):
    """A mailed code is wrong, too old, or was tried too often; which one is nobody's to learn."""


class PermissionRefused(Refusal):
    """The principal is known and may not do this."""


class NotFound(Refusal):
    """The thing named does not exist, or is not the caller's to see."""


class MailboxNotFound(NotFound):
    """No mailbox of that name in this account."""


class AlreadyExists(Refusal):
    """A thing of that name is there already."""


class InUse(Refusal):
    """Somebody else holds an exclusive lock."""


class InvalidName(Refusal):
    """The name is not one that may be used here."""


class OverQuota(Refusal):
    """The account has no room for it."""


class TooManyAnnotations(OverQuota):
    """The mailbox, the server or the account has as many annotations as it may have."""


class NeverFits(OverQuota):
    """It is larger than all that the account may hold."""


class TooLarge(Refusal):
    """The message is larger than the configured limit."""


class AnnotationTooLarge(TooLarge):
    """The annotation's value is larger than any may be."""


class RelayDenied(Refusal):
    """Not one of our domains, and the sender may not relay through us."""


class SenderRefused(Refusal):
    """The envelope sender or From is not an address of the authenticated user."""


class RecipientRefused(Refusal):
    """The domain is ours and its policy does not take this recipient."""


class TooManyConnections(Refusal):
    """This network or key has as many sessions as it may have."""


class Throttled(Refusal):
    """Too many attempts; the same request may succeed later."""


# --- our fault -----------------------------------------------------------------------------------


class Fault(MailkeepError):
    """Something on our side failed. The peer hears a generic sentence, the log the cause."""


class StoreUnavailable(Fault):
    """The database did not answer, or broke off. Nothing of the request was kept; it may be repeated."""


class IssuerUnavailable(Fault):
    """The issuer of access tokens did not answer, and without it nobody can say if a token is good."""


class SpoolUnavailable(Fault):
    """A message on its way in could not be written to the spool: no room, or no right to write there."""


class StoreCorrupt(Fault):
    """Stored bytes do not match their digest, or a reference leads nowhere."""


class SettingsError(Fault):
    """A setting is missing or wrong; the sentence names it and says what it should be."""
