"""What the engine raises: the peer's syntax and the peer's excess, and nothing else.

Both carry the tag when it could be read, because RFC 9051 section 7.1.3 answers a command whose tag is
known with a tagged BAD and any other with an untagged one. `fatal` says that the octet stream can no
longer be followed, so that the host must say BYE and close.
"""

from __future__ import annotations

from mailkeep.errors import LimitExceeded, PeerError


class ImapSyntaxError(PeerError):
    """The command does not follow RFC 9051 section 9, or an extension's grammar."""

    def __init__(self, text: str, tag: str | None = None, *, fatal: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.tag = tag
        self.fatal = fatal


class ImapLimitExceeded(LimitExceeded, ImapSyntaxError):
    """A line, literal, list or depth went past its limit. Answered like a syntax error."""


class LiteralTooLarge(ImapLimitExceeded):
    """A literal is larger than it may be here: NO [TOOBIG] (RFC 4469 section 5, RFC 7889 section 4)."""


class UnknownCommand(ImapSyntaxError):
    """No such command in this engine."""


class BadCharset(ImapSyntaxError):
    """SEARCH, SORT or THREAD in a charset that cannot be decoded: NO [BADCHARSET (...)]. `saves` if its
    result was to be saved: an empty one is, then (RFC 5182 section 2.1)."""

    saves = False


class MailboxNameInvalid(ImapSyntaxError):
    """Well-formed as an astring, but no mailbox can have that name: NO [CANNOT]."""


class WrongState(ImapSyntaxError):
    """The command exists and may not be given in this state (RFC 9051 section 3)."""
