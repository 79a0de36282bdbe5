"""A connected account as an assistant's call uses it: the ways in.

Connections are opened for one call and closed with it. The token is the session's; it is copied nowhere that
outlives the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailkeep.upstream.accounts import AuthConfig, Server, Transport
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep_api.sessions.browser import Connection
from mailkeep_api.sessions.providers import Provider


@dataclass(frozen=True, slots=True)
class Lent:
    """One connected account. Its ways in are checked when they are used."""

    address: str
    provider: str
    imap: Transport = field(repr=False)
    smtp: Transport = field(repr=False)

    @property
    def name(self) -> str:
        """What its calls and its messages are counted under."""
        return f"{self.provider} {self.address}"

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
