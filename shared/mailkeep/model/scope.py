"""What a credential opens. A closed set: an unknown word is an error, never a guess."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from mailkeep.errors import InvalidName


class Scope(StrEnum):
    """One door. The protocol scopes open one host each; the rest belong to the API."""

    SMTP = "smtp"
    POP3 = "pop3"
    IMAP = "imap"
    API_READ = "api:read"
    API_WRITE = "api:write"
    APP = "app"
    INTERNAL = "internal"


USER_SCOPES: frozenset[Scope] = frozenset(Scope) - {Scope.INTERNAL}
"""All that a user may have; what a key made without scopes gets. `internal` is minted by an operator."""

API_SCOPES: frozenset[Scope] = frozenset({Scope.API_READ, Scope.API_WRITE, Scope.APP, Scope.INTERNAL})
"""A key must hold one of these to be taken by the API host at all; without, the answer is 401."""


def parse_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Scopes from their names, in any case. Raises InvalidName for a word that is not one."""
    scopes = set()
    for word in words:
        try:
            scopes.add(Scope(word.strip().lower()))
        except ValueError:
            known = ", ".join(scope.value for scope in Scope)
            raise InvalidName(f"'{word}' is not a scope; the scopes are {known}.") from None
    return frozenset(scopes)


def format_scopes(scopes: Iterable[Scope]) -> tuple[str, ...]:
    """Names of the scopes in the order of their definition, for storage and display."""
    held = set(scopes)
    return tuple(scope.value for scope in Scope if scope in held)
