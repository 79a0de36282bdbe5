"""How networks behave, and what that costs them: connections and recipients in a minute, and slow answers to
those who are refused again and again. Trusted networks are not counted."""

from __future__ import annotations

from mailkeep.errors import TooManyConnections
from mailkeep.model.principal import Principal
from mailkeep.net.networks import Networks
from mailkeep.net.rates import Patience, Rate
from mailkeep.settings_reception import ReceptionSettings
from mailkeep.smtp.errors import TooFast


class Conduct:
    """One a process. Every method takes the client's IP address."""

    def __init__(self, settings: ReceptionSettings, recipients_per_key: int = 0) -> None:
        self._trusted = Networks(settings.trusted_networks)
        self._connections = Rate(settings.connections_per_minute)
        self._recipients = Rate(settings.recipients_per_minute)
        self._keys = Rate(recipients_per_key)
        self._patience = Patience(settings.tarpit_after, settings.tarpit_seconds)

    def connected(self, host: str) -> None:
        """Raises TooManyConnections."""
        if host not in self._trusted and not self._connections.take(host):
            raise TooManyConnections("Too many connections from your network in a minute; try again later.")

    def addressed(self, host: str) -> None:
        """One more RCPT. Raises TooFast."""
        if host not in self._trusted and not self._recipients.take(host):
            raise TooFast("Too many recipients from your network in a minute; try again later.")

    def submitted(self, host: str, principal: Principal) -> None:
        """One more RCPT under this key, or under this user's tokens. Raises TooFast."""
        name = str(principal.key_id or principal.user_id)
        if host not in self._trusted and not self._keys.take_of(name):
            raise TooFast("Too many recipients under your credential in a minute; try again later.")

    def refused(self, host: str) -> None:
        """Something was refused for good."""
        if host not in self._trusted:
            self._patience.refused(host)

    def accepted(self, host: str) -> None:
        """A message was taken."""
        self._patience.forgive(host)

    def delay(self, host: str) -> float:
        """Seconds until a refusal is said."""
        return self._patience.delay(host)
