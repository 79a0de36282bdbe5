"""The service manager's notification protocol (sd_notify(3)), both ends of it.

A host says READY=1 when all its listeners accept. systemd hears it, and so does `mailkeep up`, which
opens such a socket itself. One variable is our own: X_MAILKEEP_LISTENERS tells where the host listens;
systemd ignores names that it does not know.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, MutableMapping, Sequence

DATAGRAM_LIMIT = 64 * 1024  # octets; sd_notify messages are far smaller
LISTENERS = "X_MAILKEEP_LISTENERS"


def notify(fields: Mapping[str, str], environ: MutableMapping[str, str] | None = None) -> bool:
    """Send the fields to $NOTIFY_SOCKET. False if nobody listens: that never fails a host."""
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    message = "\n".join(f"{name}={value}" for name, value in fields.items()).encode()
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1.0)
            sender.sendto(message, target)
    except OSError:
        return False
    return True


def ready_fields(listeners: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What a host sends when it is ready: listener name -> addresses that accept."""
    listening = ", ".join(f"{name} on {' '.join(places)}" for name, places in listeners.items() if places)
    return {
        "READY": "1",
        "STATUS": f"Listening: {listening}" if listening else "Ready",
        "MAINPID": str(os.getpid()),
        LISTENERS: json.dumps({name: list(places) for name, places in listeners.items()}),
    }


def parse(datagram: bytes) -> dict[str, str]:
    """The fields of one datagram; lines without "=" and text that is not UTF-8 are dropped."""
    fields = {}
    for line in datagram[:DATAGRAM_LIMIT].decode("utf-8", "replace").split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            fields[name] = value
    return fields


def parse_listeners(fields: Mapping[str, str]) -> dict[str, list[str]]:
    """Listener name -> addresses, from a host's READY datagram; empty if it said nothing usable."""
    try:
        told = json.loads(fields.get(LISTENERS, "{}"))
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    return {
        str(name): [str(place) for place in places]
        for name, places in told.items()
        if isinstance(places, list)
    }
