"""Empties the queue of outgoing mail: claims what is due, gives it to its destinations, keeps leases alive.

Several processes may run on one queue; each recipient is in the hands of one. It holds nothing that is not in
the database: killed at any moment, what it had in hand is free when the lease ends, and what it had sent but
not written down goes out again. Stopped in order, it finishes the messages that are on the wire and gives the
rest back at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from mailkeep.delivery.remote.accounts import Accounts
from mailkeep.delivery.remote.credentials import Credentials
from mailkeep.delivery.remote.destination import Destination, Job, Means
from mailkeep.delivery.remote.eight_bit import SevenBit
from mailkeep.delivery.remote.homecoming import Homecoming
from mailkeep.delivery.remote.opening import Opener
from mailkeep.delivery.remote.routing import Router
from mailkeep.delivery.remote.schedule import Schedule
from mailkeep.delivery.remote.session import ONE_FLIGHT, RECIPIENTS_LIMIT
from mailkeep.delivery.remote.settling import Settler
from mailkeep.delivery.remote.sts import Policies
from mailkeep.delivery.reporting import Reporter
from mailkeep.delivery.signing import Signer
from mailkeep.errors import StoreUnavailable
from mailkeep.model.dns import Lookups
from mailkeep.model.queue import Claimed, Settlement
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import cause_of, get_logger, new_correlation_id
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store, Topic, TopicKind

IN_HAND = 1000  # recipients that one process has claimed
IN_HAND_PER_DOMAIN = 200  # so that a large destination leaves room for the others
CLAIM = 250  # recipients in one statement
SWEEP_SECONDS = 30.0  # look without a hint: the feed may lose one, and leases of the dead end
GATHER_SECONDS = 0.01  # after a hint, so that under load each claim takes many
CROWDED_SECONDS = 0.5  # until domains that have enough in hand are looked at again
AGAIN_SECONDS = 1.0  # after the database did not answer
GIVE_BACK_SECONDS = 1.0  # when a host stops and its database does not answer
SESSIONS_PER_ACCOUNT = 1  # of an account elsewhere: providers count them
SMARTHOST = "smarthost"
HERE = "here"  # no domain: that has a dot, or is an address

log = get_logger(__name__)


class QueueRunner:
    """`run` as an owned task, then `close`. `hostname` is what we call ourselves."""

    def __init__(
        self,
        store: Store,
        settings: RelaySettings,
        resolver: Lookups,
        reporter: Reporter,
        hostname: str,
        *,
        policies: Policies | None = None,
        signer: Signer | None = None,
        accounts: Accounts | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """`policies` are what MTA-STS says, unless they are to be fetched as the settings have it. `signer`
        signs anew what has to be converted; without it, that goes on with signatures that fail. `accounts`
        are those elsewhere by which mail may leave. `credentials` are for the smarthost, unless they lie in
        the files that the settings name."""
        self._store = store
        self._settings = settings
        self._tasks = TaskRegistry()
        self._settler = Settler(store.queue, reporter, Schedule(settings), self._settled)
        router = Router(settings, resolver, hostname, policies)
        self._means = Means(
            queue=store.queue,
            accounts=accounts,
            router=router,
            opener=Opener(settings, router, hostname, credentials),
            seven_bit=SevenBit(reporter.directory, signer),
            sessions=asyncio.Semaphore(settings.connections),
            spawn=self._spawn,
            take=self._settler.take,
            dropped=lambda claimed: self._settled([one.id for one in claimed]),
        )
        self._homecoming = Homecoming(
            store,
            reporter.dispatch,
            reporter,
            reporter.directory,
            take=self._settler.take,
            settled=self._settled,
            forwards=settings.forwarding != "off",
        )
        self._in_hand: dict[str, Claimed] = {}
        self._counts: Counter[str] = Counter()  # of these, by domain
        self._crowded: set[str] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._destinations: dict[str, Destination] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._claiming = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled or closed."""
        unwatch = self._store.feed.watch(Topic(TopicKind.QUEUE), self._wake.set)
        self._tasks.spawn(self._settler.run(), "relay settler")
        self._tasks.spawn(self._settler.run_reports(), "relay reports")
        self._tasks.spawn(self._keep_leases(), "relay leases")
        try:
            while not self._stopping:
                self._wake.clear()
                async with self._claiming:
                    pause = await self._claim()
                await self._pause(pause)
        finally:
            unwatch()

    async def close(self, seconds: float) -> None:
        """Finish what is on the wire within `seconds`, and give back the rest if the database lets us."""
        self._stopping = True
        self._wake.set()
        try:
            async with asyncio.timeout(seconds):
                async with self._claiming:  # what is being claimed comes back, too
                    pass
                await self._give_back(self._not_begun())
                await self._empty.wait()
        except TimeoutError:
            log.warning("mail was on the wire for too long", recipients=len(self._in_hand))
        await self._tasks.close(1.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._settler.flush()
                await self._give_back(list(self._in_hand.values()))

    def _not_begun(self) -> list[Claimed]:
        return [one for destination in self._destinations.values() for one in destination.stop()]

    # --- claiming ---------------------------------------------------------------------------------

    async def _claim(self) -> float:
        """Take what is due and there is room for; seconds until it is worth looking again."""
        room = min(IN_HAND - len(self._in_hand), CLAIM)
        if room <= 0:
            return SWEEP_SECONDS  # or until something is settled
        try:
            lease = secrets.token_hex(8)
            self._crowded = self._busy()
            seconds = self._settings.lease_seconds
            claimed = await self._store.queue.claim(lease, room, seconds, sorted(self._crowded))
            await self._accept(claimed)
            return 0.0 if len(claimed) == room else await self._until_next()
        except StoreUnavailable as error:
            log.warning("the queue cannot be read", reason=str(error))
        except Exception as error:  # whatever it is, the queue must not stand still for it
            log.error("the queue cannot be worked on", correlation_id=new_correlation_id(), **cause_of(error))
        return AGAIN_SECONDS

    async def _until_next(self) -> float:
        next_at = await self._store.queue.next_at()
        if next_at is None:
            return SWEEP_SECONDS
        seconds = (next_at - datetime.now(UTC)).total_seconds()
        return min(max(seconds, CROWDED_SECONDS if self._crowded else GATHER_SECONDS), SWEEP_SECONDS)

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
        except TimeoutError:
            return

    async def _accept(self, claimed: Sequence[Claimed]) -> None:
        """Small messages are read at once, all together; a large one when its turn comes."""
        if not claimed:
            return
        for one in claimed:
            self._in_hand[one.id] = one
            self._counts[one.recipient.domain] += 1
            self._empty.clear()
        try:
            ids = sorted({one.message_id for one in claimed})
            loaded = await self._store.queue.messages(ids, ONE_FLIGHT)
            keys = [await self._key(one) for one in claimed]
        except StoreUnavailable:
            self._settled([one.id for one in claimed])  # and free when their lease ends
            raise
        if self._stopping:
            await self._give_back(claimed)
            return
        jobs: dict[tuple[str, str], list[Claimed]] = {}
        for key, one in zip(keys, claimed, strict=True):
            jobs.setdefault((key, one.message_id), []).append(one)
        for (key, message_id), recipients in jobs.items():
            for start in range(0, len(recipients), RECIPIENTS_LIMIT):
                some = tuple(recipients[start : start + RECIPIENTS_LIMIT])
                self._begin(key, Job(message_id, some, loaded.get(message_id)))

    def _begin(self, key: str, job: Job) -> None:
        if job.recipients[0].route:
            self._account(job.recipients[0].route).add(job)
        elif key == HERE:
            self._tasks.spawn(self._homecoming.deliver(job), "deliver here")
        else:
            self._destination(key).add(job)

    def _destination(self, key: str) -> Destination:
        found = self._destinations.get(key)
        if found is None:
            for name in [name for name, known in self._destinations.items() if known.is_empty]:
                del self._destinations[name]
            found = Destination(key, self._means, self._settings.connections_per_domain)
            self._destinations[key] = found
        return found

    def _account(self, route: str) -> Destination:
        """The account elsewhere of that name. No domain has a blank in it."""
        key = f"account {route}"
        if key not in self._destinations:
            self._destinations[key] = Destination(key, self._means, SESSIONS_PER_ACCOUNT, route)
        return self._destinations[key]

    async def _key(self, one: Claimed) -> str:
        if one.route:
            return one.route
        if await self._store.directory.domain(one.recipient.domain) is not None:
            return HERE
        return SMARTHOST if self._settings.route == SMARTHOST else one.recipient.domain

    def _busy(self) -> set[str]:
        """Domains that have enough in hand."""
        if self._settings.route == SMARTHOST:
            return set()
        return {domain for domain, count in self._counts.items() if count >= IN_HAND_PER_DOMAIN}

    # --- in hand ----------------------------------------------------------------------------------

    def _settled(self, ids: Iterable[str]) -> None:
        was_full = len(self._in_hand) >= IN_HAND // 2
        for one in ids:
            self._let_go(one)
        if was_full and len(self._in_hand) < IN_HAND // 2:
            self._wake.set()
        if not self._in_hand:
            self._empty.set()

    def _let_go(self, id: str) -> None:
        claimed = self._in_hand.pop(id, None)
        if claimed is None:
            return
        domain = claimed.recipient.domain
        self._counts[domain] -= 1
        if not self._counts[domain]:
            del self._counts[domain]
        if domain in self._crowded and self._counts[domain] < IN_HAND_PER_DOMAIN // 2:
            self._crowded.discard(domain)
            self._wake.set()

    async def _keep_leases(self) -> None:
        """Renew what is in hand well before it ends."""
        while True:
            await asyncio.sleep(self._settings.lease_seconds / 3)
            if not self._in_hand:
                continue
            try:
                await self._store.queue.renew(list(self._in_hand.values()), self._settings.lease_seconds)
            except StoreUnavailable as error:
                log.warning("leases cannot be renewed", reason=str(error))

    async def _give_back(self, claimed: Sequence[Claimed]) -> None:
        now = datetime.now(UTC)
        back = [Settlement(one.id, one.lease, now, counts=False) for one in claimed]
        self._settled([one.id for one in claimed])
        try:
            await self._store.queue.settle(back)
        except StoreUnavailable:
            log.warning("what was in hand waits for its leases to end", recipients=len(back))

    def _spawn(self, work: Awaitable[None], name: str) -> asyncio.Task[None]:
        return self._tasks.spawn(cast("Any", work), name)
