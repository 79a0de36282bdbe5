"""Sends the news of messages to the browsers that asked for it.

Push is best effort (RFC 8030): what cannot be handed over in time is not kept, because a browser that comes
back reads its lists anyway. News waits in a bounded queue, and mail for those who have no subscription costs
a look into a set. A subscription that its push service knows no more is removed. News that comes to several
processes, or to one again, is sent by whoever claims it first in the store, and by nobody else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

from mailkeep.errors import SettingsError, StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.settings import Settings
from mailkeep.storage.interface import PushSubscription, Store
from mailkeep_api.pushing import endpoints, vapid
from mailkeep_api.pushing.vapid import VapidKey
from mailkeep_api.schemas.notifications import NewEmail

if TYPE_CHECKING:
    import httpx2

WAITING_LIMIT = 1000  # news of one process that wait for their push service
WORKERS = 4
SEND_SECONDS = 10.0
TTL_SECONDS = 24 * 3600  # how long a push service keeps it for a browser that is away
CLAIMS_KEPT_SECONDS = 24 * 3600.0
FORGET_SECONDS = 3600.0
_CLAIMS = UUID(
    "3a7a6f0e-3c0b-4c0e-9a54-5b0f2d8f5c11"
)  # the name space of claims, as RFC 9562 section 5.5 wants
REFRESH_SECONDS = 30.0  # how soon a subscription that another process took is known here
FROM_CUT, SUBJECT_CUT = 120, 300  # characters: a push message has 4,096 octets (RFC 8030 section 7.2)

_log = get_logger("api")
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Pusher:
    """One a process: `start`, then `offer`; `close` drops what waits."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._waiting: asyncio.Queue[tuple[str, UUID, NewEmail]] = asyncio.Queue(WAITING_LIMIT)
        self._users: set[UUID] = set()
        self._tasks = TaskRegistry()
        self._key: VapidKey | None = None
        self._key_lock = asyncio.Lock()
        self._client: httpx2.AsyncClient | None = None

    def start(self) -> None:
        """Begin to send."""
        self._tasks.spawn(self._refresh(), "push users")
        self._tasks.spawn(self._forget(), "push claims")
        for number in range(WORKERS):
            self._tasks.spawn(self._work(), f"push {number}")

    async def close(self) -> None:
        """Send no more."""
        await self._tasks.close()
        if self._client is not None:
            await self._client.aclose()

    async def key(self) -> VapidKey:
        """This server's key. Raises SettingsError if its file cannot be used."""
        async with self._key_lock:
            if self._key is None:
                self._key = await asyncio.to_thread(vapid.load, self._key_file(), self._subject())
            return self._key

    async def subscribe(
        self, user_id: UUID, endpoint: str, p256dh: str, auth: str
    ) -> tuple[PushSubscription, bool]:
        """Keep a subscription; see PushSubscriptions.add. Raises InvalidName."""
        endpoints.check_endpoint(endpoint, private=self._settings.api.push_private_services)
        await asyncio.to_thread(endpoints.check_keys, p256dh, auth)  # the first time it loads a library
        added = await self._store.push.add(user_id, endpoint, p256dh, auth)
        self._users.add(user_id)
        return added

    def offer(self, id: str, user_ids: Collection[UUID], email: NewEmail) -> None:
        """Send the news of a message to those of the users who subscribed, unless it was sent under this id,
        by whatever process. Never waits."""
        for user_id in self._users.intersection(user_ids):
            try:
                self._waiting.put_nowait((id, user_id, email))
            except asyncio.QueueFull:
                _log.warning("push services are too slow; news is not pushed", waiting=WAITING_LIMIT)

    # --- sending ----------------------------------------------------------------------------------

    async def _refresh(self) -> None:
        while True:
            before = set(self._users)
            try:
                found = set(await self._store.push.users())
                self._users = found | (self._users - before)  # and who subscribed meanwhile
            except StoreUnavailable as error:
                _log.warning("push subscriptions cannot be read", error=str(error))
            await asyncio.sleep(REFRESH_SECONDS)

    async def _forget(self) -> None:
        while True:
            try:
                await self._store.push.forget_claims(CLAIMS_KEPT_SECONDS)
            except StoreUnavailable as error:
                _log.warning("old claims of pushed news cannot be removed", error=str(error))
            await asyncio.sleep(FORGET_SECONDS)

    async def _work(self) -> None:
        while True:
            id, user_id, email = await self._waiting.get()
            try:
                if not id or await self._store.push.claim(uuid5(_CLAIMS, f"{id}/{user_id}")):
                    await self._push(user_id, email)
            except (StoreUnavailable, SettingsError) as error:
                _log.warning("news was not pushed", error=str(error))

    async def _push(self, user_id: UUID, email: NewEmail) -> None:
        payload, used, gone = _payload(email), [], []
        for subscription in await self._store.push.of_user(user_id):
            status = await self._send(subscription, payload)
            if status in _GONE:
                gone.append(subscription.id)
            elif 200 <= status < 300:
                used.append(subscription.id)
        if gone:
            await self._store.push.forget(gone)
        if used:
            await self._store.push.touch(used)

    async def _send(self, subscription: PushSubscription, payload: bytes) -> int:
        """The push service's status, 0 if there was none. The log names the service, never the endpoint."""
        import httpx2  # noqa: PLC0415

        host = urlsplit(subscription.endpoint).hostname or ""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                status = await self._post(subscription, payload)
        except (httpx2.HTTPError, endpoints.EndpointRefused, ValueError, OSError, TimeoutError) as error:
            _log.info("a push service was not reached", service=host, reason=type(error).__name__)
            return 0
        if status >= 300:
            _log.info("a push service refused", service=host, status=status)
        return status

    async def _post(self, subscription: PushSubscription, payload: bytes) -> int:
        private = self._settings.api.push_private_services
        parts = urlsplit(subscription.endpoint)
        host, port = parts.hostname or "", parts.port or 443
        address = await endpoints.address_of(host, port, private=private)
        key = await self.key()
        body, authorization = await asyncio.to_thread(_sealed, subscription, payload, key)
        client = await self._opened()
        netloc = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        request = client.build_request(
            "POST",
            urlunsplit(parts._replace(netloc=netloc)),
            content=body,
            headers={
                "Host": parts.netloc,
                "Authorization": authorization,
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(TTL_SECONDS),
                "Urgency": "normal",
            },
            extensions={"sni_hostname": host},  # the certificate is the name's, not the address's
        )
        answer = await client.send(request, stream=True)
        await answer.aclose()  # what else it says is of no interest
        return int(answer.status_code)

    async def _opened(self) -> httpx2.AsyncClient:
        import ssl  # noqa: PLC0415

        import httpx2  # noqa: PLC0415

        if self._client is None:
            ca_file = self._settings.api.push_ca_file or None
            context = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
            if self._client is None:  # another worker may have been faster
                self._client = httpx2.AsyncClient(
                    verify=context, timeout=SEND_SECONDS, trust_env=False, follow_redirects=False
                )
        return self._client

    def _key_file(self) -> Path:
        named = self._settings.api.push_key_file
        return Path(named) if named else Path(self._settings.store.data_dir) / "vapid.pem"

    def _subject(self) -> str:
        return self._settings.api.push_subject or f"mailto:postmaster@{self._settings.smtp.hostname}"


def _payload(email: NewEmail) -> bytes:
    """What the contract's service worker shows."""
    sender = (email.from_display or email.sender)[:FROM_CUT]
    return json.dumps(
        {
            "title": "New Email",
            "body": f"From: {sender}\nSubject: {email.subject[:SUBJECT_CUT]}",
            "icon": "/icon.png",
            "badge": "/badge.png",
            "data": {"emailId": str(email.id), "url": "/"},
        },
        ensure_ascii=False,
    ).encode("utf-8", "replace")


def _sealed(subscription: PushSubscription, payload: bytes, key: VapidKey) -> tuple[bytes, str]:
    """(the message encrypted for the browser, RFC 8291; who we are, RFC 8292)."""
    from pywebpush import WebPusher  # noqa: PLC0415  200 ms that only those pay who push

    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    sealed = WebPusher({"endpoint": subscription.endpoint, "keys": keys}).encode(payload)
    body: bytes = sealed["body"]
    return body, key.authorization(subscription.endpoint)
