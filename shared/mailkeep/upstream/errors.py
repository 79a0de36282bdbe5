"""What goes wrong with an account elsewhere: one class, told apart by code, with a sentence for the person.

No sentence holds a token, a password, a SASL response or what a server said beyond a short plain text.
"""

from __future__ import annotations

from enum import StrEnum

from mailkeep.errors import MailkeepError

SERVER_TEXT_LIMIT = 200  # characters of a server's own words that are repeated


class UpstreamCode(StrEnum):
    """Stable names, for scripts and events."""

    CONFIG = "config_invalid"
    SIGN_IN = "needs_sign_in"
    TOKEN = "token_refused"  # noqa: S105  the name of a refusal
    PASSWORD = "password_refused"  # noqa: S105
    UNAVAILABLE = "unavailable"
    PROTOCOL = "protocol"
    REFUSED = "refused"
    REFRESH_UNAVAILABLE = "refresh_unavailable"
    REFRESH_NONSENSE = "refresh_nonsense"
    REFRESH_CLIENT = "refresh_client_refused"
    REFRESH_NONE = "refresh_not_configured"


_TEMPORARY = frozenset({UpstreamCode.UNAVAILABLE, UpstreamCode.REFRESH_UNAVAILABLE})


class UpstreamError(MailkeepError):
    """`code` says what it is, `is_temporary` whether the same may work later."""

    def __init__(self, code: UpstreamCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def is_temporary(self) -> bool:
        """True if nobody has to do anything for it to work again."""
        return self.code in _TEMPORARY


def plain(text: str) -> str:
    """A server's words as they may be shown: one line, printable, cut."""
    words = "".join(char if char.isprintable() else " " for char in text[:SERVER_TEXT_LIMIT])
    return " ".join(words.split())
