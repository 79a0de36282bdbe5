"""What an account may hold, and what it holds (RFC 9208), as values.

Octets are those of RFC822.SIZE, summed over the mailboxes of the account: a message in two mailboxes counts
twice, as every client counts it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.errors import NeverFits, OverQuota


@dataclass(frozen=True, slots=True)
class Limits:
    """Octets and messages; 0 is no limit."""

    storage: int = 0
    messages: int = 0

    def __bool__(self) -> bool:
        return bool(self.storage or self.messages)


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class DefaultLimits:
    """The operator's settings, for accounts that have no limits of their own."""

    claimed: Limits = NO_LIMITS
    unclaimed: Limits = NO_LIMITS

    def of(self, *, claimed: bool, storage: int | None, messages: int | None) -> Limits:
        """An account's limits, from its own ones: None is the default's."""
        default = self.claimed if claimed else self.unclaimed
        return Limits(
            default.storage if storage is None else storage,
            default.messages if messages is None else messages,
        )


@dataclass(frozen=True, slots=True)
class Quota:
    """`storage` and `messages` are what is used."""

    storage: int
    messages: int
    limits: Limits

    def require(self, octets: int, messages: int = 1) -> None:
        """Raises NeverFits for more than the account could hold when empty, OverQuota if there is no room."""
        most = self.limits
        if most.storage and octets > most.storage:
            raise NeverFits(f"The mailbox holds at most {most.storage} octets.")
        if most.storage and self.storage + octets > most.storage:
            raise OverQuota(f"The mailbox is full: it holds {self.storage} of {most.storage} octets.")
        if most.messages and self.messages + messages > most.messages:
            raise OverQuota(f"The mailbox is full: it holds {self.messages} of {most.messages} messages.")
