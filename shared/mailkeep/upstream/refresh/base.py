"""The Protocol of refresh providers. Whoever implements it needs nothing else of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
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


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who we are at the provider. A public client has no secret."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    scope: str = ""


@dataclass(frozen=True, slots=True)
class RefreshTokens:
    """Where refresh tokens lie: read at each use, so that the operator may change them meanwhile.

    `alone` is held from the reading to the keeping: a provider that replaces a refresh token at each use may
    take the second use of an old one for a theft, and end them all.
    """

    read: Callable[[], str]
    keep: Callable[[str], None]
    alone: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
