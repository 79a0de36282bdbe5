"""Microsoft's Autodiscover, in its "plain old XML" form ([MS-OXDSCLI]), and the JSON that leads to it.

Outlook's accounts by IMAP read it; nothing of Exchange is here. The request's address is found by a pattern
and not by an XML parser: a stranger's document has nothing else that matters, and a parser much to attack.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from mailkeep_api.autoconfig.places import Listener

REQUEST_LIMIT = 16 * 1024  # octets; a client's request has some hundred
_ANSWERS = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_ADDRESS = re.compile(rb"<(?:\w{1,20}:)?EMailAddress>\s*([^<>\s]{1,320})\s*</")
_TYPES = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}


def address_in(request: bytes) -> str:
    """The address that a request asks for, "" if it asks for none."""
    found = _ADDRESS.search(request[:REQUEST_LIMIT])
    return html.unescape(found.group(1).decode("utf-8", "replace")) if found else ""


def settings_for(address: str, found: Sequence[Listener]) -> bytes:
    """The answer: of each protocol the first way in."""
    root = Element("Autodiscover", xmlns=_ANSWERS)
    account = SubElement(SubElement(root, "Response", xmlns=_OUTLOOK), "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    first = {listener.protocol: listener for listener in reversed(found)}
    for name in ("imap", "pop3", "smtp"):
        if name in first:
            _protocol(account, address, first[name])
    return _written(root)


def refusal() -> bytes:
    """What Outlook hears of an address that is not ours, or of a request that is none."""
    root = Element("Autodiscover", xmlns=_ANSWERS)
    error = SubElement(SubElement(root, "Response"), "Error")
    SubElement(error, "ErrorCode").text = "500"
    SubElement(error, "Message").text = "The e-mail address cannot be found."
    return _written(root)


def _protocol(account: Element, address: str, listener: Listener) -> None:
    told = SubElement(account, "Protocol")
    members = {
        "Type": _TYPES[listener.protocol],
        "Server": listener.host,
        "Port": str(listener.port),
        "DomainRequired": "off",
        "LoginName": address,
        "SPA": "off",
        "Encryption": "TLS" if listener.starttls else "SSL",
        "AuthRequired": "on",
    }
    for name, text in members.items():
        SubElement(told, name).text = text


def _written(root: Element) -> bytes:
    written: bytes = tostring(root, "utf-8", xml_declaration=True)
    return written
