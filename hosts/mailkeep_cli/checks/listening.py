"""Does somebody answer where the settings say, in the protocol that clients expect there?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

from mailkeep.model.finding import Finding, failure, ok
from mailkeep.net.listen import Endpoint
from mailkeep.settings import Settings
from mailkeep_cli.checks.configured import listeners

CHECK = "ports"
SECONDS = 5.0
GREETINGS = {"mx": b"220 ", "submission": b"220 ", "submissions": b"220 ", "pop3": b"+OK", "pop3s": b"+OK",
             "imap": b"* OK", "imaps": b"* OK"}  # fmt: skip
HOSTS = {"mx": "smtp", "submission": "smtp", "submissions": "smtp", "pop3s": "pop3", "imaps": "imap"}


async def check(settings: Settings) -> AsyncIterator[Finding]:
    """One finding for each address."""
    for name, places in listeners(settings).items():
        for place in places:
            yield await _one(name, place)


async def _one(name: str, place: str) -> Finding:
    host = HOSTS.get(name, name)
    endpoint = Endpoint.parse(place)
    mend = f"systemctl status mailkeep-{host}, or start it: python -m mailkeep_{host}"
    try:
        async with asyncio.timeout(SECONDS):
            greeting = await _greeting(name, endpoint)
    except ssl.SSLError:
        return failure(CHECK, f"Who answers at {place} speaks no TLS.", "Another program may have the port.")
    except (OSError, TimeoutError):
        return failure(CHECK, f"Nobody answers at {place} ({name}).", mend)
    if not greeting.startswith(GREETINGS.get(name, b"HTTP/1.1 200")):
        return failure(
            CHECK, f"Who answers at {place} is not the {host} host.", "Free the port, or take another."
        )
    return ok(CHECK, f"The {host} host answers at {place} ({name}).")


async def _greeting(name: str, endpoint: Endpoint) -> bytes:
    context: ssl.SSLContext | None = None
    if name in ("submissions", "pop3s", "imaps"):
        context = ssl.create_default_context()
        context.check_hostname = False  # whose certificate it is, is another check
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(_reachable(endpoint.host), endpoint.port, ssl=context)
    try:
        if name == "api":
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await reader.readline()
    finally:
        writer.close()


def _reachable(host: str) -> str:
    return {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  as settings
