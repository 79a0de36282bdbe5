"""One submission to a server elsewhere, by aiosmtplib, with our own half of the bearer mechanisms.

aiosmtplib knows XOAUTH2 but neither OAUTHBEARER nor the error challenge that says why a token was refused.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from mailkeep.upstream import bearer
from mailkeep.upstream.accounts import Transport
from mailkeep.upstream.errors import UpstreamCode, UpstreamError, plain
from mailkeep.upstream.tls import context_for

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 300.0  # RFC 5321 section 4.5.3.2.6: the answer to the final dot may take that long
QUIT_SECONDS = 5.0

READY, CHALLENGE = 235, 334


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server said of a message: `refused` are recipients with its words."""

    answer: str
    refused: dict[str, str]


class SmtpConnection:
    """`open`, then `send` and `close`."""

    def __init__(self, transport: Transport, local_hostname: str) -> None:
        self._transport = transport
        self._local_hostname = local_hostname
        self._client: aiosmtplib.SMTP | None = None

    async def open(self, token: str = "") -> None:
        """Connect and log in; `token` in place of the transport's. Raises UpstreamError."""
        server = self._transport.server
        context = None if server.security == "none" else await asyncio.to_thread(context_for, server)
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=self._local_hostname,
            timeout=CONNECT_SECONDS,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=context,
        )
        self._client = client
        try:
            await client.connect()
            await client.ehlo()
            await self._log_in(client, token)
        except (aiosmtplib.SMTPException, OSError) as error:
            await self.close()
            raise _unavailable(server.host, error) from None
        except BaseException:
            await self.close()
            raise

    async def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Sent:
        """One message. Raises UpstreamError: `refused` if every recipient or the content was, and
        `unavailable` for what may be tried again."""
        client, host = self._client, self._transport.server.host
        assert client is not None
        try:
            refused, answer = await client.sendmail(
                sender, list(recipients), message, timeout=COMMAND_SECONDS
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            words = "; ".join(f"{one.recipient}: {one.code} {plain(one.message)}" for one in error.recipients)
            code = UpstreamCode.REFUSED if all(one.code >= 500 for one in error.recipients) else None
            raise UpstreamError(code or UpstreamCode.UNAVAILABLE, f"{host}: {words}") from None
        except aiosmtplib.SMTPResponseException as error:
            code = UpstreamCode.REFUSED if error.code >= 500 else UpstreamCode.UNAVAILABLE
            raise UpstreamError(code, f"{host}: {error.code} {plain(error.message)}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _unavailable(host, error) from None
        told = {name: f"{said.code} {plain(said.message)}" for name, said in refused.items()}
        return Sent(plain(answer), told)

    async def close(self) -> None:
        """Say QUIT if that goes quickly; what was answered is answered in any case."""
        client, self._client = self._client, None
        if client is None:
            return
        transport = client.transport
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(QUIT_SECONDS):
                await client.quit()
        client.close()
        if transport is not None:  # uvloop's transports are no subclasses of asyncio's
            # Or the end of TLS would be waited for when nobody waits any more.
            cast("asyncio.WriteTransport", transport).abort()

    async def _log_in(self, client: aiosmtplib.SMTP, token: str) -> None:
        transport = self._transport
        if transport.auth.is_oauth:
            await self._with_token(client, token or transport.auth.oauth_token)
            return
        try:
            await client.login(transport.user, transport.auth.password)
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code < 500:
                raise UpstreamError(
                    UpstreamCode.UNAVAILABLE, f"{transport.server.host}: {error.code}"
                ) from None
            raise UpstreamError(
                UpstreamCode.PASSWORD, f"{transport.server.host} refused the password of {transport.user}."
            ) from None

    async def _with_token(self, client: aiosmtplib.SMTP, token: str) -> None:
        server, user = self._transport.server, self._transport.user
        mechanism = bearer.choose(client.server_auth_methods)
        if not mechanism:
            raise UpstreamError(UpstreamCode.REFUSED, f"{server.host} takes no OAuth tokens.")
        response = bearer.initial_response(mechanism, user, token, server.host, server.port)
        answer = await client.execute_command(b"AUTH", mechanism.encode(), b64encode(response))
        said = plain(answer.message)
        if answer.code == CHALLENGE:
            said = bearer.explain(answer.message.encode())
            answer = await client.execute_command(b64encode(bearer.final_response(mechanism)))
        if answer.code == READY:
            return
        if answer.code < 500 and answer.code != CHALLENGE:
            raise UpstreamError(UpstreamCode.UNAVAILABLE, f"{server.host}: {answer.code} {said}")
        raise UpstreamError(UpstreamCode.TOKEN, f"{server.host} refused the token of {user} ({said}).")


def _unavailable(host: str, error: Exception) -> UpstreamError:
    return UpstreamError(UpstreamCode.UNAVAILABLE, f"{host} cannot be reached: {type(error).__name__}.")
