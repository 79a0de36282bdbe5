"""The SMTP host: its listeners, and their end.

To stop, it closes the listeners, lets a message whose DATA has begun be finished and answered, tells all
others 421, and drops who is still there after DRAIN_SECONDS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from mailkeep.auth import Authenticator
from mailkeep.delivery.dispatch import Dispatch
from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.delivery.forwarding import Forwarder
from mailkeep.delivery.housekeeping import Housekeeper
from mailkeep.delivery.remote.runner import QueueRunner
from mailkeep.delivery.reporting import Reporter
from mailkeep.delivery.signing import Signer
from mailkeep.delivery.spool import Room, spool_directory, sweep
from mailkeep.delivery.urls import UrlOpener
from mailkeep.errors import SettingsError
from mailkeep.model.dns import Lookups
from mailkeep.net.dns import Resolver
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.networks import Networks
from mailkeep.net.observed import observed
from mailkeep.net.proxy_protocol import Source
from mailkeep.net.tasks import TaskRegistry
from mailkeep.net.tls import server_tls
from mailkeep.observe.logs import get_logger
from mailkeep.settings import Settings
from mailkeep.settings_relay import RelaySettings
from mailkeep.settings_submission import parse_send_as
from mailkeep.smtp.errors import ShuttingDown
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep.upstream.errors import UpstreamError
from mailkeep.upstream.sending import AccountsElsewhere, SmarthostCredentials
from mailkeep_smtp.acceptor import TlsAcceptor
from mailkeep_smtp.conduct import Conduct
from mailkeep_smtp.connection import Connection
from mailkeep_smtp.context import Listener, Services
from mailkeep_smtp.lmtp import LmtpSession
from mailkeep_smtp.proxied import ProxiedConnection, Proxies
from mailkeep_smtp.reception import Reception
from mailkeep_smtp.recipients import Recipients
from mailkeep_smtp.session import SmtpSession
from mailkeep_smtp.submission import Submission
from mailkeep_smtp.verification import Verification

DRAIN_SECONDS = 6.0  # with ABORT_SECONDS within net.runtime.STOP_SECONDS
ABORT_SECONDS = 2.0  # for the sessions that were dropped

log = get_logger(__name__)


async def main(settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve until `lifecycle.stopping`. Raises SettingsError, StoreUnavailable at start."""
    store = await open_store(settings.store, settings.objects)
    authenticator = Authenticator(store, settings.auth, "smtp", settings.net.trusted_proxies)
    try:
        await authenticator.start()
        await asyncio.to_thread(sweep, spool_directory(settings.store.data_dir))
        server = SmtpServer(settings, store, authenticator)
        try:
            lifecycle.connections = lambda: server.services.limiter.count
            lifecycle.on_reload(server.reload)
            lifecycle.on_reload_in_loop(lambda renewed: authenticator.trust(renewed.auth))
            async with observed(settings, lifecycle, store, authenticator):
                lifecycle.ready(await server.listen())
                server.run_queue()
                _push_notifications(settings, store, server.services.tasks)
                server.services.tasks.spawn(Housekeeper(store, settings.store).run(), "housekeeper")
                await lifecycle.stopping.wait()
        finally:
            await server.close()
    finally:
        await authenticator.close()
        await store.close()


class SmtpServer:
    """All SMTP listeners of one process on one store."""

    def __init__(self, settings: Settings, store: Store, authenticator: Authenticator) -> None:
        smtp = settings.smtp
        self._settings = smtp
        self._relay = settings.relay
        self._resolver = Resolver(settings.dns)
        self._runner: QueueRunner | None = None
        self._accounts: AccountsElsewhere | None = None
        self._smarthost: SmarthostCredentials | None = None
        self._sessions: set[Connection] = set()
        self._doors: list[asyncio.Server | TlsAcceptor] = []
        self._tls = server_tls(settings.tls)
        relays = settings.relay.route != "off"
        dispatch, spool = Dispatch(store, settings.relay), spool_directory(settings.store.data_dir)
        self._forwarder = Forwarder(store, settings.relay)
        self.services = Services(
            settings=smtp,
            tls=self._tls.context if self._tls is not None else None,
            authenticator=authenticator,
            dispatch=dispatch,
            reporter=Reporter(
                store, dispatch, spool, smtp.hostname, relays=relays, forwarder=self._forwarder
            ),
            spool_directory=spool,
            spool_room=Room(),
            limiter=ConnectionLimiter(smtp.max_connections, smtp.max_connections_per_network),
            tasks=TaskRegistry(),
            plaintext_from_loopback=settings.auth.insecure_loopback_auth,
            open_sessions=self._sessions,
            proxies=Proxies(settings.net),
            xclients=Networks(smtp.xclient_networks),
            conduct=Conduct(settings.reception, smtp.recipients_per_key),
            urls=UrlOpener(store),
        )
        self._signer = Signer(DkimKeyFiles(settings.dkim.keys_directory(settings.store.data_dir)))
        self._verification = Verification(settings.reception, self._resolver, store, smtp.hostname)
        self._recipients = Recipients(store.directory, smtp.hostname, self._forwarder)
        self._store = store
        self._relays = relays

    async def listen(self) -> Mapping[str, Sequence[str]]:
        """Serve every configured endpoint; what was really bound, by listener. Raises SettingsError."""
        places = {
            "mx": await self._serve(Listener("mx", self._reception()), self._settings.mx),
            "lmtp": await self._serve(Listener("lmtp", self._reception()), self._settings.lmtp),
            "submission": await self._serve(
                Listener("submission", self._submission()), self._settings.submission
            ),
            "submissions": await self._serve(
                Listener("submissions", self._submission(), implicit_tls=True), self._settings.submissions
            ),
        }
        if places["mx"]:
            self.services.tasks.spawn(self._verification.forget_strangers(), "forget strangers")
        if not any(places.values()):
            raise SettingsError(
                "[smtp] needs an address to listen on: 'mx', 'lmtp', 'submission' or 'submissions'."
            )
        return places

    def run_queue(self, resolver: Lookups | None = None) -> None:
        """Send what waits for other domains, if the settings say so. `resolver` is the settings' own unless
        given."""
        if not self._relays or not self._relay.run_queue:
            return
        lookups = resolver or self._resolver
        reporter, hostname = self.services.reporter, self._settings.hostname
        self._accounts = AccountsElsewhere(self._store)
        self._smarthost = _smarthost(self._relay)
        self._runner = QueueRunner(
            self._store,
            self._relay,
            lookups,
            reporter,
            hostname,
            signer=self._signer,
            accounts=self._accounts,
            credentials=self._smarthost,
        )
        self.services.tasks.spawn(self._runner.run(), "queue runner")

    def reload(self, settings: Settings) -> None:
        """Take the certificates anew. Raises SettingsError."""
        if self._tls is not None:
            self._tls.reload(settings.tls)

    async def close(self) -> None:
        """See the module. Returns when no session is left."""
        for door in self._doors:
            door.close()
        reason = ShuttingDown(f"{self._settings.hostname} Service shutting down, closing the connection.")
        for session in tuple(self._sessions):
            session.finish(reason)
        await asyncio.gather(self._until_drained(), self._stop_relaying())
        for session in tuple(self._sessions):
            session.abort()
        await self.services.tasks.close(ABORT_SECONDS)

    async def _until_drained(self) -> None:
        waiting = [session.served for session in self._sessions if session.served is not None]
        if waiting:
            await asyncio.wait(waiting, timeout=DRAIN_SECONDS)

    async def _stop_relaying(self) -> None:
        if self._runner is not None:
            await self._runner.close(DRAIN_SECONDS)
        for one in (self._accounts, self._smarthost):
            if one is not None:
                await one.close()

    async def _serve(self, listener: Listener, endpoints: tuple[str, ...]) -> list[str]:
        if listener.implicit_tls and endpoints and self.services.tls is None:
            raise SettingsError("[smtp] submissions needs 'certificate' and 'key' in [tls].")
        loop = asyncio.get_running_loop()
        places = []
        for bound in bind_all(endpoints):
            places.append(address_of(bound))
            if listener.implicit_tls:
                acceptor = TlsAcceptor(listener, self.services, bound)
                acceptor.start()
                self._doors.append(acceptor)
            else:
                self._doors.append(await loop.create_server(self._protocol(listener), sock=bound))
        return places

    def _protocol(self, listener: Listener) -> Callable[[], asyncio.Protocol]:
        def make_session(source: Source | None = None) -> SmtpSession:
            kind = LmtpSession if listener.name == "lmtp" else SmtpSession
            return kind(listener, self.services, source=source)

        proxies = self.services.proxies
        return (lambda: ProxiedConnection(proxies, make_session)) if proxies else make_session

    def _reception(self) -> Reception:
        hostname = self._settings.hostname
        return Reception(
            self._recipients,
            self._verification,
            self._settings.max_received,
            hostname,
            forwarder=self._forwarder,
            signer=self._signer,
        )

    def _submission(self) -> Submission:
        return Submission(
            self._recipients,
            self._store.directory,
            self._settings.max_received,
            self.services.plaintext_from_loopback,
            relays=self._relays,
            hostname=self._settings.hostname,
            signer=self._signer,
            send_as=parse_send_as(self._settings.send_as),
        )


def _push_notifications(settings: Settings, store: Store, tasks: TaskRegistry) -> None:
    """The API hears of new mail from the outbox; without its address there is nobody to tell."""
    if not settings.notify.api_url:
        return
    from mailkeep.notify.pusher import OutboxPusher  # noqa: PLC0415  brings an HTTP client along

    tasks.spawn(OutboxPusher(store, settings.notify).run(), "outbox pusher")


def _smarthost(settings: RelaySettings) -> SmarthostCredentials | None:
    """Raises SettingsError."""
    if settings.route != "smarthost" or not settings.smarthost_provider:
        return None
    try:
        return SmarthostCredentials(settings)
    except UpstreamError as error:
        raise SettingsError(f"[relay] {error}") from None
