"""A program that prints a token, as mail clients' `passwordeval` does.

It is run without a shell, gets protocol and user in its environment, and prints the access token on its first
line; a second line, if there is one, is its end in Unix seconds or its life as `+SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mailkeep.upstream.accounts import TOKEN_LIMIT, MailProtocol
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import RefreshedOAuthToken

TIMEOUT_SECONDS = 30.0
OUTPUT_LIMIT = TOKEN_LIMIT + 100


class Command:
    """`command` is split as a shell would split it."""

    def __init__(self, command: str, timeout: float = TIMEOUT_SECONDS) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError:
            self._words = []
        if not self._words:
            raise UpstreamError(UpstreamCode.CONFIG, "The refresh command is no command line.")
        self._timeout = timeout

    async def refresh_token(
        self, protocol: MailProtocol, user: str, current_token: str
    ) -> RefreshedOAuthToken:
        """See OAuthRefreshProvider."""
        environment = {**os.environ, "MAILKEEP_PROTOCOL": protocol.value, "MAILKEEP_USER": user}
        try:
            output = await self._output(environment)
        except OSError as error:
            raise _failed(f"cannot be run: {error.strerror}", UpstreamCode.REFRESH_CLIENT) from None
        lines = output.decode("utf-8", "replace").split("\n")
        token = lines[0].strip()
        if not token or len(token) > TOKEN_LIMIT or not token.isprintable():
            raise _failed("printed no token", UpstreamCode.REFRESH_NONSENSE)
        return RefreshedOAuthToken(token, _end(lines[1].strip() if len(lines) > 1 else ""))

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _output(self, environment: dict[str, str]) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may hold what it should not
            env=environment,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._timeout):
                output = await process.stdout.read(OUTPUT_LIMIT)
                while output and (more := await process.stdout.read(OUTPUT_LIMIT)):
                    output = (output + more)[:OUTPUT_LIMIT]
                code = await process.wait()
        except TimeoutError:
            raise _failed(f"took longer than {self._timeout:g} s", UpstreamCode.REFRESH_UNAVAILABLE) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if code != 0:
            raise _failed(f"ended with {code}", UpstreamCode.REFRESH_UNAVAILABLE)
        return output


def _end(line: str) -> datetime | None:
    now = datetime.now(UTC)
    digits = line.removeprefix("+")
    if not digits.isdecimal() or len(digits) > 11:
        return None
    return (
        now + timedelta(seconds=int(digits)) if line != digits else datetime.fromtimestamp(int(digits), UTC)
    )


def _failed(what: str, code: UpstreamCode) -> UpstreamError:
    return UpstreamError(code, f"The refresh command {what}.")
