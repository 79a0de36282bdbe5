"""Users, accounts, domains and addresses as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

LOCAL_ISSUER = "mailkeep"
"""Issuer of users that an operator added by hand; their subject is the address until they sign in."""


class DomainPolicy(StrEnum):
    """What happens to mail for an address of a hosted domain that no user has claimed."""

    STORE_UNLINKED = "store_unlinked"
    REJECT_UNKNOWN = "reject_unknown"
    CATCH_ALL = "catch_all"


class DmarcPolicy(StrEnum):
    """What happens to mail that fails DMARC where its author's domain asks for something to happen.

    JUNK files it apart, whatever was asked. REFUSE refuses it where that was asked, and files the rest apart.
    """

    ACCEPT = "accept"
    JUNK = "junk"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Domain:
    """A hosted domain. `catch_all` is the address that takes the rest under that policy; `greylists` has
    strangers try again before they are let in."""

    name: str
    policy: DomainPolicy
    catch_all: str | None
    created_at: datetime
    dmarc: DmarcPolicy = DmarcPolicy.JUNK
    greylists: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in. `account_id` is where the mail of all their addresses lies; `sign_ins_from` when
    they last ended all sign-ins by token, None if they never did."""

    id: UUID
    account_id: int
    issuer: str
    subject: str
    name: str
    primary_address: str
    disabled: bool
    created_at: datetime
    last_login_at: datetime | None
    sign_ins_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An address that the store knows. `user_id` is None while nobody has claimed it."""

    id: UUID
    address: str
    account_id: int
    user_id: UUID | None
    primary: bool
    verified: bool
    created_at: datetime


class RecipientKind(StrEnum):
    """What the recipient policy says about an address."""

    CLAIMED = "claimed"
    ALIAS = "alias"
    UNCLAIMED = "unclaimed"
    REFUSED = "refused"
    NOT_LOCAL = "not_local"


@dataclass(frozen=True, slots=True)
class Recipient:
    """The policy's answer for one address; `deliver_to` differs from it for tags and catch-alls. `members`
    are whom an alias delivers to in its place, each to be delivered to as it stands; `outside` whom it is
    forwarded to, in domains that are not ours."""

    kind: RecipientKind
    deliver_to: str | None
    members: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """An address of a hosted domain whose mail goes to others, here or elsewhere: one, or a small list."""

    address: str
    targets: tuple[str, ...]
