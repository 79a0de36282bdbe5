"""A connected account as an assistant's call uses it: the ways in, and how many may go in at a time.

Connections are opened for one call and closed with it. The token is the session's; it is copied nowhere that
outlives the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailkeep.errors import Throttled
from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep_api.sessions.browser import Connection
from mailkeep_api.sessions.providers import Provider

CALLS_LIMIT = 8  # of the process under way at a time
ACCOUNT_CALLS_LIMIT = 2  # of one account: providers count connections too


@dataclass(frozen=True, slots=True)
class Lent:
    """One connected account. Its ways in are checked when they are used."""

    address: str
    provider: str
    imap: Transport = field(repr=False)
    smtp: Transport = field(repr=False)

    @classmethod
    def of(cls, connection: Connection, provider: Provider) -> Lent:
        """Raises UpstreamError if the settings name no server that can be asked."""
        auth = AuthConfig(oauth_token=connection.access_token)

        def way(place: str) -> Transport:
            if not place:
                raise UpstreamError(
                    UpstreamCode.CONFIG, f"{provider.name} has no mail server in the settings."
                )
            server = Server.parse(place, provider.settings.ca_file)
            return Transport(server, connection.address, auth, connection.expires_at)

        return cls(connection.address, connection.provider, way(provider.imap), way(provider.smtp))


class Places:
    """The calls under way, counted. Who finds no place is told so at once, rather than kept waiting."""

    def __init__(self, limit: int = CALLS_LIMIT, account_limit: int = ACCOUNT_CALLS_LIMIT) -> None:
        self._limit = limit
        self._account_limit = account_limit
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, lent: Lent) -> Iterator[None]:
        """A place for a call. Raises Throttled."""
        name = f"{lent.provider} {lent.address}"
        if self._taken[name] >= self._account_limit or self._taken.total() >= self._limit:
            raise Throttled("Too many calls to connected accounts are under way; try again in a moment.")
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            self._taken += Counter()  # drops what is at zero
