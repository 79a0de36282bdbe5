"""A Dovecot that takes OAuth tokens, which it has the provider introspect; its auth service has a port, for a
Postfix that asks it too."""

from __future__ import annotations

from bench.peers.dovecot import Dovecot
from bench.peers.peer import free_ports
from tests.support.hosts import Place
from tests.support.oidc.running import RunningIssuer

STATIC = "driver = static\n  mechanisms = plain login\n  args = password"
_OAUTH = """
auth_mechanisms = plain login {mechanism}
passdb {{
  driver = oauth2
  mechanisms = {mechanism}
  args = {root}/oauth2.conf
}}
"""
_AUTH_SERVICE = """
service auth {{
  inet_listener {{
    address = {place.host}
    port = {place.port}
  }}
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {url}
username_attribute = sub
active_attribute = active
active_value = true
tokeninfo_url =
"""


class TokenDovecot(Dovecot):
    """Takes tokens that the issuer calls active, by one mechanism alone."""

    def __init__(self, issuer: RunningIssuer, mechanism: str) -> None:
        super().__init__("sdbox")
        self._issuer = issuer
        self._mechanism = mechanism
        self.logins = Place("127.0.0.1", free_ports("auth")["auth"])

    def _configuration(self) -> str:
        scheme, _, rest = self._issuer.issuer.partition("://")
        url = f"{scheme}://mailkeep:{self._issuer.client_secret}@{rest}/token/introspection"
        path = self._root / "oauth2.conf"
        path.touch(mode=0o600)
        path.write_text(_INTROSPECTION.format(url=url))
        text = super()._configuration().replace("driver = static\n  args = password", STATIC)
        text += _AUTH_SERVICE.format(place=self.logins)
        return text + _OAUTH.format(mechanism=self._mechanism, root=self._root)
