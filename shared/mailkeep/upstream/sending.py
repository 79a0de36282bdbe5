"""Mail that leaves by an account elsewhere, as the queue runner asks for it: where to, by what, and whether
an earlier attempt lies in Sent.

Who sends is decided by the From address: one of a user's accounts that sends from it. What the queue keeps
is the account's id; configuration and secrets are read when a session is opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from mailkeep.delivery.remote.accounts import ATTEMPT_FIELD, Account
from mailkeep.delivery.remote.credentials import (
    plain_response,
    require_plain,
    token_mechanism,
    token_response,
)
from mailkeep.delivery.remote.outcome import NotSent, Verdict, later, never
from mailkeep.delivery.remote.routing import Demand, Server
from mailkeep.errors import StoreUnavailable
from mailkeep.model.address import Address
from mailkeep.model.upstream import UpstreamRecord
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store
from mailkeep.upstream.account import UpstreamAccount
from mailkeep.upstream.accounts import MailProtocol
from mailkeep.upstream.config import AccountConfig, read_config
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.keeping import AccountOpener
from mailkeep.upstream.sent import attempts_in_sent

_STATUS = {UpstreamCode.SIGN_IN: "4.7.8", UpstreamCode.CONFIG: "4.3.5"}


Failed = Callable[[UpstreamError], Awaitable[None]]


class AccountCredentials:
    """See delivery.remote.credentials.Credentials: a password, or a token that is refreshed."""

    def __init__(self, account: UpstreamAccount, failed: Failed) -> None:
        """`failed` hears why there is no token."""
        self._account = account
        self._failed = failed
        self._shown = ""

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        """See Credentials."""
        transport = self._account.config.of(MailProtocol.SMTP)
        if not transport.auth.is_oauth:
            require_plain(offered, host)
            return "PLAIN", plain_response(transport.user, transport.auth.password.encode())
        mechanism = token_mechanism(offered, host)
        try:
            self._shown = await self._account.token(MailProtocol.SMTP)
        except UpstreamError as error:
            await self._failed(error)
            raise _not_sent(error, host) from None
        return mechanism, token_response(mechanism, transport.user, self._shown.encode())

    async def renewed(self) -> bool:
        """See Credentials: one refresh."""
        try:
            return bool(await self._account.renewed(MailProtocol.SMTP, self._shown))
        except UpstreamError as error:
            await self._failed(error)
            raise _not_sent(error, "") from None


class _Outgoing:
    """See delivery.remote.accounts.Account."""

    def __init__(self, store: Store, record: UpstreamRecord, account: UpstreamAccount) -> None:
        transport = account.config.of(MailProtocol.SMTP)
        server = transport.server
        self.server = Server(
            server.host,
            server.port,
            Demand.NONE if server.security == "none" else Demand.VERIFY,
            (server.host,),
            implicit_tls=server.security == "tls",
            by_system=True,
            ca_file=server.ca_file,
        )
        self.credentials = AccountCredentials(account, self._failed)
        self._account = account
        self._store = store
        self._record = record

    async def arrived(self, message_id: str, attempts: Sequence[str]) -> frozenset[str]:
        """See Account."""
        if self._account.config.imap is None or not message_id:
            return frozenset()
        try:
            async with self._account.imap() as connection:
                found = await connection.run(
                    lambda client: attempts_in_sent(client, message_id, ATTEMPT_FIELD)
                )
        except UpstreamError as error:
            reason = f"it may have arrived, and Sent cannot be looked into: {error}"
            raise later("4.3.0", reason, self.server.host) from None
        return found & frozenset(attempts)

    async def _failed(self, error: UpstreamError) -> None:
        """The user hears of it where syncs are told of."""
        if error.code is UpstreamCode.SIGN_IN and self._record.state != error.code:
            with suppress(StoreUnavailable):  # the next attempt says so again
                await self._store.upstreams.note(self._record.id, error.code.value, str(error))


class AccountsElsewhere:
    """See delivery.remote.accounts.Accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opener = AccountOpener()

    async def of(self, route: str) -> Account:
        """See Accounts."""
        record = next((one for one in await self._store.upstreams.list() if str(one.id) == route), None)
        if record is None:
            raise never("5.7.1", "the account elsewhere that it was to be sent by is not there any more")
        try:
            return _Outgoing(
                self._store, record, await self._opener.open(route, record.name, read_config(record.config))
            )
        except UpstreamError as error:
            raise _not_sent(error, "") from None

    async def close(self) -> None:
        """Let go of refresh providers' connections."""
        await self._opener.close()


class SmarthostCredentials:
    """By tokens that a refresh provider keeps fresh, as the relay's settings name it."""

    def __init__(self, settings: RelaySettings) -> None:
        """Raises UpstreamError."""
        self._config = smarthost_config(settings)
        self._opener = AccountOpener()
        self._account: AccountCredentials | None = None

    async def response(self, offered: frozenset[str], host: str) -> tuple[str, bytes]:
        """See Credentials: secrets that changed since are read again."""
        try:
            account = await self._opener.open("", "smarthost", self._config)
        except UpstreamError as error:
            raise _not_sent(error, host) from None
        self._account = AccountCredentials(account, _told_in_the_queue)
        return await self._account.response(offered, host)

    async def renewed(self) -> bool:
        """See Credentials."""
        return self._account is not None and await self._account.renewed()

    async def close(self) -> None:
        """Let go of the provider's connection."""
        await self._opener.close()


async def _told_in_the_queue(_: UpstreamError) -> None:
    """Operators see it beside what waits."""


def smarthost_config(settings: RelaySettings) -> AccountConfig:
    """The smarthost as an account elsewhere. Raises UpstreamError."""
    return AccountConfig(
        settings.smarthost_user,
        smtp=f"{settings.smarthost_tls}://{settings.smarthost}",
        ca_file=settings.ca_file,
        provider=settings.smarthost_provider,
        client_id=settings.smarthost_client_id,
        scope=settings.smarthost_scope,
        options=dict(option.partition("=")[::2] for option in settings.smarthost_options),
        prefix=settings.smarthost_prefix,
        env_file=settings.smarthost_env_file,
    )


async def account_for(
    store: Store, user_id: UUID, sender: Address
) -> tuple[UpstreamRecord, AccountConfig] | None:
    """The user's account that sends from an address, None if there is none. Raises StoreUnavailable."""
    for record in await store.upstreams.list(user_id):
        config = read_config(record.config)
        if config.smtp and config.sends_from.casefold() == str(sender).casefold():
            return record, config
    return None


def _not_sent(error: UpstreamError, host: str) -> NotSent:
    return NotSent(Verdict.LATER, _STATUS.get(error.code, "4.7.0"), str(error), host)
