"""Who owns what: domains, users, accounts and addresses. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord, DmarcPolicy, Domain, DomainPolicy, Recipient, User


class Directory(Protocol):
    """Domains, users, accounts and addresses."""

    async def add_domain(
        self, name: str, policy: DomainPolicy = DomainPolicy.STORE_UNLINKED, catch_all: Address | None = None
    ) -> Domain:
        """Host a domain. Raises AlreadyExists, InvalidName."""

    async def remove_domain(self, name: str) -> None:
        """Stop hosting it. Raises NotFound, and InUse while users have addresses in it."""

    async def set_reception(
        self, name: str, dmarc: DmarcPolicy | None = None, greylists: bool | None = None
    ) -> Domain:
        """How a domain takes mail from outside; None leaves it as it is. Raises NotFound."""

    async def domains(self) -> Sequence[Domain]:
        """All hosted domains by name."""

    async def domain(self, name: str) -> Domain | None:
        """One hosted domain by its normal name. Cached in the process; the feed forgets it."""

    async def recipient(self, address: Address) -> Recipient:
        """The recipient policy for one address: exact, then without its +tag, then the domain's policy.

        NOT_LOCAL if the domain is not ours. `postmaster` of a hosted domain is never refused
        (RFC 5321 section 4.5.1). Writes nothing.
        """

    async def add_user(self, address: Address, name: str = "", issuer: str = "", subject: str = "") -> User:
        """Make a user whose primary, verified address this is; all mail that waits for it becomes theirs.

        The cost does not grow with that mail. An empty issuer means LOCAL_ISSUER and the address as
        subject. Raises AlreadyExists if the address or (issuer, subject) belongs to somebody,
        NotFound if the domain is not hosted.
        """

    async def adopt_subject(self, user_id: UUID, issuer: str, subject: str) -> User:
        """Let an issuer know a user by this subject from now on, whom none has known so far (LOCAL_ISSUER).

        Raises AlreadyExists if the subject is another user's, NotFound if the user is no local one any
        more: of several who try at once, one succeeds.
        """

    async def users(self) -> Sequence[User]:
        """All users by primary address."""

    async def user(self, user_id: UUID) -> User | None:
        """One user by id."""

    async def user_by_address(self, address: Address) -> User | None:
        """The user who has claimed the address."""

    async def user_by_subject(self, issuer: str, subject: str) -> User | None:
        """The user whom an issuer knows by this subject."""

    async def set_name(self, user_id: UUID, name: str) -> None:
        """Set what a user is called; the feed names the user. Raises NotFound."""

    async def set_disabled(self, user_id: UUID, disabled: bool) -> None:
        """Disable or enable; the feed names the user. Raises NotFound."""

    async def end_sign_ins(self, user_id: UUID) -> None:
        """What was signed in by an access token so far is over; the feed names the user. Raises NotFound."""

    async def add_address(self, user_id: UUID, address: Address) -> AddressRecord:
        """Give a user a further address, on the word of somebody who knows that it is theirs: mail waiting
        for it moves into their INBOX with new UIDs, in one transaction. Raises AlreadyExists, NotFound."""

    async def remove_address(self, address: Address) -> None:
        """Take an address from its user; mail received so far stays. Raises NotFound, InUse if primary."""

    async def addresses(self, user_id: UUID | None = None) -> Sequence[AddressRecord]:
        """Addresses of one user, or all that the store knows, unclaimed ones included."""

    async def owns(self, user_id: UUID, address: Address) -> bool:
        """True if the address, with or without its +tag, is a verified one of the user's."""

    async def touch_logins(self, seen: Sequence[tuple[UUID, datetime]]) -> None:
        """Set last_login_at for many users at once."""
