"""`mailkeep up` whose hosts take the tokens of an issuer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.hosts import MailkeepUp
from tests.support.oidc.running import RESOURCE, RunningIssuer, Tokens
from tests.support.programs import private_file


class MailkeepWithIssuer(MailkeepUp):
    """Hosts that take this issuer's tokens."""

    def __init__(self, directory: Path, database: str, issuer: RunningIssuer) -> None:
        super().__init__(directory, database)
        secret_file = private_file(directory / "client.secret", f"{issuer.client_secret}\n")
        self.settings = {
            "issuer": issuer.issuer,
            "audiences": [RESOURCE, "mail-app"],
            "scope_map": {"IMAP.AccessAsUser.All": "imap"},
            "client_id": "mailkeep",
            "client_secret_file": str(secret_file),
            "jwks_refresh_seconds": 1,
            "introspection_cache_seconds": 2,
            "leeway_seconds": 0,
        }
        self._secrets.append(issuer.client_secret)

    @property
    def environment(self) -> dict[str, str]:
        issuers = json.dumps([self.settings])
        grace = {"MAILKEEP_AUTH_TOKEN_GRACE_SECONDS": "1"}
        return {**super().environment, **grace, "MAILKEEP_AUTH_ISSUERS": issuers}

    def keeps_secret(self, tokens: Tokens) -> str:
        """The access token, which must not be in the log at the end."""
        self._secrets += [tokens.access_token, tokens.refresh_token]
        return tokens.access_token
