"""Which refresh provider an account has, by name: google, microsoft, oidc, command, or a third party's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.base import OAuthClient, OAuthRefreshProvider, RefreshTokens
from mailkeep.upstream.refresh.command import Command

ENTRY_POINTS = "mailkeep.oauth_refresh"
NAMES = ("google", "microsoft", "oidc", "command")


def refresh_provider(
    name: str, options: Mapping[str, str], client: OAuthClient, tokens: RefreshTokens
) -> OAuthRefreshProvider | None:
    """None for "": tokens then come from outside. `options`: tenant, issuer, ca_file, command, endpoint.

    A third party's entry point is called with the same options, client and tokens. Raises UpstreamError.
    """
    if not name:
        return None
    if name == "command":
        return Command(options.get("command", ""))
    if name not in NAMES:
        return _from_elsewhere(name, options, client, tokens)
    from mailkeep.upstream.refresh.endpoint import (  # noqa: PLC0415  180 ms that only its users pay
        GOOGLE_TOKEN_ENDPOINT,
        TokenEndpoint,
        microsoft_token_endpoint,
    )

    ca_file = options.get("ca_file", "")
    endpoint = options.get("endpoint", "")
    if name == "google":
        return TokenEndpoint(client, tokens, endpoint=endpoint or GOOGLE_TOKEN_ENDPOINT, ca_file=ca_file)
    if name == "microsoft":
        place = endpoint or microsoft_token_endpoint(options.get("tenant") or "common")
        return TokenEndpoint(client, tokens, endpoint=place, ca_file=ca_file)
    issuer = options.get("issuer", "")
    if not (issuer or endpoint):
        raise _wrong("The provider 'oidc' needs its issuer.")
    return TokenEndpoint(client, tokens, endpoint=endpoint, issuer=issuer, ca_file=ca_file)


def _from_elsewhere(
    name: str, options: Mapping[str, str], client: OAuthClient, tokens: RefreshTokens
) -> OAuthRefreshProvider:
    from importlib.metadata import entry_points  # noqa: PLC0415  it brings the email package

    for point in entry_points(group=ENTRY_POINTS, name=name):
        try:
            make: Any = point.load()
            made: OAuthRefreshProvider = make(dict(options), client, tokens)
        except Exception as error:  # whatever somebody else's code does, the sentence names it
            raise _wrong(f"The refresh provider '{name}' cannot be made: {type(error).__name__}.") from error
        return made
    raise _wrong(f"There is no refresh provider '{name}'; there are {', '.join(NAMES)}.")


def _wrong(sentence: str) -> UpstreamError:
    return UpstreamError(UpstreamCode.CONFIG, sentence)
