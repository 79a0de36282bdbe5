"""A TLS handshake with a host, as a client of its protocol begins it; certificates that tell names apart."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
from tests.support.hosts import Place

SECONDS = 20.0
IMPLICIT = ("submissions", "imaps", "pop3s")
# Listener -> what the server says first ends with, the client's wish, and how its answer begins.
UPGRADED = {
    "mx": (b"220 ", b"STARTTLS\r\n", b"220 "),
    "submission": (b"220 ", b"STARTTLS\r\n", b"220 "),
    "imap": (b"* OK", b"a STARTTLS\r\n", b"a OK"),
    "pop3": (b"+OK", b"STLS\r\n", b"+OK"),
}
LISTENERS = (*IMPLICIT, *UPGRADED)


def trusting_nobody(minimum: ssl.TLSVersion, maximum: ssl.TLSVersion, ciphers: str = "") -> ssl.SSLContext:
    """A client that would talk to anybody, in any version that the library still knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Versions before 1.2 need it, or the client's own library refuses before anything is sent.
    context.set_ciphers((ciphers or "ALL:COMPLEMENTOFALL") + ":@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = minimum, maximum
    return context


@contextmanager
def secured(
    place: Place, listener: str, context: ssl.SSLContext, name: str | None = None
) -> Iterator[ssl.SSLSocket]:
    """The connection after its handshake. Raises ssl.SSLError with the alert that the server sent."""
    with socket.create_connection(place, SECONDS) as plain:
        if listener in UPGRADED:
            _upgrade(plain, listener)
        with context.wrap_socket(plain, server_hostname=name) as wrapped:
            yield wrapped


def _upgrade(plain: socket.socket, listener: str) -> None:
    greeting, wish, answer = UPGRADED[listener]
    assert _line(plain).startswith(greeting)
    if listener in ("mx", "submission"):
        plain.sendall(b"EHLO client.test\r\n")
        while not _line(plain).startswith(b"250 "):
            pass
    plain.sendall(wish)
    assert _line(plain).startswith(answer)


def _line(plain: socket.socket) -> bytes:
    """Octet by octet: what follows belongs to the handshake."""
    line = b""
    while not line.endswith(b"\n"):
        octet = plain.recv(1)
        assert octet, line
        line += octet
    return line


class Certified:
    """A certificate for names, of an authority of its own, as the files that settings name."""

    def __init__(self, directory: Path, *names: str, rsa: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        kind = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
        self.names = names
        self.certificate, self.key = directory / "chain.pem", directory / "private.key"
        self._authority = trustme.CA()
        self._kind = kind
        self.renew()

    def renew(self) -> None:
        """Another one of the same authority, in the same files."""
        made = self._authority.issue_cert(*self.names, key_type=self._kind)
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        self.key.write_bytes(made.private_key_pem.bytes())

    @property
    def octets(self) -> bytes:
        """The certificate as it is served (DER)."""
        end = "-----END CERTIFICATE-----\n"
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text().partition(end)[0] + end)

    def client(self) -> ssl.SSLContext:
        """One that trusts this authority alone and verifies the name."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context
