"""PLAIN (RFC 4616): one message holds everything."""

from __future__ import annotations

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl.mechanism import (
    Challenge,
    OAuthError,
    SaslSyntax,
    check_response,
    identity_text,
    secret_text,
)


class Plain:
    """message = [authzid] UTF8NUL authcid UTF8NUL passwd (RFC 4616 section 2)."""

    name = "PLAIN"

    def step(self, response: bytes | None) -> Challenge | Credential:
        """An empty challenge asks for the message if it did not come as the initial response."""
        if response is None:
            return Challenge()
        check_response(response)
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise SaslSyntax("PLAIN takes three parts with NUL between them.")
        authorization_identity, identity = identity_text(parts[0]), identity_text(parts[1])
        secret = secret_text(parts[2])
        if not identity or not secret:  # RFC 4616 section 2: 1*SAFE each
            raise SaslSyntax("PLAIN needs a user name and a password.")
        return Credential(CredentialKind.PASSWORD, identity, secret, authorization_identity, self.name)

    def failure(self, error: OAuthError = OAuthError()) -> None:  # noqa: B008  frozen
        """PLAIN tells its client nothing beyond the protocol's refusal."""
        return
