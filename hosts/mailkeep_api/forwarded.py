"""Who is behind a reverse proxy: `X-Forwarded-For`, believed from those alone whom the operator trusts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from fastapi.requests import HTTPConnection

from mailkeep.auth.rules import parse_host
from mailkeep.net.networks import Networks


def client_of(request: HTTPConnection, trusted: tuple[str, ...]) -> tuple[str, int]:
    """Address and port of the client; the port is 0 if a proxy has told the address."""
    if request.client is None:
        return "", 0
    host, port = request.client
    if not trusted or host not in _networks(trusted):
        return host, port
    told = behind(request.headers.getlist("x-forwarded-for"), _networks(trusted))
    return (told, 0) if told else (host, port)


def behind(forwarded: Iterable[str], proxies: Networks) -> str:
    """Whom the outermost trusted proxy saw: the last address that is none of theirs. What stands before it a
    client can have written itself. "" if there is none, or if it is no address."""
    seen = [each.strip() for each in ",".join(forwarded).split(",")]
    host = next((each for each in reversed(seen) if each not in proxies), "")
    return host if parse_host(host) is not None else ""


@cache
def _networks(texts: tuple[str, ...]) -> Networks:
    return Networks(texts)
