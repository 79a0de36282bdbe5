"""RESETKEY, GENURLAUTH and URLFETCH (RFC 4467).

A URL opens one message or part of its owner's, to those whom it names, until the owner resets the mailbox's
key. Why a URL opens nothing is told to nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailkeep.delivery.url_content import UrlContent
from mailkeep.errors import NotFound, PermissionRefused, StoreCorrupt
from mailkeep.imap.commands.urlauth import GenUrlAuth, ResetKey, UrlFetch
from mailkeep.imap.encoder import string
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.responses import GenUrlAuthData, UrlFetchData
from mailkeep.imap.urlauth import INTERNAL, parse_auth_url
from mailkeep.imap.urls import UrlInvalid
from mailkeep_imap.codes import BadUrl
from mailkeep_imap.outcome import Done
from mailkeep_imap.signed_urls import opened, user_of

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

MECHANISMS = b"URLMECH INTERNAL"


async def reset_key(session: Session, command: ResetKey) -> Done:
    """Section 8: what was signed before is good no longer."""
    if not {INTERNAL}.issuperset(command.mechanisms):
        raise ImapSyntaxError("The only mechanism is INTERNAL.", command.tag)
    store = session.host.store
    if command.mailbox is None:
        await store.url_secrets.reset_all(session.account_id)
        return Done("All keys are removed.")
    mailbox = await store.mailboxes.get(session.account_id, command.mailbox)
    await store.url_secrets.reset(mailbox.id)
    return Done("The key is removed.", MECHANISMS)


async def gen_url_auth(session: Session, command: GenUrlAuth) -> Done:
    """Section 8: for one's own mailboxes. That there is such a message is seen when it is fetched."""
    urls = [await _signed(session, url, mechanism) for url, mechanism in command.urls]
    session.send(GenUrlAuthData(tuple(urls)).encode())
    return Done("GENURLAUTH completed.")


async def _signed(session: Session, text: str, mechanism: str) -> str:
    try:
        url = parse_auth_url(text)
    except UrlInvalid as error:
        raise ImapSyntaxError(error.text) from None
    if mechanism != INTERNAL:
        raise ImapSyntaxError("The only mechanism is INTERNAL.")
    if url.token:
        raise ImapSyntaxError("The URL is signed already.")
    owner = await user_of(session, url.message.user)
    if owner is None or session.principal is None or owner.id != session.principal.user_id:
        raise PermissionRefused("Only URLs of your own mailboxes are signed for you.")
    assert url.message.mailbox is not None
    store = session.host.store
    try:
        mailbox = await store.mailboxes.get(session.account_id, url.message.mailbox)
    except NotFound:
        raise BadUrl(text) from None
    return url.signed(await store.url_secrets.ensure(mailbox.id))


async def url_fetch(session: Session, command: UrlFetch) -> Done:
    """Section 8: each URL is answered, with NIL if it opens nothing."""
    for text in command.urls:
        content = await opened(session, text)
        if content is None:
            session.send(UrlFetchData(text, None).encode())
        else:
            await _send(session, text, content)
        await session.output.make_room()
    return Done("URLFETCH completed.")


async def _send(session: Session, text: str, content: UrlContent) -> None:
    """As a literal, in pieces. Raises PeerGone; what fails in between ends the connection."""
    output, sent = session.output, 0
    output.midway = True
    try:
        output.write(b"* URLFETCH %b {%d}\r\n" % (string(text.encode("ascii")), content.size))
        async for piece in content.chunks():
            sent += len(piece)
            output.write(piece)
            await output.make_room()
        if sent != content.size:
            raise StoreCorrupt("A message is shorter than its index says.")
        output.write(b"\r\n")
    except BaseException:
        output.abort()
        raise
    output.midway = False
