"""Listening sockets from "host:port" settings.

Sockets are bound here, before a host says that it is ready, so that a port in use is one plain sentence
at start and never a half-started host. Resolving waits on nothing but the machine's own files: a listener
is given as an address, `localhost`, or `*` for every address of the machine. A socket that the service
manager has bound to that address already is taken instead, and in a worker the one that its parent bound.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from mailkeep.errors import SettingsError
from mailkeep.net.inherited import inherited
from mailkeep.net.worker_place import place

BACKLOG = 1024  # connections that the kernel accepts for us meanwhile; it caps at net.core.somaxconn


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen. `host` is an IPv4 or IPv6 address, a name, or "*"; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """From "127.0.0.1:25", "[::1]:25", "localhost:25" or "*:25". Raises SettingsError."""
        host, colon, port = text.strip().rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not colon or not bare or (":" in bare and bare is host):
            raise SettingsError(f"'{text}' is not an address to listen on: it has the form host:port.")
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise SettingsError(f"'{text}' has no port between 0 and 65535.")
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind(endpoint: Endpoint) -> socket.socket:
    """A bound, listening, non-blocking socket. Raises SettingsError naming the port if it is in use."""
    worker = place()
    shared = worker.listener(str(endpoint)) if worker is not None else None
    if shared is not None:
        return shared
    family, address = _resolve(endpoint)
    given = inherited().take(family, address)
    if given is not None:
        return given
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "*" is one socket for both families; a named IPv6 address is that alone (RFC 3493 section 5.3).
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(endpoint.host != "*"))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(_sentence(endpoint, error)) from None
    return listener


def bind_all(endpoints: tuple[str, ...]) -> list[socket.socket]:
    """Every endpoint of one listener setting, or none: if one cannot be bound the others are closed again."""
    listeners: list[socket.socket] = []
    try:
        listeners.extend(bind(Endpoint.parse(text)) for text in endpoints)
    except SettingsError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def address_of(listener: socket.socket) -> str:
    """The "host:port" that a socket is really bound to: what `Lifecycle.ready` is told."""
    host, port = listener.getsockname()[:2]
    return str(Endpoint(host, port))


def _resolve(endpoint: Endpoint) -> tuple[socket.AddressFamily, tuple[str, int]]:
    if endpoint.host == "*":
        if socket.has_dualstack_ipv6():
            return socket.AF_INET6, ("::", endpoint.port)
        return socket.AF_INET, ("0.0.0.0", endpoint.port)  # noqa: S104  asked for by "*"
    try:
        found = socket.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError:
        raise SettingsError(f"'{endpoint.host}' is not an address of this machine.") from None
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))


def _sentence(endpoint: Endpoint, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {endpoint.port} on {endpoint.host} is in use by another program."
    if error.errno == errno.EACCES:
        return f"Port {endpoint.port} on {endpoint.host} needs rights that this process does not have."
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"'{endpoint.host}' is not an address of this machine."
    return f"Port {endpoint.port} on {endpoint.host} cannot be listened on: {error.strerror}."
