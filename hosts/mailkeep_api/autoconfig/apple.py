"""Apple's configuration profile: a file that a Mac, iPhone or iPad installs as a mail account.

It holds no key: the device asks for it. It is not signed, and the device says so.
"""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mailkeep_api.autoconfig.places import Listener


def profile(address: str, name: str, found: Sequence[Listener]) -> bytes:
    """The profile for one address. Its ids are the address's own, so that a second one replaces the first."""
    domain = address.rpartition("@")[2]
    identifier = ".".join(reversed(domain.split("."))) + ".mailkeep"
    account = {
        **_payload("com.apple.mail.managed", f"{identifier}.mail", f"{address}/mail"),
        "PayloadDisplayName": f"Mail of {address}",
        "EmailAccountDescription": address,
        "EmailAccountName": name or address,
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": address,
        **_server("Incoming", address, _first(found, "imap")),
        **_server("Outgoing", address, _first(found, "smtp")),
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    told = {
        **_payload("Configuration", identifier, address),
        "PayloadDisplayName": f"Mail of {address}",
        "PayloadDescription": f"Sets up {address}. The password is an API key with the scopes imap and smtp.",
        "PayloadOrganization": domain,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [account],
    }
    return plistlib.dumps(told)


def _first(found: Sequence[Listener], protocol: str) -> Listener | None:
    return next((listener for listener in found if listener.protocol == protocol), None)


def _payload(kind: str, identifier: str, name: str) -> dict[str, Any]:
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid5(NAMESPACE_URL, f"mailkeep:{name}")).upper(),
    }


def _server(way: str, address: str, listener: Listener | None) -> dict[str, Any]:
    if listener is None:
        return {}
    return {
        f"{way}MailServerHostName": listener.host,
        f"{way}MailServerPortNumber": listener.port,
        f"{way}MailServerUseSSL": True,  # the device tries TLS at once, then STARTTLS
        f"{way}MailServerUsername": address,
        f"{way}MailServerAuthentication": "EmailAuthPassword",
    }
