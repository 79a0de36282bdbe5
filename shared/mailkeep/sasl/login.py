"""LOGIN (draft-murchison-sasl-login-00): obsolete for twenty years, and what Outlook speaks.

The draft's prompts differ from those in use; Outlook and others match "Username:" and "Password:".
"""

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


class Login:
    """The server asks for the user name, then for the password."""

    name = "LOGIN"

    def __init__(self) -> None:
        self._identity = ""

    def step(self, response: bytes | None) -> Challenge | Credential:
        """An initial response is the user name, as several clients send it; an empty one is none."""
        check_response(response or b"")
        if self._identity:
            return self._finish(response or b"")
        if response is None:
            return Challenge(b"Username:")
        self._identity = identity_text(response)
        if not self._identity:
            raise SaslSyntax("LOGIN needs a user name.")
        return Challenge(b"Password:")

    def _finish(self, response: bytes) -> Credential:
        secret = secret_text(response)
        if not secret:
            raise SaslSyntax("LOGIN needs a password.")
        return Credential(CredentialKind.PASSWORD, self._identity, secret, "", self.name)

    def failure(self, error: OAuthError = OAuthError()) -> None:  # noqa: B008  frozen
        """LOGIN tells its client nothing beyond the protocol's refusal."""
        return
