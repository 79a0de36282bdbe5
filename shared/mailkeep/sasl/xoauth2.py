"""XOAUTH2: Google's form, which Outlook and Thunderbird speak too.

    "user=" user %x01 "auth=Bearer " token %x01 %x01

https://developers.google.com/workspace/gmail/imap/xoauth2-protocol is its only definition.
"""

from __future__ import annotations

import json

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl.bearer import bearer_token, parse_pairs
from mailkeep.sasl.mechanism import Challenge, OAuthError, SaslSyntax, check_response, identity_text

_HTTP_STATUS = {"insufficient_scope": "403", "invalid_request": "400"}  # RFC 6750 section 3.1


class XOAuth2:
    """One message, and a challenge in JSON when the token is refused."""

    name = "XOAUTH2"

    def step(self, response: bytes | None) -> Challenge | Credential:
        """An empty challenge asks for the message if it did not come as the initial response."""
        if response is None:
            return Challenge()
        check_response(response)
        pairs = parse_pairs(response)
        if b"auth" not in pairs:
            raise SaslSyntax("XOAUTH2 needs the pairs user and auth.")
        identity = identity_text(pairs.get(b"user", b""))
        if not identity:
            raise SaslSyntax("XOAUTH2 needs the pairs user and auth.")
        return Credential(CredentialKind.BEARER, identity, bearer_token(pairs[b"auth"]), "", self.name)

    def failure(self, error: OAuthError = OAuthError()) -> bytes:  # noqa: B008  frozen
        """Google's error object, where the status is an HTTP status as text."""
        told = {"status": _HTTP_STATUS.get(error.status, "401"), "schemes": "bearer"}
        if error.scope:
            told["scope"] = error.scope
        return json.dumps(told, separators=(",", ":")).encode("ascii")
