"""Where a fresh access token comes from: one small Protocol, and those who keep it.

`Endpoint` asks a token endpoint (Google, Microsoft, any OpenID Connect issuer), `Command` runs a program, and
third parties bring their own by the entry point group `mailkeep.oauth_refresh`.
"""

from __future__ import annotations

from mailkeep.upstream.refresh.base import OAuthRefreshProvider, RefreshedOAuthToken
from mailkeep.upstream.refresh.choice import refresh_provider

__all__ = ["OAuthRefreshProvider", "RefreshedOAuthToken", "refresh_provider"]
