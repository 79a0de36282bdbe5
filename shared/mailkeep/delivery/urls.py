"""Messages that a user sends by their URLs (RFC 4468): opened as the IMAP host's URLFETCH opens them.

Both hosts look at the same mailboxes and secrets, so that nothing is asked of anybody: the URL's own
signature (RFC 4467) says that the mailbox's owner has given it away, and its access identifier to whom.
"""

from __future__ import annotations

from datetime import UTC, datetime

from mailkeep.delivery.url_content import UrlContent, content_of
from mailkeep.errors import InvalidName, NotFound
from mailkeep.imap.urlauth import INTERNAL, Access, AuthUrl, parse_auth_url
from mailkeep.imap.urls import UrlInvalid
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.principal import Principal
from mailkeep.smtp.errors import ArgumentSyntax, UrlNotTrusted, UrlUnresolved
from mailkeep.storage.interface import Store


class UrlOpener:
    """Opens URLs for those who submit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, text: str, principal: Principal) -> UrlContent:
        """What a URL leads to. Raises ArgumentSyntax, UrlNotTrusted, UrlUnresolved (RFC 4468 section 3.5),
        StoreUnavailable."""
        try:
            url = parse_auth_url(text)
        except UrlInvalid:
            raise ArgumentSyntax("BURL takes an IMAP URL with URLAUTH, signed.") from None
        if not await self._may_use(url, principal):
            raise UrlNotTrusted("The URL is not for you, or not any more.")
        try:
            return await self._opened(url)
        except (NotFound, UrlInvalid):  # which of them, nobody learns
            raise UrlUnresolved("The URL leads to nothing.") from None

    async def _may_use(self, url: AuthUrl, principal: Principal) -> bool:
        """RFC 4467 section 3: "submit+" names the user for whom we send, "user+" who may read."""
        if url.expires is not None and url.expires <= datetime.now(UTC):
            return False
        if url.access in {Access.SUBMIT, Access.USER}:
            named = await self._user(url.user)
            return named is not None and named.id == principal.user_id
        return True

    async def _opened(self, url: AuthUrl) -> UrlContent:
        owner = await self._user(url.message.user)
        if owner is None or owner.disabled or url.message.mailbox is None or url.mechanism != INTERNAL:
            raise NotFound("There is no such mailbox.")
        mailbox = await self._store.mailboxes.get(owner.account_id, url.message.mailbox)
        secret = await self._store.url_secrets.find(mailbox.id)
        if secret is None or not url.is_signed_by(secret):
            raise NotFound("The signature is not good.")
        return await content_of(self._store.messages, mailbox.id, url.message)

    async def _user(self, name: str | None) -> User | None:
        try:
            return await self._store.directory.user_by_address(Address.parse(name or ""))
        except InvalidName:
            return None
