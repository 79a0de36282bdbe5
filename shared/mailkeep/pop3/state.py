"""The states of a session and the one table that says which command belongs to which (RFC 1939 section 3)."""

from __future__ import annotations

from enum import Enum

from mailkeep.pop3 import commands as c
from mailkeep.pop3.errors import WrongState


class State(Enum):
    """RFC 1939 section 3."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"


_A = frozenset({State.AUTHORIZATION})
_T = frozenset({State.TRANSACTION})
_BOTH = _A | _T

ALLOWED: dict[type[c.Command], frozenset[State]] = {
    c.Capa: _BOTH,  # RFC 2449 section 5
    c.Lang: _BOTH,  # RFC 6856 section 3
    c.Quit: _BOTH,
    c.User: _A,
    c.Pass: _A,
    c.Auth: _A,  # RFC 5034 section 4
    c.Stls: _A,  # RFC 2595 section 4
    c.Utf8: _A,  # RFC 6856 section 2.1
    c.Noop: _T,
    c.Stat: _T,
    c.List: _T,
    c.Uidl: _T,
    c.Retr: _T,
    c.Top: _T,
    c.Dele: _T,
    c.Rset: _T,
}
"""UPDATE stands nowhere: a client has nothing more to say once QUIT has entered it."""

_REFUSALS = {
    State.AUTHORIZATION: "Authenticate first.",
    State.TRANSACTION: "The session is authenticated already.",
    State.UPDATE: "The session is over.",
}


def check(command: c.Command, state: State) -> None:
    """Raises WrongState if the command does not belong to the state."""
    if state not in ALLOWED[type(command)]:
        raise WrongState(_REFUSALS[state])
