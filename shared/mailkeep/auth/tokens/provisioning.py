"""From a good token to its user: the one who is known by issuer and subject, or one made at first sight.

Nobody gets an address by writing it into a profile. An address counts when the issuer says that it has
verified it, or when the operator trusts the issuer with the whole domain; and only if the operator lets this
issuer speak for that domain at all. With the address comes the mail that waits for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.tokens.facts import Profile, TokenFacts
from mailkeep.errors import AlreadyExists, InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import LOCAL_ISSUER, User
from mailkeep.net.singleflight import SingleFlight
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Directory

SETTLED_LIMIT = 10_000
"""(user, address) pairs about which nothing is to be done any more."""

log = get_logger(__name__)


class Voucher(Protocol):
    """What the operator lets an issuer say about addresses."""

    def speaks_for(self, address: Address) -> bool:
        """True if it may say whose this address is."""

    def trusts(self, address: Address) -> bool:
        """True if its having the address is proof enough."""


class Provisioning:
    """One a process; several processes may make the same user at once and agree."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._flights: SingleFlight[tuple[str, str], User | Reason] = SingleFlight()
        self._settled: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def user_for(
        self, facts: TokenFacts, voucher: Voucher, ask: Callable[[], Awaitable[TokenFacts]]
    ) -> User:
        """The token's user. `ask` gets the facts with a profile if the token brought none; it is called
        for new users only. Raises Refused, StoreUnavailable, IssuerUnavailable."""
        user = await self._directory.user_by_subject(facts.issuer, facts.subject)
        if user is not None:
            if not user.disabled:
                await self._link(user, facts.profile, voucher)
            return user
        key = (facts.issuer, facts.subject)
        outcome = await self._flights.run(key, lambda: self._first_sight(facts, voucher, ask))
        if isinstance(outcome, Reason):
            raise Refused(outcome)
        return outcome

    async def _first_sight(
        self, facts: TokenFacts, voucher: Voucher, ask: Callable[[], Awaitable[TokenFacts]]
    ) -> User | Reason:
        try:
            if not facts.profile.email:
                facts = await ask()
            return await self._make(facts, verified_address(facts.profile, voucher))
        except Refused as refused:  # a value from here on: several wait for it
            return refused.reason

    async def _make(self, facts: TokenFacts, address: Address) -> User:
        try:
            user = await self._directory.add_user(address, facts.profile.name, facts.issuer, facts.subject)
        except NotFound:
            raise Refused(Reason.EMAIL_DOMAIN) from None
        except AlreadyExists:
            return await self._found_or_adopted(facts, address)
        log.info("a user was made at first sight", user_id=str(user.id), issuer=facts.issuer)
        return user

    async def _found_or_adopted(self, facts: TokenFacts, address: Address) -> User:
        """Another request was faster, or an operator has added this user by hand."""
        user = await self._directory.user_by_subject(facts.issuer, facts.subject)
        if user is not None:
            return user
        owner = await self._directory.user_by_address(address)
        if owner is None or owner.issuer != LOCAL_ISSUER:
            # Another host may have had it adopted by this very subject between the two looks.
            user = await self._directory.user_by_subject(facts.issuer, facts.subject)
            if user is not None:
                return user
            raise Refused(Reason.EMAIL_TAKEN, user_id=owner.id if owner else None)
        if facts.issuer == LOCAL_ISSUER:  # a development token for a further address
            return owner
        if owner.disabled:
            raise Refused(Reason.USER_DISABLED, user_id=owner.id)
        try:
            user = await self._directory.adopt_subject(owner.id, facts.issuer, facts.subject)
        except (AlreadyExists, NotFound):  # adopted meanwhile, by this subject or by another
            user = await self._directory.user_by_subject(facts.issuer, facts.subject)
            if user is None:
                raise Refused(Reason.EMAIL_TAKEN, user_id=owner.id) from None
            return user
        log.info("a local user was adopted by an issuer", user_id=str(user.id), issuer=facts.issuer)
        return user

    async def _link(self, user: User, profile: Profile, voucher: Voucher) -> None:
        """Mail that waits for a verified address that the user has got since. What is not to be had is
        no reason to refuse a sign-in."""
        try:
            address = verified_address(profile, voucher)
        except Refused:
            return
        pair = (str(user.id), address.key)
        if address.key == user.primary_address or pair in self._settled:
            return
        self._settled[pair] = None
        while len(self._settled) > SETTLED_LIMIT:
            self._settled.popitem(last=False)
        try:
            await self._directory.add_address(user.id, address)
        except (AlreadyExists, NotFound):
            return
        except BaseException:
            self._settled.pop(pair, None)
            raise
        log.info("a user got a verified address", user_id=str(user.id))


def verified_address(profile: Profile, voucher: Voucher) -> Address:
    """The profile's address if it counts. Raises Refused with the reason why it does not."""
    if not profile.email:
        raise Refused(Reason.EMAIL_MISSING)
    try:
        address = Address.parse(profile.email)
    except InvalidName:
        raise Refused(Reason.EMAIL_MISSING) from None
    if not voucher.speaks_for(address):
        raise Refused(Reason.EMAIL_DOMAIN)
    if not (profile.email_verified or voucher.trusts(address)):
        raise Refused(Reason.EMAIL_UNVERIFIED)
    return address
