"""What is asked about mail from outside: who may send it, and what its recipients' domains want of the
answer.

A message has one answer after its DATA, for all recipients: it is refused for DMARC only if each of their
domains refuses. Otherwise those that would have refused file it apart.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mailkeep.delivery.dispatch import Addressee
from mailkeep.errors import StoreUnavailable
from mailkeep.mailauth.dnsbl import listed_by
from mailkeep.mailauth.verdict import Disposition, Verdict
from mailkeep.model.directory import DmarcPolicy
from mailkeep.model.dns import DnsUnavailable, NoRecords, NoSuchName
from mailkeep.net.dns import Resolver
from mailkeep.net.limits import network_of
from mailkeep.net.networks import Networks
from mailkeep.observe.logs import get_logger
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.smtp.errors import BlockListed, DmarcRefused, Greylisted, SenderNullMx, SenderUnknown
from mailkeep.smtp.paths import ForwardPath, ReversePath
from mailkeep.storage.interface import Store
from mailkeep_smtp.policy import Arrived, Client, Stamp

if TYPE_CHECKING:
    from mailkeep.mailauth.arc import ArcResult
    from mailkeep.mailauth.results import Results

POSTMASTER = "postmaster"
"""Who is always reached (RFC 5321 section 4.5.1), also to be told of a wrong listing."""

FORGETTING_SECONDS = 3600.0
FORGOTTEN_AT_ONCE = 5000  # rows of one transaction

log = get_logger(__name__)


class Verification:
    """The checks of one process. `hostname` is the name under which results are noted."""

    def __init__(self, settings: ReceptionSettings, resolver: Resolver, store: Store, hostname: str) -> None:
        self._settings = settings
        self._resolver = resolver
        self._store = store
        self._hostname = hostname
        self._trusted = Networks(settings.trusted_networks)

    def is_trusted(self, client: Client) -> bool:
        """True if nothing is asked about this client. One without an IP address came by a socket file."""
        return not client.peer.host or client.peer.host in self._trusted

    async def check_sender(self, path: ReversePath) -> None:
        """Raises SenderUnknown, SenderNullMx. A domain that DNS cannot tell of now is let pass."""
        if path.address is None or not self._settings.refuse_impossible_senders:
            return
        domain = path.address.domain
        if domain.startswith("["):  # an address literal is asked of nobody
            return
        lookups = self._resolver.for_message()
        try:
            exchangers = (await lookups.mx(domain)).records
        except NoSuchName:
            raise SenderUnknown("The sender's domain does not exist.") from None
        except (NoRecords, DnsUnavailable):
            return
        if all(not exchanger.host for exchanger in exchangers):
            raise SenderNullMx("The sender's domain takes no mail (null MX).")

    async def check_recipient(self, client: Client, sender: ReversePath, path: ForwardPath) -> None:
        """Raises BlockListed, Greylisted, StoreUnavailable."""
        address = path.address
        if address is None or address.local.casefold() == POSTMASTER:
            return
        if self._settings.blocklists:
            zone = await listed_by(client.peer.host, self._settings.blocklists, self._resolver.for_message())
            if zone:
                raise BlockListed(f"Your address is listed by {zone}.")
        domain = await self._store.directory.domain(address.domain)
        if domain is not None and domain.greylists:
            await self._greylist(f"{_greylisted_network(client.peer.host)} {sender} {address.key}")

    async def _greylist(self, attempt: str) -> None:
        digest = hashlib.sha256(attempt.encode()).digest()
        delay = timedelta(seconds=self._settings.greylist_seconds)
        if not await self._store.greylist.admits(digest, datetime.now(UTC), delay):
            raise Greylisted("Greylisted: try again later.")

    async def forget_strangers(self) -> None:
        """Runs for ever: attempts that led to nothing for long are forgotten, every hour."""
        while True:
            await asyncio.sleep(FORGETTING_SECONDS)
            before = datetime.now(UTC) - timedelta(seconds=self._settings.greylist_forget_seconds)
            try:
                while await self._store.greylist.prune(before, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
                    continue
            except StoreUnavailable:
                log.warning("the store is away; attempts are forgotten later")

    async def check_message(self, client: Client, arrived: Arrived, header: bytes) -> Stamp:
        """What was found noted above the message, and what its recipients' domains make of it.

        Raises DmarcRefused, StoreUnavailable, SpoolUnavailable.
        """
        if not self._settings.check_senders:
            return Stamp(header)
        # Cryptography and the public suffix list cost 200 ms, which a host pays when a stranger comes first.
        from mailkeep.mailauth.checks import SmtpClient, check_message  # noqa: PLC0415
        from mailkeep.mailauth.results import render  # noqa: PLC0415

        sender = str(arrived.reverse_path.address or "")
        asked = SmtpClient(client.peer.host, client.helo, sender)
        results = await check_message(
            arrived.message,
            asked,
            self._resolver.for_message(),
            int(time.time()),
            lambda: secrets.randbelow(100),
        )
        self._log(arrived, results)
        junk = await self._junk(arrived.addressees, self._disposition(results))
        return Stamp(header, render(self._hostname, results), junk, results.arc)

    async def chain(self, arrived: Arrived) -> ArcResult:
        """What the message's ARC sets are worth, where nothing else is asked of it."""
        from mailkeep.mailauth import arc  # noqa: PLC0415  as below

        return await arc.verify(arrived.message, self._resolver.for_message())

    def _disposition(self, results: Results) -> Disposition:
        """What the author's domain asks for, unless a sealer that we trust saw it pass (RFC 8617 section
        7.2)."""
        chain = results.arc
        sealed = chain.verdict is Verdict.PASS and chain.sealer in self._settings.trusted_sealers
        return Disposition.NONE if sealed and chain.saw_dmarc_pass else results.dmarc.disposition

    async def _junk(self, addressees: Iterable[Addressee], asked: Disposition) -> frozenset[str]:
        """Keys of those who get it as junk. Raises DmarcRefused if all of them refuse it."""
        if asked is Disposition.NONE:
            return frozenset()
        policies = {one.address.key: await self._policy(one) for one in addressees}
        leaves = {one.address.key for one in addressees if one.alias is not None}
        if any(policies[key] is not DmarcPolicy.ACCEPT for key in leaves):
            # Forwarded it could pass elsewhere, as ours: an alias must not launder it.
            raise DmarcRefused("The message fails DMARC, and such mail is not forwarded.")
        if asked is Disposition.REJECT and set(policies.values()) == {DmarcPolicy.REFUSE}:
            raise DmarcRefused("The message fails DMARC, and its author's domain asks to refuse such mail.")
        return frozenset(key for key, policy in policies.items() if policy is not DmarcPolicy.ACCEPT)

    async def _policy(self, addressee: Addressee) -> DmarcPolicy:
        address = addressee.alias or addressee.address
        domain = await self._store.directory.domain(address.domain)
        return DmarcPolicy.JUNK if domain is None else domain.dmarc

    def _log(self, arrived: Arrived, results: Results) -> None:
        log.info(
            "checked",
            id=arrived.id,
            iprev=results.iprev.verdict.value,
            spf=results.spf.verdict.value,
            spf_helo=results.spf_helo.verdict.value if results.spf_helo else "",
            dkim=",".join(item.verdict.value for item in results.dkim) or Verdict.NONE.value,
            arc=results.arc.verdict.value,
            dmarc=results.dmarc.verdict.value,
            author=results.dmarc.domain,
        )


def _greylisted_network(host: str) -> str:
    """Large senders try again from another machine of the same network."""
    return network_of(host) if ":" in host else host.rpartition(".")[0]
