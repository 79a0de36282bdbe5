"""Thunderbird's config-v1.1.xml, which Evolution, KMail and others read too.

The password is an API key: sent as it is, inside TLS. POP3 comes after IMAP, since the first one is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from mailkeep_api.autoconfig.places import Listener

EMAIL_ADDRESS = "%EMAILADDRESS%"  # the client puts its user's address there


def config(domain: str, found: Sequence[Listener]) -> bytes:
    """The document for a domain's users."""
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain)
    SubElement(provider, "domain").text = domain
    SubElement(provider, "displayName").text = f"Mail of {domain}"
    SubElement(provider, "displayShortName").text = domain
    for listener in found:
        name = "outgoingServer" if listener.protocol == "smtp" else "incomingServer"
        server = SubElement(provider, name, type=listener.protocol)
        SubElement(server, "hostname").text = listener.host
        SubElement(server, "port").text = str(listener.port)
        SubElement(server, "socketType").text = "STARTTLS" if listener.starttls else "SSL"
        SubElement(server, "authentication").text = "password-cleartext"
        SubElement(server, "username").text = EMAIL_ADDRESS
    written: bytes = tostring(root, "utf-8", xml_declaration=True)
    return written
