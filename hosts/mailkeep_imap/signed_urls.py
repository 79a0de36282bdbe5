"""URLs that open a message to whoever they name (RFC 4467): for URLFETCH, and for CATENATE's parts.

Why a URL opens nothing is told to nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailkeep.delivery.url_content import UrlContent, content_of
from mailkeep.errors import InvalidName, NotFound
from mailkeep.imap.urlauth import INTERNAL, Access, AuthUrl, parse_auth_url
from mailkeep.imap.urls import UrlInvalid
from mailkeep.model.address import Address
from mailkeep.model.directory import User

if TYPE_CHECKING:
    from mailkeep_imap.session import Session


async def opened(session: Session, text: str) -> UrlContent | None:
    """What a signed URL leads to; None if it opens nothing in this session."""
    try:
        url = parse_auth_url(text)
        owner = await user_of(session, url.message.user)
        if owner is None or owner.disabled or not await _may_use(session, url):
            return None
        assert url.message.mailbox is not None
        store = session.host.store
        mailbox = await store.mailboxes.get(owner.account_id, url.message.mailbox)
        secret = await store.url_secrets.find(mailbox.id)
        if url.mechanism != INTERNAL or secret is None or not url.is_signed_by(secret):
            return None
        return await content_of(store.messages, mailbox.id, url.message)
    except (UrlInvalid, NotFound):
        return None


async def _may_use(session: Session, url: AuthUrl) -> bool:
    """Section 3: whom the access identifier means."""
    principal = session.principal
    if principal is None or (url.expires is not None and url.expires <= datetime.now(UTC)):
        return False
    if url.access is Access.USER:
        named = await user_of(session, url.user)
        return named is not None and named.id == principal.user_id
    if url.access is Access.SUBMIT:
        return principal.address.lower() in {one.lower() for one in session.host.imap.submission_users}
    return True


async def user_of(session: Session, name: str | None) -> User | None:
    """Whom a URL names, if there is such a user."""
    try:
        return await session.host.store.directory.user_by_address(Address.parse(name or ""))
    except InvalidName:
        return None
