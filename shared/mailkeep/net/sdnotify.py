"""The service manager's notification protocol (sd_notify(3)), both ends of it.

A host says READY=1 when all its listeners accept. systemd hears it, and so does `mailkeep up`, which
opens such a socket itself. Two variables are our own: X_MAILKEEP_LISTENERS tells where the host listens,
X_MAILKEEP_CONNECTIONS how many connections a worker has; systemd ignores names that it does not know.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, MutableMapping, Sequence

DATAGRAM_LIMIT = 64 * 1024  # octets; sd_notify messages are far smaller
LISTENERS = "X_MAILKEEP_LISTENERS"
CONNECTIONS = "X_MAILKEEP_CONNECTIONS"


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
    return {
        "READY": "1",
        "STATUS": listening(listeners),
        "MAINPID": str(os.getpid()),
        LISTENERS: json.dumps({name: list(places) for name, places in listeners.items()}),
    }


def listening(listeners: Mapping[str, Sequence[str]]) -> str:
    """Where a host listens, in one line."""
    told = ", ".join(f"{name} on {' '.join(places)}" for name, places in listeners.items() if places)
    return f"Listening: {told}" if told else "Ready"


def reloading_fields() -> dict[str, str]:
    """What a host sends when it begins to read its settings again; READY=1 follows."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return {"RELOADING": "1", "MONOTONIC_USEC": str(now), "STATUS": "Reading settings and certificates"}


def watchdog_seconds(environ: Mapping[str, str] | None = None) -> float | None:
    """How often the service manager wants to hear of us at least (sd_watchdog_enabled(3)); None: never."""
    environ = os.environ if environ is None else environ
    wanted, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not wanted.isdigit() or int(wanted) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(wanted) / 1_000_000


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
