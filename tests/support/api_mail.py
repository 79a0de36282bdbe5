"""Mail for the API's tests, put into the store as the SMTP host would."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import httpx2
from tests.support.api_host import ApiHost

from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.flags import NO_FLAGS, Flags
from mailkeep.model.message import Delivery, DeliveryTarget, NewMessage
from mailkeep.model.scope import Scope

ANN, BOB = Address.parse("ann@example.test"), Address.parse("bob@example.test")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RICH = b"""\
From: =?utf-8?q?J=C3=BCrgen?= <j@other.test>\r
To: Ann <ann@example.test>, undisclosed: ;, bob@example.test\r
Cc: "C, D" <c@other.test>\r
Bcc: secret@other.test\r
Subject: =?utf-8?b?w5xiZXI=?= files\r
Message-ID: <rich@other.test>\r
Content-Type: multipart/mixed; boundary=m\r
\r
--m\r
Content-Type: multipart/alternative; boundary=a\r
\r
--a\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=FC=DFe\r
--a\r
Content-Type: text/html\r
\r
<p>Hi</p>\r
--a--\r
--m\r
Content-Type: application/pdf; name=x.pdf\r
Content-Transfer-Encoding: base64\r
\r
aGVsbG8=\r
--m--\r
"""


async def deliver(
    api: ApiHost, octets: bytes, *to: Address, at: datetime = NOON, flags: Flags = NO_FLAGS
) -> UUID:
    targets = tuple(DeliveryTarget(address, flags=flags) for address in to or (ANN,))
    done = await api.store.committer.deliver(Delivery(prepare(octets), targets, at))
    return done[0].email_id


async def reading(api: ApiHost, address: Address = ANN) -> httpx2.AsyncClient:
    return api.client(await api.key(await api.user(str(address)), Scope.API_READ))


def plain(subject: str, body: str = "Hello.") -> bytes:
    head = f"From: Bob <b@other.test>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@t>\r\n"
    return f"{head}\r\n{body}\r\n".encode()


async def writing(api: ApiHost, address: Address = ANN) -> httpx2.AsyncClient:
    """A client of a new user, who may read and write."""
    return api.client(await api.key(await api.user(str(address)), Scope.API_READ, Scope.API_WRITE))


async def keep(
    api: ApiHost, address: Address, mailbox: str, octets: bytes, at: datetime = NOON, flags: Flags = NO_FLAGS
) -> None:
    """Put a message into a mailbox of a user, as a mail program does."""
    user = await api.store.directory.user_by_address(address)
    assert user is not None
    box = await api.store.mailboxes.get(user.account_id, mailbox)
    await api.store.committer.append(box.id, [NewMessage(prepare(octets), at, flags)])
