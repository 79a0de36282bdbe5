"""From a route to a session: server after server, address after address, TLS as it is demanded.

Under Demand.MAY a failed handshake is followed by a connection without TLS, because an attacker who can break
the one can also hide the offer of it (RFC 7435 section 3). Under any stricter demand mail waits instead.
"""

from __future__ import annotations

import ssl

from mailkeep.delivery.remote import dane
from mailkeep.delivery.remote.credentials import Credentials, CredentialsRefused, FileCredentials
from mailkeep.delivery.remote.outcome import NotSent, Verdict, later
from mailkeep.delivery.remote.routing import Demand, Route, Router, Server
from mailkeep.delivery.remote.session import Patience, Session
from mailkeep.delivery.remote.wire import TlsFailed, Wire
from mailkeep.observe import metrics
from mailkeep.observe.logs import get_logger
from mailkeep.settings_relay import RelaySettings

log = get_logger(__name__)


class Opener:
    """Opens sessions. `name` is what we call ourselves; `credentials` are for the smarthost."""

    def __init__(
        self, settings: RelaySettings, router: Router, name: str, credentials: Credentials | None = None
    ) -> None:
        self._router = router
        self._name = name
        self._patience = Patience(
            connect=settings.connect_timeout_seconds,
            command=settings.command_timeout_seconds,
            end=2 * settings.command_timeout_seconds,
        )
        self._local = settings.source_address or None
        self._ca_file = settings.ca_file
        self._credentials = credentials or _in_files(settings)
        self._any: ssl.SSLContext | None = None
        self._checked: dict[str, ssl.SSLContext] = {}  # by the file of their CA

    async def open(self, route: Route, credentials: Credentials | None = None) -> Session:
        """A session with the first server that will have one; with `credentials` in place of the smarthost's.

        Raises NotSent: the last failure, or the last one that may pass."""
        shown = credentials or self._credentials
        failures: list[NotSent] = []
        for server in route.servers:
            try:
                session = await self._logged_in(server, shown)
                metrics.RELAY_SESSIONS.labels(_protection(session)).inc()
                return session
            except NotSent as error:
                log.info("no session", host=server.host, reason=str(error))
                failures.append(error)
        metrics.RELAY_SESSIONS.labels("failed").inc()
        passing = [error for error in failures if error.result.verdict is Verdict.LATER]
        raise (passing or failures)[-1]

    async def _logged_in(self, server: Server, credentials: Credentials | None) -> Session:
        """With credentials that are refused, once more if there are other ones by then."""
        try:
            return await self._open_server(server, credentials)
        except CredentialsRefused:
            if credentials is None or not await credentials.renewed():
                raise
        return await self._open_server(server, credentials)

    async def _open_server(self, server: Server, credentials: Credentials | None) -> Session:
        failure: NotSent = later("4.4.4", f"{server.host} has no address", server.host)
        for address in await self._router.addresses(server):
            try:
                return await self._open_address(server, address, credentials)
            except CredentialsRefused:
                raise  # its other addresses would say the same
            except NotSent as error:
                failure = error
        raise failure

    async def _open_address(self, server: Server, address: str, credentials: Credentials | None) -> Session:
        try:
            return await self._converse(server, address, server.demand, credentials)
        except TlsFailed as error:
            if server.demand is not Demand.MAY:
                raise
            log.info("TLS failed, going on without", host=server.host, reason=str(error))
        return await self._converse(server, address, Demand.NONE, credentials)

    async def _converse(
        self, server: Server, address: str, demand: Demand, credentials: Credentials | None
    ) -> Session:
        wire = await self._connect(server, address, demand)
        try:
            session = Session(wire, self._name, self._patience)
            await session.greet()
            if demand > Demand.NONE and not server.implicit_tls:
                await self._start_tls(session, server, demand)
            session.secured = wire.ssl_object is not None and demand >= Demand.VERIFY
            if credentials is not None:
                await session.log_in(credentials)
        except BaseException:
            wire.abort()
            raise
        return session

    async def _connect(self, server: Server, address: str, demand: Demand) -> Wire:
        seconds = self._patience.connect
        if server.implicit_tls:
            return await Wire.connect_tls(
                server.host, server.port, seconds, self._context(demand, server), self._local
            )
        return await Wire.connect(server.host, address, server.port, seconds, self._local)

    async def _start_tls(self, session: Session, server: Server, demand: Demand) -> None:
        """Raises NotSent where TLS is demanded and cannot be had."""
        refusal = await session.ask_tls()
        if refusal:
            if demand > Demand.MAY:
                raise later("4.7.4", f"TLS is demanded of {server.host}: {refusal}", server.host)
            return
        name = server.names[0] if server.names else server.host
        await session.wire.start_tls(self._context(demand, server), name, self._patience.connect)
        if demand is Demand.DANE:
            connection = session.wire.ssl_object
            if connection is None or not dane.matches(connection, server.associations, server.names):
                reason = f"the certificate of {server.host} does not match its TLSA records"
                raise TlsFailed(Verdict.LATER, "4.7.5", reason, server.host)
        await session.hello()

    def _context(self, demand: Demand, server: Server) -> ssl.SSLContext:
        if demand is Demand.VERIFY:
            ca_file = server.ca_file or self._ca_file
            if ca_file not in self._checked:
                self._checked[ca_file] = _context(ca_file, checks=True)
            return self._checked[ca_file]
        self._any = self._any or _context("", checks=False)
        return self._any


def _protection(session: Session) -> str:
    if session.secured:
        return "verified"
    return "encrypted" if session.wire.ssl_object is not None else "none"


def _context(ca_file: str, *, checks: bool) -> ssl.SSLContext:
    if checks:
        context = ssl.create_default_context(cafile=ca_file or None)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
    return context


def _in_files(settings: RelaySettings) -> Credentials | None:
    if settings.route != "smarthost" or not (settings.smarthost_secret_file or settings.smarthost_token_file):
        return None
    return FileCredentials(
        settings.smarthost_user, settings.smarthost_secret_file, settings.smarthost_token_file
    )
