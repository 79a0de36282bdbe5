"""The Protocol of refresh providers. Whoever implements it needs nothing else of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mailkeep.upstream.accounts import MailProtocol


@dataclass(frozen=True, slots=True)
class RefreshedOAuthToken:
    """A new access token and when it ends; None if the provider does not say."""

    token: str = field(repr=False)
    expires_at: datetime | None


class OAuthRefreshProvider(Protocol):
    """Makes new access tokens."""

    async def refresh_token(
        self, protocol: MailProtocol, user: str, current_token: str
    ) -> RefreshedOAuthToken:
        """A token for this protocol and user, to take the place of `current_token` ("" if there is none).

        Raises UpstreamError: `needs_sign_in` if only the person can help, `refresh_unavailable` if it may
        work later, another `refresh_` code if the operator has to mend something.
        """
