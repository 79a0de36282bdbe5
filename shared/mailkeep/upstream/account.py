"""An account elsewhere, alive: its configuration, its tokens, and operations that use both.

What an operation needs is taken together at its start; a configuration is swapped whole, in one assignment,
and who runs on the old one finishes on it. A token that the server refuses is refreshed once and the login
tried once more.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mailkeep.observe.logs import get_logger
from mailkeep.upstream.accounts import MailProtocol, Transport, TransportConfig
from mailkeep.upstream.environment import Names, reloaded
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.imap_client import ImapConnection
from mailkeep.upstream.refresh.base import OAuthRefreshProvider
from mailkeep.upstream.tokens import HeldToken, TokenKeeper

if TYPE_CHECKING:
    from mailkeep.upstream.smtp_client import Sent, SmtpConnection

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Present:
    """A configuration and the keepers of its tokens, swapped together."""

    config: TransportConfig
    keepers: Mapping[MailProtocol, TokenKeeper]


Connection = TypeVar("Connection", ImapConnection, "SmtpConnection")


class UpstreamAccount:
    """One account. `provider` refreshes its tokens; without one they come from outside."""

    def __init__(
        self,
        name: str,
        config: TransportConfig,
        provider: OAuthRefreshProvider | None = None,
        local_hostname: str = "",
    ) -> None:
        self.name = name
        self._provider = provider
        self._local_hostname = local_hostname or socket.gethostname()
        self._present = self._made(config, _Present(config, {}))

    @property
    def config(self) -> TransportConfig:
        """The configuration in force, with the tokens that it was loaded with."""
        return self._present.config

    @property
    def needs_sign_in(self) -> bool:
        """True if a token has ended for good."""
        return any(keeper.needs_sign_in for keeper in self._present.keepers.values())

    async def close(self) -> None:
        """Let go of the refresh provider's connection, if it keeps one."""
        close = getattr(self._provider, "close", None)
        if close is not None:
            await close()

    def reload_config(self, make: Callable[[], TransportConfig]) -> None:
        """Put a whole new configuration in force, or leave the old one: `make` raises UpstreamError."""
        self._present = self._made(make(), self._present)
        log.info("an account's configuration was replaced", account=self.name)

    def reload_auth_from_env(self, prefix: str, variables: Mapping[str, str] | None = None) -> bool:
        """Take the tokens that the variables (the environment's) have now; True if there was a new one.

        A token clears a password. Raises UpstreamError, and then the old ways in stay in force.
        """
        before = self._present.config
        after = reloaded(before, Names(prefix), os.environ if variables is None else variables)
        if after == before:
            return False
        self._present = self._made(after, self._present)
        log.info("an account's tokens were loaded", account=self.name)
        return True

    async def token(self, protocol: MailProtocol) -> str:
        """An access token that is good for now, refreshed if need be; "" for a way in by password. Raises
        UpstreamError."""
        keeper = self._present.keepers.get(protocol)
        return await keeper.current() if keeper else ""

    async def renewed(self, protocol: MailProtocol, token: str) -> str:
        """The server did not take this token: another one; "" for a way in by password. Raises
        UpstreamError."""
        keeper = self._present.keepers.get(protocol)
        return await keeper.refused(token) if keeper else ""

    @asynccontextmanager
    async def imap(self) -> AsyncIterator[ImapConnection]:
        """A connection that is logged in. Raises UpstreamError."""
        present = self._present
        transport = present.config.of(MailProtocol.IMAP)
        connection = await self._opened(present, MailProtocol.IMAP, lambda: ImapConnection(transport))
        try:
            yield connection
        finally:
            await connection.close()

    async def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Sent:
        """Submit one message. Raises UpstreamError."""
        from mailkeep.upstream.smtp_client import SmtpConnection  # noqa: PLC0415  its library is for sending

        present = self._present
        transport = present.config.of(MailProtocol.SMTP)
        connection = await self._opened(
            present,
            MailProtocol.SMTP,
            lambda: SmtpConnection(transport, self._local_hostname),
        )
        try:
            return await connection.send(sender, recipients, message)
        finally:
            await connection.close()

    async def _opened(
        self,
        present: _Present,
        protocol: MailProtocol,
        make: Callable[[], Connection],
    ) -> Connection:
        keeper = present.keepers.get(protocol)
        token = await keeper.current() if keeper else ""
        try:
            connection = make()
            await connection.open(token)
        except UpstreamError as error:
            if keeper is None or error.code is not UpstreamCode.TOKEN:
                raise
            connection = make()
            await connection.open(await keeper.refused(token))
        return connection

    def _made(self, config: TransportConfig, old: _Present) -> _Present:
        """A way in that stays as it is keeps its keeper, which may hold a token that is newer than it."""
        keepers = {}
        for protocol in MailProtocol:
            transport: Transport | None = getattr(config, protocol.value)
            if transport is None or not transport.auth.is_oauth:
                continue
            if protocol in old.keepers and transport == getattr(old.config, protocol.value):
                keepers[protocol] = old.keepers[protocol]
            else:
                held = HeldToken(transport.auth.oauth_token, transport.expires_at)
                keepers[protocol] = TokenKeeper(protocol, transport.user, held, self._provider)
        return _Present(config, keepers)
