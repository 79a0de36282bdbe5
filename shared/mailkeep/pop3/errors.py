"""What a POP3 client can do wrong on the wire. Each sentence is what the client reads after -ERR.

None of them repeats what the client sent: a password in the wrong place must not come back in a reply or
reach a log.
"""

from __future__ import annotations

from mailkeep.errors import LimitExceeded, PeerError, Refusal


class Pop3Syntax(PeerError):
    """A line that is not a command of RFC 1939 or of an extension that is offered."""


class UnknownCommand(Pop3Syntax):
    """The keyword is not one that this server has."""


class BadArguments(Pop3Syntax):
    """The keyword is known and what follows it is not what it takes."""


class BadLineEnd(Pop3Syntax):
    """A line that ends with LF alone, or holds a CR that ends nothing (RFC 1939 section 3)."""


class BadBase64(Pop3Syntax):
    """A SASL response that is not base64 (RFC 5034 section 4)."""


class SaslAborted(Pop3Syntax):
    """The client sent "*" instead of a SASL response (RFC 5034 section 4)."""


class LineTooLong(Pop3Syntax, LimitExceeded):
    """A line past its limit; all of it was thrown away."""


class WrongState(Pop3Syntax):
    """A command that exists, but not in this state (RFC 1939 section 3)."""


class LoggedInLately(Refusal):
    """The user's last login is not as long ago as LOGIN-DELAY says (RFC 2449 section 6.5)."""


class PrivacyNeeded(Refusal):
    """A secret would cross a connection that others can read (RFC 2595 section 2.3)."""
