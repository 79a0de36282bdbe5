"""Mail of others on its way to where an alias of ours leads, and reports about it on their way back.

Three things are done that honest forwarders do: the reverse-path is rewritten (SRS), what we found is sealed
with the keys of the alias's domain (ARC), and the alias is named in Delivered-To, by which a loop is known.
What our own users send needs none of it: their domain is ours. From the message itself nothing is taken or
changed.
"""

from __future__ import annotations

import time

from mailkeep.delivery.dispatch import Addressee
from mailkeep.delivery.submit import addressees_for
from mailkeep.errors import InvalidName, RecipientRefused
from mailkeep.mime import headers
from mailkeep.model.address import Address, normal_domain
from mailkeep.observe.logs import get_logger
from mailkeep.settings_relay import RelaySettings
from mailkeep.smtp.errors import RoutingLoop
from mailkeep.smtp.srs import Srs, SrsInvalid, is_srs
from mailkeep.storage.interface import Store

SECRET = "srs"  # noqa: S105  a name, under which the store keeps it

log = get_logger(__name__)


class Forwarder:
    """One a process."""

    def __init__(self, store: Store, settings: RelaySettings) -> None:
        self._store = store
        self._rewrites = settings.forwarding == "srs"
        self._domain = normal_domain(settings.srs_domain) if settings.srs_domain else ""
        self._srs: Srs | None = None
        self.is_on = settings.route != "off" and settings.forwarding != "off"
        """Whether aliases lead elsewhere at all."""

    # --- out --------------------------------------------------------------------------------------

    async def reverse_path(self, sender: Address | None, alias: Address) -> Address | None:
        """Under which mail for `alias` leaves. One that cannot be rewritten stays: better late SPF than no
        mail. Raises StoreUnavailable."""
        if sender is None or not self._rewrites:
            return sender
        try:
            return (await self._scheme()).forward(sender, self._domain or alias.domain, time.time())
        except InvalidName:
            log.info("too long to be rewritten", sender=str(sender))
            return sender

    # --- back -------------------------------------------------------------------------------------

    async def original(self, address: Address) -> Address | None:
        """Whom a rewritten address of ours means; None if it is no such address.

        Raises RecipientRefused if it is not good any more, StoreUnavailable.
        """
        if not self.is_on or not self._rewrites or not is_srs(address):
            return None
        if address.domain != self._domain and await self._store.directory.domain(address.domain) is None:
            return None
        try:
            return (await self._scheme()).reverse(address, time.time())
        except SrsInvalid as error:
            raise RecipientRefused(str(error)) from None

    async def returned(self, address: Address) -> tuple[Addressee, ...] | None:
        """Where a report to a rewritten address goes; None if it is no such address.

        Raises RecipientRefused, RelayDenied, StoreUnavailable.
        """
        original = await self.original(address)
        if original is None:
            return None
        return await addressees_for(self._store.directory, original, relays=True)

    async def _scheme(self) -> Srs:
        if self._srs is None:
            self._srs = Srs(await self._store.secrets.ensure(SECRET))
        return self._srs


def refuse_delivered(header: bytes, alias: Address) -> None:
    """Raises RoutingLoop if a message has been to the alias before."""
    for name, raw in headers.fields(header):
        if name.lower() != b"delivered-to":
            continue
        try:
            been = Address.parse(headers.unfold(raw.partition(b":")[2]).decode("utf-8").strip("<>"))
        except (InvalidName, UnicodeDecodeError):
            continue
        if been.without_tag().key == alias.without_tag().key:
            raise RoutingLoop(f"The message has been delivered to {alias} already: a forwarding loop.")
