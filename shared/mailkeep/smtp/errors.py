"""Which reply each error gets: the one table for SMTP, and the errors that only SMTP knows.

The peer's errors and refusals show their own sentence. A fault shows a generic one with a reference, under
which the log holds the cause. An error that the table does not name is answered as the nearest class
above it that the table does.
"""

from __future__ import annotations

from mailkeep import errors as domain
from mailkeep import sasl
from mailkeep.smtp.replies import Reply, reply

# --- the peer's syntax and order ------------------------------------------------------------------


class CommandUnknown(domain.PeerError):
    """No command of that name."""


class CommandNotOffered(domain.PeerError):
    """A command that exists, but not here."""


class LineTooLong(domain.LimitExceeded):
    """A command line past its limit; all of it was discarded."""


class AuthenticationLineTooLong(LineTooLong):
    """The same within AUTH."""


class BareLineEnd(domain.PeerError):
    """A command line with CR or LF on its own (RFC 5321 section 2.3.8)."""


class ArgumentSyntax(domain.PeerError):
    """The command's argument is missing, too much, or not of its grammar."""


class HelloSyntax(ArgumentSyntax):
    """HELO, EHLO or LHLO without a name. No enhanced code: whoever greets may not know of them."""


class ParameterUnknown(domain.PeerError):
    """A MAIL or RCPT parameter of no extension that is offered here."""


class BadSequence(domain.PeerError):
    """The command may not come now."""


class SenderSyntax(domain.PeerError):
    """The reverse-path is not one."""


class RecipientSyntax(domain.PeerError):
    """The forward-path is not one."""


class Base64Syntax(domain.PeerError):
    """A SASL response is not base64."""


# --- refusals -------------------------------------------------------------------------------------


class Utf8NotDeclared(domain.Refusal):
    """An address beyond ASCII in a transaction without SMTPUTF8 (RFC 6531 section 3.4)."""


class TooManyRecipients(domain.Refusal):
    """More than one transaction may have; the rest can come in another."""


class ContentRefused(domain.Refusal):
    """The message's octets are not what may be stored."""


class UrlNotTrusted(domain.Refusal):
    """A URL of BURL that does not name its user, or has expired (RFC 4468 section 3.5)."""


class UrlUnresolved(domain.Refusal):
    """A URL of BURL that opens nothing (RFC 4468 section 3.5)."""


class RoutingLoop(domain.Refusal):
    """More trace fields than an honest route leaves (RFC 5321 section 6.3)."""


class DmarcRefused(domain.Refusal):
    """The domain in From asks that mail like this be refused, and ours obeys (RFC 7489 section 6.3)."""


class SenderUnknown(domain.Refusal):
    """The reverse-path's domain does not exist: nobody could be told of a failure."""


class SenderNullMx(domain.Refusal):
    """The reverse-path's domain says that it takes no mail (RFC 7505)."""


class BlockListed(domain.Refusal):
    """A block list that the operator chose names the client."""


class Greylisted(domain.Refusal):
    """This client has not sent from there to there before; who tries again is let in."""


class TooFast(domain.Refusal):
    """More from one network in a minute than may be."""


class TlsRequired(domain.Refusal):
    """The listener takes nothing before STARTTLS (RFC 3207 section 4)."""


class TlsUnavailable(domain.Refusal):
    """STARTTLS without a certificate."""


class AuthenticationRequired(domain.Refusal):
    """The listener takes mail from authenticated clients alone."""


# --- ends of the connection -----------------------------------------------------------------------


class Ending(domain.MailkeepError):
    """The connection closes after this reply."""


class TimedOut(Ending):
    """The peer took longer than it may."""


class ShuttingDown(Ending):
    """The process stops."""


class TooManyErrors(Ending):
    """The peer got more refusals than it may in one connection."""


class NotSmtp(Ending):
    """The peer speaks another protocol, in which what looks like commands need not be the peer's own."""


class Flooded(Ending):
    """A message that goes on and on past its limit."""


class ChunkSyntax(Ending):
    """A BDAT whose size cannot be read, so that its octets cannot be told from commands."""


class CredentialEnded(Ending):
    """The key was revoked or has expired, or the user was disabled."""


# --- the table ------------------------------------------------------------------------------------

_CODES: dict[type[domain.MailkeepError], tuple[int, str]] = {
    domain.PeerError: (501, "5.5.2"),
    CommandUnknown: (500, "5.5.1"),
    CommandNotOffered: (502, "5.5.1"),
    LineTooLong: (500, "5.5.2"),  # RFC 5321 section 4.5.3.1.9
    AuthenticationLineTooLong: (500, "5.5.6"),  # RFC 4954 section 6
    BareLineEnd: (500, "5.5.2"),
    ArgumentSyntax: (501, "5.5.4"),
    HelloSyntax: (501, ""),  # RFC 2034 section 4
    ParameterUnknown: (555, "5.5.4"),  # RFC 5321 section 4.1.1.11
    BadSequence: (503, "5.5.1"),
    SenderSyntax: (501, "5.1.7"),
    RecipientSyntax: (501, "5.1.3"),
    domain.Refusal: (550, "5.7.1"),
    domain.AuthenticationFailed: (535, "5.7.8"),
    domain.RelayDenied: (550, "5.7.1"),
    domain.SenderRefused: (550, "5.7.1"),
    domain.RecipientRefused: (550, "5.1.1"),
    domain.TooLarge: (552, "5.3.4"),  # RFC 1870 section 6.1
    domain.OverQuota: (452, "4.2.2"),  # it may be read and emptied, or claimed
    domain.NeverFits: (552, "5.2.2"),  # RFC 5321 section 4.2.3
    domain.TooManyConnections: (421, "4.7.0"),
    domain.Throttled: (454, "4.7.0"),
    Utf8NotDeclared: (553, "5.6.7"),  # RFC 6531 section 3.5
    TooManyRecipients: (452, "4.5.3"),  # RFC 5321 section 4.5.3.1.10
    ContentRefused: (550, "5.6.0"),
    UrlNotTrusted: (554, "5.7.8"),  # RFC 4468 section 3.5
    UrlUnresolved: (554, "5.6.6"),
    RoutingLoop: (554, "5.4.6"),
    DmarcRefused: (550, "5.7.26"),  # RFC 7372 section 3.3
    SenderUnknown: (550, "5.1.8"),
    SenderNullMx: (550, "5.7.27"),  # RFC 7505 section 4.2
    BlockListed: (550, "5.7.1"),
    Greylisted: (451, "4.7.1"),
    TooFast: (450, "4.7.1"),
    TlsRequired: (530, "5.7.0"),
    TlsUnavailable: (454, "4.7.0"),  # RFC 3207 section 4
    AuthenticationRequired: (530, "5.7.0"),  # RFC 4954 section 6
    sasl.PrivacyRequired: (538, "5.7.11"),
    sasl.UnknownMechanism: (504, "5.5.4"),  # RFC 4954 section 4
    sasl.SaslCancelled: (501, "5.7.0"),
    sasl.SaslTooLong: (500, "5.5.6"),
    Ending: (421, "4.3.0"),
    TimedOut: (421, "4.4.2"),
    ShuttingDown: (421, "4.3.2"),
    TooManyErrors: (421, "4.7.0"),
    NotSmtp: (421, "4.7.0"),
    Flooded: (552, "5.3.4"),
    ChunkSyntax: (501, "5.5.4"),
    CredentialEnded: (421, "4.7.0"),
    domain.SpoolUnavailable: (452, "4.3.1"),
}
_FAULT = (451, "4.3.0")
_FAULT_IN_AUTH = (454, "4.7.0")  # RFC 4954 section 6: temporary authentication failure


def reply_for(error: BaseException, reference: str = "") -> Reply:
    """The reply to an error. `reference` is what the log calls a fault; refusals do not show it."""
    return _reply(error, reference, _FAULT)


def auth_reply_for(error: BaseException, reference: str = "") -> Reply:
    """The same within AUTH, where RFC 4954 has its own code for our faults."""
    return _reply(error, reference, _FAULT_IN_AUTH)


def is_fault(error: BaseException) -> bool:
    """True if the peer is not to blame: the log gets the cause, the peer a reference."""
    return not isinstance(error, domain.PeerError | domain.Refusal | Ending)


def _reply(error: BaseException, reference: str, fault: tuple[int, str]) -> Reply:
    code, enhanced = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), fault)
    if is_fault(error):
        return reply(code, enhanced, f"A local error; try again later (reference {reference or 'none'})")
    return reply(code, enhanced, str(error) or type(error).__name__)
