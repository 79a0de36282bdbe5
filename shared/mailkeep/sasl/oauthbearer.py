"""OAUTHBEARER (RFC 7628): the standard's way to hand over an OAuth 2 token.

    gs2-header %x01 *(key "=" value %x01) %x01

The gs2-header (RFC 5801 section 4) carries the identity. Channel binding is not offered, so "p=" is
refused; "F," is for mechanisms that are no GSS-API ones in disguise and is refused as well.
"""

from __future__ import annotations

import json
import re

from mailkeep.model.principal import Credential, CredentialKind
from mailkeep.sasl.bearer import SEPARATOR, bearer_token, parse_pairs
from mailkeep.sasl.mechanism import Challenge, OAuthError, SaslSyntax, check_response, identity_text

_GS2_HEADER = re.compile(rb"[ny],(?:a=((?:[^,=\x00]|=2C|=3D)+))?,\Z")  # RFC 5801 section 4
_PORT = re.compile(rb"[0-9]{1,5}\Z")


class OAuthBearer:
    """One message, and a challenge in JSON when the token is refused."""

    name = "OAUTHBEARER"

    def __init__(self) -> None:
        self.host = ""  # where the client believes to be; RFC 7628 section 3.1
        self.port: int | None = None

    def step(self, response: bytes | None) -> Challenge | Credential:
        """An empty challenge asks for the message if it did not come as the initial response."""
        if response is None:
            return Challenge()
        check_response(response)
        header, separator, rest = response.partition(SEPARATOR)
        if not separator:
            raise SaslSyntax("OAUTHBEARER needs the octet 1 after its header.")
        identity = _authzid(header)
        pairs = parse_pairs(rest)
        if b"auth" not in pairs:  # RFC 7628 section 3.1: REQUIRED
            raise SaslSyntax("OAUTHBEARER needs the pair auth.")
        self.host = identity_text(pairs.get(b"host", b""))
        self.port = _port(pairs.get(b"port"))
        return Credential(CredentialKind.BEARER, identity, bearer_token(pairs[b"auth"]), identity, self.name)

    def failure(self, error: OAuthError = OAuthError()) -> bytes:  # noqa: B008  frozen
        """RFC 7628 section 3.2.2. The client answers it with a single octet 1 (section 3.2.3)."""
        told = {"status": error.status}
        if error.scope:
            told["scope"] = error.scope
        if error.openid_configuration:
            told["openid-configuration"] = error.openid_configuration
        return json.dumps(told, separators=(",", ":")).encode("ascii")


def _authzid(header: bytes) -> str:
    matched = _GS2_HEADER.match(header)
    if matched is None:
        raise SaslSyntax("OAUTHBEARER opens with n,a=<address>, and no channel binding.")
    return identity_text((matched[1] or b"").replace(b"=2C", b",").replace(b"=3D", b"="))


def _port(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not _PORT.match(value) or not 0 < int(value) <= 65535:
        raise SaslSyntax("The port pair holds a port number.")
    return int(value)
