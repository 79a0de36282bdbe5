"""Settings of the API host. They are read with all others, see `mailkeep.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from mailkeep.settings_reception import check_networks

Count = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The HTTP host. `public_url` is what clients and the console show."""

    listen: tuple[str, ...] = ()
    max_connections: Count = 10000
    max_connections_per_network: Count = 2000
    public_url: str = ""
    cors_origins: tuple[str, ...] = ("http://localhost:5173", "http://localhost:5492")
    # Names by which clients may ask, "*.example.net" for all below one; others hear 400. Empty: any name.
    allowed_hosts: tuple[str, ...] = ()
    # Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, besides those of [net].
    trusted_proxies: tuple[str, ...] = ()
    # What /config/config.json tells a web client of its sign-in; an empty authority is the first issuer.
    oidc_authority: str = ""
    oidc_client_id: str = ""
    oidc_redirect_uri: str = ""
    oidc_scope: str = "openid profile email"
    # Web Push (RFC 8030): the key by which push services know this server, made at its first use if there is
    # none. An empty file is vapid.pem in the data directory, an empty subject postmaster of the SMTP host.
    push_key_file: str = ""
    push_subject: str = ""
    push_private_services: bool = False  # push services on private networks or other ports than 443
    push_ca_file: str = ""
    # Addresses of users who see the console's page for operators: queue, domains, users, unclaimed addresses.
    operators: tuple[str, ...] = ()
    # Where the times of day are that users choose for digests of unread mail: a name like "Europe/Berlin".
    digest_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        check_networks("trusted_proxies", self.trusted_proxies)
        zone_of(self.digest_zone)


def zone_of(name: str) -> tzinfo:
    """The time zone of that name. Raises ValueError with a sentence; UTC is known on every machine."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(
            f"digest_zone: {name!r} is no time zone that this machine knows; name one like Europe/Berlin, and"
            " see that the package tzdata is installed."
        ) from None
