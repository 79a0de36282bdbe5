"""Sending as one of our users, for whoever has a message and a proven identity: what SMTP submission does
after its dialogue, without one.

`submit` asks what submission asks: the sender is the user's own, and every recipient may be sent to. All are
asked before anything is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from mailkeep.delivery.authorship import NOBODY, Authorship
from mailkeep.delivery.dispatch import Addressee, Dispatch, Mail
from mailkeep.errors import RecipientRefused, RelayDenied, SenderRefused
from mailkeep.model.address import Address
from mailkeep.model.directory import Recipient, RecipientKind
from mailkeep.model.message import Delivered, PreparedMessage
from mailkeep.model.principal import Principal
from mailkeep.model.queue import Envelope
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Directory, Store


def new_id() -> str:
    """What the client, the log, the queue and the Received field call a message."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a message: `delivered` here, the author's copy included; `queued` for elsewhere."""

    id: str
    delivered: Sequence[Delivered]
    queued: tuple[Address, ...]


class Submitter:
    """Sends for users. One a process. `send_as`: see `authorship`."""

    def __init__(
        self, store: Store, settings: RelaySettings, send_as: Mapping[UUID, frozenset[str]] = NOBODY
    ) -> None:
        self._directory = store.directory
        self._authorship = Authorship(store.directory, send_as)
        self._dispatch = Dispatch(store, settings)
        self._relays = settings.route != "off"

    async def submit(
        self,
        author: Principal,
        message: PreparedMessage,
        sender: Address,
        recipients: Sequence[Address],
        *,
        saves_sent: bool = True,
        id: str = "",
        route: str = "",
    ) -> Submitted:
        """One message to all recipients, Bcc's included; the message itself holds no Bcc field any more.

        `id` is a new one unless given. With `route`, the account elsewhere of that name sends it to all,
        those here too: whoever names it has found that it is the author's and sends from that address.

        Raises SenderRefused, RecipientRefused, RelayDenied, StoreUnavailable.
        """
        if author.user_id is None or not (route or await self._authorship.may(author, sender)):
            raise SenderRefused("The sender is not one of your addresses.")
        if route and not self._relays:
            raise RelayDenied("Mail does not leave this system.")
        addressees = (
            [Addressee(recipient, is_local=False) for recipient in recipients]
            if route
            else [one for recipient in recipients for one in await self.addressees(recipient)]
        )
        mail = Mail(
            id=id or new_id(),
            message=message,
            envelope=Envelope(sender, smtputf8=not all(one.is_ascii for one in (sender, *recipients))),
            addressees=tuple(addressees),
            received_at=datetime.now(UTC),
            author=author,
            saves_sent=saves_sent,
            route=route,
        )
        delivered = await self._dispatch.accept(mail)
        return Submitted(mail.id, delivered, tuple(one.address for one in addressees if not one.is_local))

    async def addressees(self, recipient: Address) -> tuple[Addressee, ...]:
        """Where mail for one address goes. Raises RecipientRefused, RelayDenied, StoreUnavailable."""
        return await addressees_for(self._directory, recipient, relays=self._relays)


async def addressees_for(
    directory: Directory, recipient: Address, *, relays: bool, forwards: bool | None = None
) -> tuple[Addressee, ...]:
    """What the directory says of a recipient, several for a list; elsewhere only if we relay for whoever
    asks, or if our own aliases lead there and we forward, which is as we relay unless said.

    Raises RecipientRefused, RelayDenied, StoreUnavailable.
    """
    answer = await directory.recipient(recipient)
    if answer.kind is RecipientKind.NOT_LOCAL:
        if not relays:
            raise RelayDenied("Relaying denied: that domain is not served here.")
        return (Addressee(recipient, is_local=False),)
    if answer.kind is RecipientKind.ALIAS:
        return _members(recipient, answer, forwards=relays if forwards is None else forwards)
    if answer.kind is RecipientKind.REFUSED or answer.deliver_to is None:
        raise RecipientRefused("There is no such recipient here.")
    same = answer.deliver_to == str(recipient)
    return (Addressee(recipient if same else Address.parse(answer.deliver_to)),)


def _members(alias: Address, answer: Recipient, *, forwards: bool) -> tuple[Addressee, ...]:
    here = tuple(Addressee(Address.parse(member)) for member in answer.members)
    if not forwards:
        if not here:
            raise RelayDenied("That address leads to other servers, and nothing is forwarded from here.")
        return here
    outside = (Addressee(Address.parse(one), is_local=False, alias=alias) for one in answer.outside)
    return (*here, *outside)
